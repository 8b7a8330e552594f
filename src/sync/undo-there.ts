import { sql } from 'kysely'
import type { Transaction } from '#store/store.ts'
import { pageFrom, stateOf } from './change-plan-page.ts'
import type { PlannedChange } from './change-plan.rules.ts'
import { listPlanned, markPlanned, readStandings, type PlannedState } from './change-plan.store.ts'
import type { PushChange } from './connector.ts'
import { commit, type Run } from './engine.ts'
import type { Entity } from './entity.ts'
import type { StreamRules } from './field-rules.ts'
import { writeOutcomes, type Outcome } from './outcome.store.ts'
import { deliver, wayFor, type PushStream } from './push.ts'
import type { Delivery, PushPage } from './push-page.store.ts'
import { keptText } from './undo-outcome.ts'
import { readThere } from './undo-read.ts'
import type { SeenThere } from './undo-record.rules.ts'
import { fitOfUndo } from './undo.rules.ts'

const PAGE = 1000

/**
 * Puts back what went out, exactly as it was approved. Each record is read before; one that somebody changed there since, on a
 * field that would go back, stays with the reason.
 * @throws VendorFault when the vendor cannot go on.
 */
export async function undoThere(
  run: Run,
  planId: string,
  stream: PushStream,
  entity: Entity,
  rules: StreamRules,
): Promise<void> {
  for (let after = 0; ;) {
    const planned = await run.engine.store.read(run.workspaceId, (tx) =>
      listPlanned(tx, planId, stream.name, after, PAGE),
    )
    const last = planned.at(-1)
    if (!last) return
    after = last.seq
    const ids = planned.flatMap(({ externalId }) => externalId ?? [])
    const seen = await readThere(run, stream, rules, ids)
    const { page, outdated } = await run.engine.store.read(run.workspaceId, (tx) =>
      pageOf(tx, run.connectionId, entity, planned, seen),
    )
    await keepOutdated(run, planId, stream, outdated)
    const plannedOf = new Map(planned.map((one) => [one.localId, one]))
    await deliver(
      run,
      wayFor(stream, page.changes.length),
      entity,
      page,
      async (tx, deliveries) => {
        await markPlanned(tx, planId, entity.name, deliveries.flatMap(stateOf))
        await notePartly(tx, run.id, stream.name, deliveries, plannedOf)
      },
    )
  }
}

interface Outdated {
  localId: string
  externalId: string | null
  state: PlannedState
  note: string
}

async function pageOf(
  tx: Transaction,
  connectionId: string,
  entity: Entity,
  planned: readonly PlannedChange[],
  seen: ReadonlyMap<string, SeenThere>,
): Promise<{ page: PushPage; outdated: Outdated[] }> {
  const ids = planned.map(({ localId }) => localId)
  const records = new Map(
    ((await entity.load?.(tx, ids)) ?? []).map((record) => [record.localId, record]),
  )
  const standings = await readStandings(tx, connectionId, entity.name, ids)
  const changes: PushChange[] = []
  const settled: Delivery[] = []
  const outdated: Outdated[] = []
  for (const one of planned) {
    const { localId, externalId, properties, action } = one
    const record = records.get(localId)
    const standing = standings.get(localId)
    const there = externalId === null ? undefined : seen.get(externalId)
    const change = {
      key: localId,
      record: record ?? { localId, values: {} },
      externalId,
      properties,
      ...(action === 'delete' ? { deleted: true } : {}),
    }
    const base = standing?.base ?? null
    const fit = fitOfUndo(
      one,
      {
        isHere: record !== undefined,
        externalId: standing?.externalId ?? null,
        goneThere: standing?.goneThere ?? (there?.isGone ? 'deleted' : null),
        base: base && { ...base, theirs: { ...base.theirs, ...there?.values } },
        disputed: standing?.disputed ?? new Set<string>(),
      },
      there?.modifiedAt ?? null,
    )
    if (fit.kind === 'send') changes.push(change)
    else if (fit.kind === 'arrived') settled.push({ change, result: { kind: 'unchanged' } })
    else outdated.push({ localId, externalId, state: 'outdated', note: fit.note })
  }
  return { outdated, page: pageFrom(planned, changes, settled, true) }
}

async function keepOutdated(
  run: Run,
  planId: string,
  stream: PushStream,
  outdated: readonly Outdated[],
): Promise<void> {
  const { entity, name } = stream
  const place = {
    runId: run.id,
    connectionId: run.connectionId,
    stream: name,
    entity,
    direction: 'push' as const,
  }
  const outcomes = outdated.map(({ localId, externalId, note }): Outcome => ({
    localId,
    externalId,
    outcome: 'skipped',
    code: 'undo.outdated',
    detail: note,
  }))
  await commit(run, async (tx) => {
    await writeOutcomes(tx, place, outcomes, run.engine.clock.now())
    await markPlanned(tx, planId, entity, outdated)
  })
}

/** Records of which some fields stay: their outcome says which. One statement. */
async function notePartly(
  tx: Transaction,
  runId: string,
  stream: string,
  deliveries: readonly Delivery[],
  plannedOf: ReadonlyMap<string, PlannedChange>,
): Promise<void> {
  const rows = deliveries.flatMap(({ change, result }) => {
    const { localId } = change.record
    const kept = plannedOf.get(localId)?.kept ?? []
    return result.kind === 'written' && kept.length > 0 ? [{ localId, text: keptText(kept) }] : []
  })
  if (rows.length === 0) return
  await tx.execute(sql`
    update sync_outcomes o set code = 'undo.partly', detail = r.text
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r("localId" text, text text)
    where o.run_id = ${runId} and o.stream = ${stream} and o.record = r."localId" and o.direction = 'push'`)
}
