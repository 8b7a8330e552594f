import type { z } from 'zod'
import { newId } from '#core/id.ts'
import { Problem } from '#core/problem.ts'
import { defineOperation, type Operation, type OperationContext } from '#gateway/operation.ts'
import type { Transaction } from '#store/store.ts'
import type { Approval } from './approval.ts'
import { detailOf, getPlan } from './change-plan.operations.ts'
import { ChangePlanDetail } from './change-plan.schema.ts'
import { findOpenPlan, insertPlan } from './change-plan.store.ts'
import { findConnection, readSettings } from './connection.store.ts'
import type { Stream } from './connector.ts'
import type { Entity } from './entity.ts'
import { rulesOf } from './field-rules.ts'
import { listRules } from './field-rule.store.ts'
import { connectorOf, withSession, type Connectors } from './open-session.ts'
import { chooseStreams } from './run.operations.ts'
import { findRun, insertRun, type RunRow } from './run.store.ts'
import { undoReasons } from './undo-reasons.ts'
import type { UndoStep } from './undo-record.rules.ts'
import { NewUndo, UndoPreview, UndoQuery } from './undo.schema.ts'
import { listAffected } from './undo.store.ts'
import { planPage } from './undo.ts'

/** Records that a preview looks at, a page at a time: somebody waits for it. */
const MOST = 5000
const PAGE = 1000

type Entities = ReadonlyMap<string, Entity>
type Preview = z.output<typeof UndoPreview>

/** Taking back what a run wrote: shown first, then planned, signed and carried out like any change plan. */
export function undoOperations(
  connectors: Connectors,
  entities: Entities,
  approval: Approval | null,
): readonly Operation[] {
  return [previewUndo(connectors, entities), askForUndo(approval)]
}

/** @throws Problem for runs that are not over. */
async function getEnded(tx: Transaction, runId: string): Promise<RunRow> {
  const run = await findRun(tx, runId)
  if (!run) throw new Problem('resource.not_found', 'There is no run with this id.')
  if (run.endedAt === null)
    throw new Problem('sync.running', 'The run is not over yet: ask again once it is.')
  return run
}

const previewUndo = (connectors: Connectors, entities: Entities) =>
  defineOperation({
    id: 'previewSyncRunUndo',
    method: 'GET',
    path: '/api/v1/sync/runs/{runId}/undo',
    scope: 'sync:read',
    tag: 'Sync',
    summary: 'See what an undo of a run would put back, and what would stay and why',
    description:
      'As far as the hub knows, without a call. A field goes back only while it is as the run left it: later edits win. The plan of the undo asks the connected system and shows every field.',
    input: UndoQuery,
    output: UndoPreview,
    async perform({ runId, removeCreated }, { tx, now }) {
      const run = await getEnded(tx, runId)
      const { connectionId } = run
      const connection = await findConnection(tx, connectionId)
      const settings = connection && (await readSettings(tx, connectionId))
      if (!connection || !settings)
        throw new Problem('resource.not_found', 'The connection of the run is gone.')
      const connector = connectorOf(connectors, connection.vendor)
      const streams = await withSession(
        connector,
        connectionId,
        settings,
        now,
        async (session) => session.streams,
      )
      const stored = await listRules(tx, connectionId)
      const summary = new Summary()
      let left = MOST
      for (const stream of streams) {
        const entity = entities.get(stream.entity)
        if (!entity || !run.streams.includes(stream.name)) continue
        const plan = { undoes: runId, removesCreated: removeCreated }
        const way = {
          stream,
          entity,
          rules: rulesOf(entity, stream, stored),
          plan,
          seen: new Map(),
        }
        const place = { runId, connectionId, stream: stream.name }
        for (let after: string | null = ''; after !== null && left > 0;) {
          const page = await listAffected(tx, place, entity, after, PAGE)
          left -= page.records.length
          after = page.last
          summary.add(stream, await planPage(tx, connectionId, way, page.records))
        }
      }
      return {
        runId,
        connectionId: `con_${connectionId.slice(4)}` as const,
        ...summary.read(),
        isWhole: left > 0,
      }
    },
  })

/** Steps counted by what becomes of them. */
class Summary {
  readonly #back = new Map<string, Preview['back'][number]>()
  readonly #kept = new Map<string, Preview['kept'][number]>()
  readonly #recycles = new Map<string, string>()

  add({ name: stream, recycles }: Stream, steps: readonly UndoStep[]): void {
    for (const { side, action, sent, kept = [] } of steps) {
      if (recycles !== undefined && isOfCreated(action, kept)) this.#recycles.set(stream, recycles)
      if (sent.length > 0) {
        const key = `${stream} ${side} ${action}`
        const row = this.#back.get(key) ?? { stream, side, action: 'update', records: 0, fields: 0 }
        row.action = action === 'delete' ? 'delete' : 'update'
        row.records += 1
        row.fields += sent.length
        this.#back.set(key, row)
      }
      const seen = new Set<string>()
      for (const { code, by } of kept) {
        const key = `${stream} ${side} ${code} ${by ?? ''}`
        const { title, whatToDo } = undoReasons[code]
        const none = { stream, side, code, title, whatToDo, by, records: 0, fields: 0 }
        const row = this.#kept.get(key) ?? none
        if (!seen.has(key)) row.records += 1
        seen.add(key)
        row.fields += 1
        this.#kept.set(key, row)
      }
    }
  }

  read(): Pick<Preview, 'back' | 'kept' | 'recycles'> {
    return {
      back: [...this.#back.values()],
      kept: [...this.#kept.values()].toSorted((a, b) => b.records - a.records),
      recycles: [...this.#recycles].map(([stream, about]) => ({ stream, about })),
    }
  }
}

function isOfCreated(action: UndoStep['action'], kept: NonNullable<UndoStep['kept']>): boolean {
  return action === 'delete' || kept.some(({ code }) => code === 'undo.made_there')
}

const askForUndo = (approval: Approval | null) =>
  defineOperation({
    id: 'undoSyncRun',
    method: 'POST',
    path: '/api/v1/sync/runs/{runId}/undo',
    scope: 'sync:write',
    tag: 'Sync',
    summary:
      'Plan the undo of a run: what it wrote in the hub and in the connected system goes back',
    description:
      'Queues a run that reads the records as they are now and plans which fields go back; nothing is written. The plan is signed like any other and then carried out to the letter. Each side gets back what it had; the other side stays as it is, and no run sends the difference until somebody changes the field again.',
    event: 'sync.undo_requested',
    subject: (plan) => plan.id,
    location: (plan) => `/api/v1/sync/plans/${plan.id}`,
    status: 202,
    input: NewUndo,
    output: ChangePlanDetail,
    async perform({ runId, removeCreated }, context) {
      const { tx } = context
      const { connectionId, streams } = await getEnded(tx, runId)
      await chooseStreams(tx, connectionId, undefined) // the connection is there and may run
      const open = await findOpenPlan(tx, connectionId)
      if (open) {
        throw new Problem(
          'sync.plan_open',
          `The plan ${open.id} of this connection is ${open.state}: approve or discard it first.`,
        )
      }
      const id = await queueUndo(context, { runId, connectionId, streams, removeCreated })
      return detailOf(tx, await getPlan(tx, id), approval)
    },
  })

async function queueUndo(
  context: OperationContext,
  undo: { runId: string; connectionId: string; streams: string[]; removeCreated: boolean },
): Promise<string> {
  const { tx, now, principal } = context
  const { connectionId, streams } = undo
  const [id, builtIn] = [newId('pln'), newId('run')]
  const run = { id: builtIn, workspaceId: tx.workspaceId, connectionId, streams }
  const isQueued = await insertRun(
    tx,
    { ...run, cause: 'undo', dueAt: now, slots: 0, retries: 0 },
    now,
  )
  const plan = { id, connectionId, builtIn, streams, madeBy: principal.id }
  const more = { undoes: undo.runId, removesCreated: undo.removeCreated }
  if (!isQueued || !(await insertPlan(tx, { ...plan, ...more }, now))) {
    throw new Problem(
      'sync.running',
      'A run of this connection waits already: ask again once it is over.',
    )
  }
  context.emit({ event: 'sync.run_requested', subjectId: builtIn })
  return id
}
