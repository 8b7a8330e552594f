import type { PersonalStore } from '#compliance/personal-store.ts'
import type { Subscriber } from '#jobs/job.ts'
import type { Transaction } from '#store/store.ts'
import { baseOf, openMergeBase, type MergeBase } from './base.ts'
import type { Entity } from './entity.ts'
import { mappingsOfStream } from './field.operations.ts'
import type { FieldMappingView } from './field.schema.ts'
import { isSame } from './merge.ts'
import type { Connectors } from './open-session.ts'
import { syncPersonal } from './personal-store.ts'
import {
  insertRectifications,
  listOpenRectifications,
  openExpected,
  saveReceipts,
  type Expected,
  type Receipt,
  type RectificationRow,
} from './rectify.store.ts'

/** Looked at after one run at most; the others are after the next. */
const PAGE = 200
const OF_PEOPLE = ['lead', 'contact']

type Entities = ReadonlyMap<string, Entity>

/**
 * What was put right goes out with the normal sync, since the events of the change make the records due. Here is noted only what each
 * linked record is to have, so that a receipt tells when it has it.
 */
export function syncPersonalStore(entities: Entities): PersonalStore {
  return {
    ...syncPersonal,
    async rectify(tx, { leadIds }, changes, { requestId, now }) {
      const records = (await entities.get('lead')?.load?.(tx, [...leadIds])) ?? []
      const fields = Object.keys(changes)
      await insertRectifications(tx, requestId, OF_PEOPLE, records, fields, now)
      return { before: {}, events: [] }
    },
  }
}

/** Looks after each run, and once at first, whether connected systems have what was put right. */
export function rectifySubscriber(connectors: Connectors, entities: Entities): Subscriber {
  return {
    name: 'sync.rectify',
    events: ['privacy.person_rectified', 'sync.run_ended'],
    async handle(events, tx, { clock }) {
      const connections = new Set(
        events.map(({ data: { connectionId } }) =>
          typeof connectionId === 'string' ? connectionId : null,
        ),
      )
      for (const connectionId of connections.has(null) ? [null] : connections)
        await settleRectifications(tx, { connectors, entities }, connectionId, clock.now())
    },
  }
}

async function settleRectifications(
  tx: Transaction,
  { connectors, entities }: { connectors: Connectors; entities: Entities },
  connectionId: string | null,
  now: Date,
): Promise<void> {
  const rows = await listOpenRectifications(tx, connectionId, PAGE)
  const views = new Map<string, FieldMappingView[]>()
  for (const { connectionId: of, stream } of rows) {
    const key = `${of} ${stream}`
    if (stream === null || views.has(key)) continue
    const place = { connectionId: of, stream }
    views.set(key, await mappingsOfStream(connectors, entities, tx, place, now))
  }
  const receipts = rows.map((row): Receipt => {
    const { requestId, connectionId: of, entity, localId } = row
    const base = openMergeBase(tx, of, entity, localId, row.base)
    const fields = views.get(`${of} ${row.stream}`) ?? []
    const verdict = judgeReceipt(openExpected(tx, row), fields, base, row)
    return { requestId, connectionId: of, entity, localId, ...verdict }
  })
  await saveReceipts(tx, receipts, now)
}

/** Whether a record there has what was put right, else what it waits for. Pure. */
export function judgeReceipt(
  expected: Expected,
  mappings: readonly Pick<FieldMappingView, 'field' | 'direction' | 'policy'>[],
  base: MergeBase | null,
  { hasConflict, runId, base: link }: Pick<RectificationRow, 'hasConflict' | 'runId' | 'base'>,
): Pick<Receipt, 'state' | 'detail'> {
  const kept = mappings.filter(({ field, policy }) => field in expected && policy !== 'off')
  const open = kept.filter(({ field }) => {
    const agreed = baseOf(base, field)
    return agreed === null || !isSame(agreed.ours, expected[field])
  })
  if (open.length === 0) {
    if (kept.length === 0) return { state: 'done', detail: 'None of these fields is kept there.' }
    return { state: 'done', detail: runId && `Has ${namesOf(kept)} by run ${runId}.` }
  }
  if (link === null)
    return { state: 'by_hand', detail: 'The link to the record is gone: look there by hand.' }
  const read = open.filter(({ direction }) => direction === 'pull')
  if (read.length > 0) {
    const detail = `The connection only reads ${namesOf(read)}: have it changed there; the next sync sees it.`
    return { state: 'by_hand', detail }
  }
  if (hasConflict) return { state: 'waiting', detail: 'A conflict about it waits for a decision.' }
  return { state: 'waiting', detail: `Waits for the next sync: ${namesOf(open)}.` }
}

function namesOf(fields: readonly { field: string }[]): string {
  return fields.map(({ field }) => field).join(', ')
}
