import fc from 'fast-check'
import { expect, test } from 'vitest'

import { OBJECT_TYPES } from './object-types.ts'
import { RecordTable, createdRecord, recordAt, updatedRecord } from './records.ts'
import type { Values } from './records.ts'

const source = { type: 'INTEGRATION', id: '1' }
const values = fc.dictionary(
  fc.constantFrom('email', 'firstname', 'phone'),
  fc.constantFrom('', 'a', 'b', 'c'),
)

test('a record as it was at any time is what its writes until then make of it', () => {
  fc.assert(
    fc.property(fc.array(values, { minLength: 1, maxLength: 8 }), (writes) => {
      const expected: Values[] = []
      let plain: Values = {}
      let record = createdRecord(1, 0, source, writes[0] ?? {})
      writes.forEach((write, atMs) => {
        plain = { ...plain, ...write }
        expected.push(Object.fromEntries(Object.entries(plain).filter(([, text]) => text !== '')))
        if (atMs > 0) record = updatedRecord(record, atMs, source, write)
      })
      expected.forEach((then, atMs) => expect(recordAt(record, atMs)?.values).toEqual(then))
      expect(recordAt(record, -1)).toBeNull()
    }),
  )
})

test('a unique value finds its one live record through any puts and removals', () => {
  const contacts = OBJECT_TYPES[0]
  if (!contacts) throw new Error('no object types')
  const step = fc.record({
    id: fc.integer({ min: 1, max: 5 }),
    email: fc.constantFrom('a', 'b', 'c', ''),
    archivedAtMs: fc.constantFrom(0, 0, 7),
    gone: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const table = new RecordTable(contacts)
      const live = new Map<number, string>()
      for (const { id, email, archivedAtMs, gone } of steps) {
        const isTaken = [...live].some(([other, taken]) => other !== id && taken === email)
        if (gone) {
          table.remove(id)
          live.delete(id)
        } else if (email === '' || !isTaken) {
          table.put({ ...createdRecord(id, 0, source, { email }), archivedAtMs })
          live.delete(id)
          if (archivedAtMs === 0) live.set(id, email)
        }
        expect(table.liveCount).toBe(live.size)
        for (const value of ['a', 'b', 'c']) {
          const holder = [...live].find(([, taken]) => taken === value)?.[0]
          expect(table.findBy('email', value)?.id).toBe(holder)
        }
        const ids = table.all().map((record) => record.id)
        expect(ids).toEqual([...ids].sort((a, b) => a - b))
      }
    }),
  )
})
