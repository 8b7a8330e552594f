import { sql } from 'kysely'
import { z } from 'zod'
import { MINUTE_MS } from '#core/time.ts'
import { defineJob, type Timer } from '#jobs/job.ts'
import { LEAST_CONFIDENCE, likeness, likenessKeys } from '#people/duplicate.rules.ts'
import {
  findPairs,
  lockDuplicates,
  readLikable,
  replaceDuplicates,
  replaceKeys,
  takeUnkeyed,
} from '#people/duplicate.store.ts'
import type { Transaction } from '#store/store.ts'

const JOB_NAME = 'people.duplicates'
const BATCH = 100
const LIMIT_MS = 15 * MINUTE_MS
/** After this a job ends by itself; what is left is found by the timer. */
const LONGEST_MS = LIMIT_MS / 3

/** Looks for duplicates of the people of one workspace who are new or changed. */
export const duplicatesJob = defineJob({
  name: JOB_NAME,
  input: z.object({ workspaceId: z.string() }),
  concurrency: 1,
  retryLimit: 5,
  timeoutMs: LIMIT_MS,
  async run({ workspaceId }, { store, clock, signal }) {
    const endMs = performance.now() + LONGEST_MS
    for (let looked = BATCH; looked === BATCH && performance.now() < endMs;) {
      signal.throwIfAborted()
      looked = await store.transaction(workspaceId, (tx) => lookAtPeople(tx, BATCH, clock.now()))
    }
  },
})

export const duplicatesTimer: Timer = {
  name: JOB_NAME,
  everyMs: MINUTE_MS,
  async run(context) {
    const rows = await context.store.system((tx) =>
      tx.query(sql<{ workspaceId: string }>`
        select w.id as workspace_id from workspaces w where exists (select from people p
          where p.workspace_id = w.id and not p.keyed and p.identified and p.merged_into is null)`),
    )
    for (const { workspaceId } of rows)
      await context.enqueue(JOB_NAME, { workspaceId }, { singletonKey: workspaceId })
  },
}

/** Looks at the next people that changed. @returns how many. */
async function lookAtPeople(tx: Transaction, limit: number, now: Date): Promise<number> {
  await lockDuplicates(tx)
  const personIds = await takeUnkeyed(tx, limit)
  if (personIds.length === 0) return 0
  const changed = await readLikable(tx, personIds)
  await replaceKeys(tx, new Map([...changed].map(([id, person]) => [id, likenessKeys(person)])))
  const pairs = await findPairs(tx, personIds)
  const others = new Set(pairs.flatMap((pair) => [pair.personId, pair.otherPersonId]))
  const known = await readLikable(
    tx,
    [...others].filter((id) => !changed.has(id)),
  )
  const of = (id: string) => changed.get(id) ?? known.get(id)!
  const found = pairs.map(({ personId, otherPersonId, haveMet }) => ({
    personId,
    otherPersonId,
    ...likeness(of(personId), of(otherPersonId), haveMet),
  }))
  const offered = found.filter(({ confidence }) => confidence >= LEAST_CONFIDENCE)
  await replaceDuplicates(tx, personIds, offered, now)
  return personIds.length
}
