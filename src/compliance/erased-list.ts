import { appendFile, readFile } from 'node:fs/promises'
import { z } from 'zod'
import type { PersonalStore } from '#compliance/personal-store.ts'
import { suppressAddresses } from '#compliance/suppressed.ts'
import { subjectOf } from '#compliance/privacy.store.ts'
import { recordOwnWork } from '#jobs/own-work.ts'
import type { Subscriber } from '#jobs/job.ts'
import type { Store } from '#store/store.ts'

const Erased = z.object({ workspaceId: z.string(), personId: z.string(), requestId: z.string() })
export type Erased = z.infer<typeof Erased>

/**
 * Keeps, outside the database and beside its keys, who was erased: ids alone. A backup that is older than an erasure has the person
 * still; after a restore the list is worked off again.
 */
export function erasedListSubscriber(file: string): Subscriber {
  return {
    name: 'compliance.erased-list',
    events: ['privacy.person_erased'],
    async handle(events) {
      const lines = events.map(({ workspaceId, subjectId: personId, data }) =>
        JSON.stringify({ workspaceId, personId, requestId: String(data['requestId']) }),
      )
      await appendFile(file, `${lines.join('\n')}\n`, { mode: 0o600, flush: true })
    },
  }
}

/** Each person once. Empty without a file. @throws Error when a line is not of the list. */
export async function readErasedList(file: string): Promise<Erased[]> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  const all = text
    .split('\n')
    .filter(Boolean)
    .map((line) => Erased.parse(JSON.parse(line)))
  return [...new Map(all.map((one) => [one.personId, one])).values()]
}

/** Erases again whom a restore brought back. Those who are erased, or not there, are passed over. @returns how many. */
export async function eraseAgain(
  store: Store,
  stores: readonly PersonalStore[],
  list: readonly Erased[],
  now: Date,
): Promise<number> {
  let count = 0
  for (const { workspaceId, personId, requestId } of list) {
    const wasThere = await store.transaction(workspaceId, async (tx) => {
      const subject = await subjectOf(tx, [personId])
      // A hold that the backup brings back was lifted since, else the person would not have been erased.
      if (subject.personIds.length === 0 || subject.isErased) return false
      if (requestId.startsWith('prq_'))
        await suppressAddresses(tx, subject.personIds, { id: requestId, now })
      const erased: Record<string, number> = {}
      for (const each of stores)
        Object.assign(erased, await each.erase(tx, subject, { id: requestId, now }))
      const detail = { requestId, erased, after: 'restore' }
      const audits = [{ action: 'person.erased', subjectId: personId, detail }]
      const events = [{ event: 'privacy.person_erased', subjectId: personId, data: { requestId } }]
      await recordOwnWork(tx, { events, audits }, now)
      return true
    })
    if (wasThere) count += 1
  }
  return count
}
