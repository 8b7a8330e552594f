import { sql } from 'kysely'
import { captureAll } from '#people/capture.store.ts'
import type { Capture, TouchCapture } from '#people/capture.ts'
import type { Transaction } from '#store/store.ts'
import type { TestHub } from '#tests/hub.ts'
import { identities } from '#tests/people-model.ts'

export const now = new Date('2026-11-23T10:00:00Z')

/** `e1 a1` as a capture with a touch under its own message. */
export function came(text: string, more: Partial<Capture> & { messageId?: string } = {}): Capture {
  const { messageId, ...rest } = more
  return {
    source: 'test',
    identities: identities(text).map(({ key, kind }) => ({
      kind,
      value: kind === 'email' ? `${key}@example.com` : key,
    })),
    personal: {},
    consents: [],
    touch: touchAt('2026-11-20T10:00:00Z', messageId === undefined ? {} : { messageId }),
    ...rest,
  }
}

export function touchAt(time: string, more: Partial<TouchCapture> = {}): TouchCapture {
  return { kind: 'page_view', channel: null, occurredAt: new Date(time), ...more }
}

/** Runs a transaction in one fresh workspace. */
export type Run = <T>(work: (tx: Transaction) => Promise<T>) => Promise<T>

/** A fresh workspace to capture into. */
export async function freshPeople(hub: TestHub) {
  const { id } = await hub.freshWorkspace()
  const run: Run = (work) => hub.app.store.transaction(id, work)
  const capture = (...captures: Capture[]) => run((tx) => captureAll(tx, captures, now))
  return { run, capture }
}

export async function touchRows(run: Run) {
  return run((tx) =>
    tx.query(
      sql<{
        id: string
        personId: string
        capturedAs: string | null
        messageId: string | null
        channel: string
        campaignId: string | null
      }>`select id, person_id, captured_as, message_id, channel, campaign_id from touchpoints order by id`,
    ),
  )
}

export async function peopleRows(run: Run) {
  return run((tx) =>
    tx.query(
      sql<{
        id: string
        identified: boolean
        mergedInto: string | null
        personal: Buffer | null
        version: number
      }>`select id, identified, merged_into, personal, version from people order by id`,
    ),
  )
}
