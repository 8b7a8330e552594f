import { expect, test } from 'vitest'
import { emptyBase, type MergeBase } from './base.ts'
import type { Candidate, Entity, EntityRecord } from './entity.ts'
import { rulesOf } from './field-rules.ts'
import { mergeRecord } from './merge-record.ts'

const entity: Entity = {
  name: 'campaign',
  fields: [
    { name: 'name', label: 'Name', type: 'text' },
    { name: 'key', label: 'Key', type: 'text', fixed: true },
    { name: 'status', label: 'Status', type: 'choice', usual: 'planned' },
  ],
  pushAfter: [],
  load: async () => [],
}
const rules = rulesOf(
  entity,
  {
    name: 'campaigns',
    entity: 'campaign',
    direction: 'both',
    fields: [
      { field: 'name', properties: ['name'], direction: 'both' },
      { field: 'status', properties: ['status'], direction: 'both' },
      { field: 'key', properties: ['utm'], direction: 'both', once: true },
    ],
    everyMinutes: 1,
    cadenceReason: '',
    batchSize: 1,
  },
  [],
)!
const there = (values: Candidate['values']): Candidate => ({
  externalId: '1',
  modifiedAt: new Date('2026-11-23T08:00:00Z'),
  deleted: false,
  values,
  references: {},
})
const here: EntityRecord = { localId: 'cmp_1', values: { name: 'Fair', key: 'fair' } }
const merge = (record: EntityRecord | null, values: Candidate['values']) =>
  mergeRecord({
    rules,
    candidate: there(values),
    references: {},
    record,
    base: record && emptyBase(),
    told: {},
  })

test('a fixed field is taken in with a new record', () => {
  expect(merge(null, { name: 'Fair', key: 'spring' }).values).toEqual({
    name: 'Fair',
    key: 'spring',
  })
})

test('a fixed field of a record that is there stays on both sides, and what the vendor has is known', () => {
  const merged = merge(here, { name: 'Fair', key: 'spring' })
  expect(merged).toMatchObject({ values: {}, taken: [], asked: [], changes: [], isDue: false })
  expect(merged.base.ours['key']).toBe('fair')
  expect(merged.base.theirs['key']).toBe('spring')
})

test('a fixed field that was not read says nothing', () => {
  const merged = merge(here, { name: 'Fair' })
  expect([merged.isDue, 'key' in merged.base.theirs]).toEqual([false, false])
})

test('a usual value that nobody chose is not sent to a blank; every other is', () => {
  const base = { ...emptyBase(), ours: { status: null }, theirs: { status: null } }
  const isDue = (status: string, known: MergeBase | null) => {
    const record = { localId: 'cmp_1', values: { status } }
    const candidate = there({ status: null })
    return mergeRecord({ rules, candidate, references: {}, record, base: known, told: {} }).isDue
  }
  expect([isDue('planned', base), isDue('active', base)]).toEqual([false, true])
  // Two records that turned out to be one: here it is what somebody keeps.
  expect(isDue('planned', null)).toBe(true)
})
