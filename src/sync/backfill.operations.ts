import type { z } from 'zod'
import { newId } from '#core/id.ts'
import { cutPage, decodeCursor, Page } from '#core/page.ts'
import { Problem } from '#core/problem.ts'
import { defineOperation, type Operation, type OperationContext } from '#gateway/operation.ts'
import type { Transaction } from '#store/store.ts'
import type { Approval } from './approval.ts'
import { endBackfillRun } from './backfill.ts'
import { readFigures, type BackfillFigures } from './backfill-figures.ts'
import { estimateBackfill } from './backfill-estimate.ts'
import {
  BackfillEstimate,
  BackfillQuery,
  BackfillRef,
  BackfillView,
  EstimateQuery,
  NewBackfill,
} from './backfill.schema.ts'
import {
  findBackfill,
  insertBackfill,
  listBackfills,
  moveBackfill,
  type BackfillRow,
  type BackfillState,
} from './backfill.store.ts'
import { findLimit } from './change-plan.store.ts'
import type { Entity } from './entity.ts'
import type { Connectors } from './open-session.ts'
import { withStream, type Entities } from './open-stream.ts'

const PATH = '/api/v1/connections/{connectionId}/streams/{stream}/fields/{field}/backfill'
const TAG = 'Field mapping'

/** Filling one field of the records that exist already: estimated first, then beside live sync. */
export function backfillOperations(
  connectors: Connectors,
  entities: Entities,
  approval: Approval | null,
): readonly Operation[] {
  return [
    estimate(connectors, entities),
    start(connectors, entities, approval),
    listAll(connectors),
    getOne(connectors),
    move(connectors, 'pause', ['running'], 'paused'),
    move(connectors, 'resume', ['paused', 'failed'], 'running'),
    move(connectors, 'cancel', ['running', 'paused', 'failed'], 'cancelled'),
  ]
}

type View = z.output<typeof BackfillView>

async function viewsOf(
  tx: Transaction,
  connectors: Connectors,
  rows: readonly BackfillRow[],
  now: Date,
): Promise<View[]> {
  const figures = await readFigures(tx, connectors, rows, now)
  return rows.map((row) => viewOf(row, figures.get(row.id)!))
}

async function getView(
  tx: Transaction,
  connectors: Connectors,
  id: string,
  now: Date,
): Promise<View> {
  const [view] = await viewsOf(tx, connectors, [await getBackfill(tx, id)], now)
  return view!
}

function viewOf(row: BackfillRow, figures: BackfillFigures): View {
  const { position: _position, decidedBy: _decidedBy, faultKind: _kind, faultDetail, ...rest } = row
  const { dayCalls, perDay, ...spent } = figures
  return {
    ...rest,
    ...spent,
    today: { calls: dayCalls, perDay },
    id: `bkf_${row.id.slice(4)}`,
    connectionId: `con_${row.connectionId.slice(4)}`,
    runId: `run_${row.runId.slice(4)}`,
    fault: faultDetail,
  }
}

async function getBackfill(tx: Transaction, id: string): Promise<BackfillRow> {
  const row = await findBackfill(tx, id)
  if (!row) throw new Problem('resource.not_found', 'There is no backfill with this id.')
  return row
}

const estimate = (connectors: Connectors, entities: Entities) =>
  defineOperation({
    id: 'estimateBackfill',
    method: 'GET',
    path: PATH,
    scope: 'sync:read',
    tag: TAG,
    summary: 'What filling one field of the existing records would take',
    description:
      'Records, calls by endpoint, the share of the day’s calls, and when it would be through at the pace of the last runs. No call is made for it.',
    input: EstimateQuery,
    output: BackfillEstimate,
    perform: (input, { tx, now }) =>
      withStream(connectors, entities, tx, input, now, async (opened) =>
        estimateBackfill(tx, connectors, opened, input, now),
      ),
  })

const start = (connectors: Connectors, entities: Entities, approval: Approval | null) =>
  defineOperation({
    id: 'startBackfill',
    method: 'POST',
    path: PATH,
    scope: 'sync:write',
    tag: TAG,
    summary: 'Fill one field of the existing records',
    description:
      'Works beside live sync, a page at a time, and always after it; takes its share of a day’s calls and no more; writes this field alone, by its policy. Where more records would be written there than go without a plan, it takes <domain>:approve.',
    event: 'sync.backfill_started',
    subject: (backfill) => backfill.id,
    location: (backfill) => `/api/v1/sync/backfills/${backfill.id}`,
    status: 202,
    input: NewBackfill,
    output: BackfillView,
    async perform(input, context) {
      const { tx, now, principal } = context
      return withStream(connectors, entities, tx, input, now, async (opened) => {
        const planned = await estimateBackfill(tx, connectors, opened, input, now)
        if (planned.refusal !== null) {
          const errors = [{ pointer: '/direction', detail: planned.refusal }]
          throw new Problem('request.invalid', planned.refusal, { errors })
        }
        await assertMayWrite(context, approval, opened.entity, input.connectionId, planned.toWrite)
        const { connectionId, stream, field, direction, share } = input
        const id = newId('bkf')
        const row = { id, connectionId, runId: newId('run'), stream, field, direction, share }
        const more = {
          entity: opened.entity.name,
          total: planned.records,
          plannedCalls: planned.calls,
          askedBy: principal.id,
        }
        if (!(await insertBackfill(tx, { ...row, ...more }, now)))
          throw new Problem(
            'sync.running',
            'A backfill of this field is open already: resume or cancel that one.',
          )
        return getView(tx, connectors, id, now)
      })
    },
  })

/** A backfill is no way round the plan that a connection asks for. */
async function assertMayWrite(
  { tx, principal }: OperationContext,
  approval: Approval | null,
  entity: Entity,
  connectionId: string,
  records: number,
): Promise<void> {
  const limit = await findLimit(tx, connectionId)
  if (limit === null || records <= limit) return
  const missing = (approval?.domainsOf([entity.name]) ?? [])
    .map((domain) => `${domain}:approve`)
    .filter((scope) => !principal.scopes.has(scope))
  if (missing.length > 0)
    throw new Problem(
      'auth.forbidden',
      `It would write ${records} records, more than the ${limit} that go without a plan: this needs ${missing.join(', ')}.`,
    )
}

const listAll = (connectors: Connectors) =>
  defineOperation({
    id: 'listBackfills',
    method: 'GET',
    path: '/api/v1/sync/backfills',
    scope: 'sync:read',
    tag: TAG,
    summary: 'List backfills, newest first',
    input: BackfillQuery,
    output: Page(BackfillView),
    async perform({ limit, cursor, ...filter }, { tx, now }) {
      const before = cursor === undefined ? null : String(decodeCursor(cursor, 1)[0])
      const page = cutPage(await listBackfills(tx, filter, before, limit), limit, (row) => [row.id])
      return { ...page, data: await viewsOf(tx, connectors, page.data, now) }
    },
  })

const getOne = (connectors: Connectors) =>
  defineOperation({
    id: 'getBackfill',
    method: 'GET',
    path: '/api/v1/sync/backfills/{backfillId}',
    scope: 'sync:read',
    tag: TAG,
    summary: 'Show a backfill: how far it is, and what it waits for',
    input: BackfillRef,
    output: BackfillView,
    perform: ({ backfillId }, { tx, now }) => getView(tx, connectors, backfillId, now),
  })

const words = {
  pause: ['Pause a backfill; it goes on where it stopped', 'sync.backfill_paused'],
  resume: ['Go on with a backfill that is paused or has failed', 'sync.backfill_resumed'],
  cancel: ['Give up a backfill; what it filled stays', 'sync.backfill_cancelled'],
} as const

function move(
  connectors: Connectors,
  action: keyof typeof words,
  from: readonly BackfillState[],
  to: BackfillState,
) {
  const [summary, event] = words[action]
  return defineOperation({
    id: `${action}Backfill`,
    method: 'POST',
    path: `/api/v1/sync/backfills/{backfillId}/${action}`,
    scope: 'sync:write',
    tag: TAG,
    summary,
    status: 200,
    event,
    subject: (backfill) => backfill.id,
    input: BackfillRef,
    output: BackfillView,
    async perform({ backfillId }, { tx, principal, now }) {
      const row = await getBackfill(tx, backfillId)
      if (!(await moveBackfill(tx, backfillId, from, to, principal.id, now)))
        throw new Problem('sync.running', `The backfill is ${row.state}: it cannot ${action}.`)
      if (to === 'cancelled') await endBackfillRun(tx, row.runId, now)
      return getView(tx, connectors, backfillId, now)
    },
  })
}
