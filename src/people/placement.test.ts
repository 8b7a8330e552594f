import fc from 'fast-check'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import type { CapturedAll } from '#people/capture.ts'
import { captureAll } from '#people/capture.store.ts'
import { came, freshPeople, now, peopleRows, touchRows, type Run } from '#tests/captures.ts'
import { useHub } from '#tests/hub.ts'
import { groupsOf, placeNaively } from '#tests/people-model.ts'

const hub = useHub()

test('twenty transactions that capture one new address at once make one person', async () => {
  const { run } = await freshPeople(hub)
  const results = await Promise.all(
    Array.from({ length: 20 }, () => run((tx) => captureAll(tx, [came('e1 u1')], now))),
  )
  const outcomes = results.flatMap((result) => result.outcomes)
  expect(new Set(outcomes.map(({ personId }) => personId)).size).toBe(1)
  expect(outcomes.filter(({ isNewPerson }) => isNewPerson)).toHaveLength(1)
  expect(await peopleRows(run)).toHaveLength(1)
  expect(await touchRows(run)).toHaveLength(20)
})

const text = fc
  .uniqueArray(fc.constantFrom('e1', 'e2', 'e3', 'u1', 'u2', 'x1', 'a1', 'a2', 'a3', 'a4'), {
    minLength: 1,
    maxLength: 4,
  })
  .map((keys) => keys.join(' '))

test('however visits are cut into batches, every touch ends on the person of the model', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(text, { maxLength: 5 }), { maxLength: 6 }),
      async (batches) => {
        const { run, capture } = await freshPeople(hub)
        const touchpointIds: string[] = []
        for (const batch of batches) {
          const { outcomes } = await capture(...batch.map((keys) => came(keys)))
          touchpointIds.push(...outcomes.map(({ touchpointId }) => touchpointId!))
        }
        const owners = new Map((await touchRows(run)).map((row) => [row.id, row.personId]))
        const people = touchpointIds.map((id) => owners.get(id)!)
        expect(groupsOf(people)).toEqual(groupsOf(placeNaively(batches.flat())))
        await expectSound(run)
      },
    ),
    { numRuns: 40 },
  )
})

test('captures that run at once lose no touch and leave no half-merged person', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(text, { minLength: 16, maxLength: 32 }), async (texts) => {
      const { run } = await freshPeople(hub)
      const results: CapturedAll[] = await Promise.all(
        texts.map((keys) => run((tx) => captureAll(tx, [came(keys), came(keys)], now))),
      )
      const made = results.flatMap(({ outcomes }) =>
        outcomes.map(({ touchpointId }) => touchpointId),
      )
      expect(new Set((await touchRows(run)).map(({ id }) => id))).toEqual(new Set(made))
      await expectSound(run)
    }),
    { numRuns: 15, endOnFailure: true },
  )
})

/** Nothing hangs on a merged person, nobody identified was merged, and every person has an identity. */
async function expectSound(run: Run): Promise<void> {
  const faults = await run((tx) =>
    tx.query(sql<{ fault: string }>`
      select 'touch on a merged person' as fault from touchpoints t join people p on p.id = t.person_id
        where p.merged_into is not null
      union all select 'identity on a merged person' from identities i join people p on p.id = i.person_id
        where p.merged_into is not null
      union all select 'identified person merged' from people where identified and merged_into is not null
      union all select 'person without identity' from people p where merged_into is null
        and not exists (select from identities i where i.person_id = p.id)
      union all select 'identified by nothing' from people p where identified is distinct from
        exists (select from identities i where i.person_id = p.id and i.kind <> 'anonymous_id')
        and merged_into is null
      union all select 'merged into a merged person' from people p join people q on q.id = p.merged_into
        where p.merged_into = p.id`),
  )
  expect(faults).toEqual([])
}
