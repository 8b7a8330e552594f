import type { Transaction } from '#store/store.ts'
import { listChangesSince } from './change.store.ts'
import { clearPlanned, findOpenPlan, insertPlanned, type PlanRow } from './change-plan.store.ts'
import type { KeptField, Side } from './change-plan.rules.ts'
import type { Stream } from './connector.ts'
import { commit, type Run } from './engine.ts'
import type { Entity } from './entity.ts'
import type { StreamRules } from './field-rules.ts'
import { eachStream, readBack, type StreamFault } from './go-through.ts'
import { isBlank } from './merge.ts'
import type { FieldChange } from './merge-record.ts'
import { undoHere } from './undo-here.ts'
import { tellKept } from './undo-outcome.ts'
import { readThere } from './undo-read.ts'
import { planUndo, type SeenThere, type UndoStep } from './undo-record.rules.ts'
import {
  authorKey,
  findRunSpan,
  listAffected,
  listLaterAuthors,
  type AffectedRecord,
} from './undo.store.ts'
import { undoThere } from './undo-there.ts'

const PAGE = 1000

/**
 * What is open of an undo: the run that was asked to plan it does so, and whichever run has the connection after it was approved
 * carries it out before anything else. So nothing that is half undone is taken for an edit and merged.
 * @returns the faults, or null when there is nothing to undo.
 */
export async function seeToUndo(run: Run): Promise<StreamFault[] | null> {
  const plan = await run.engine.store.read(run.workspaceId, (tx) =>
    findOpenPlan(tx, run.connectionId),
  )
  if (!plan || plan.undoes === null) return null
  const { undoes } = plan
  const streams = run.session.streams.filter(({ name }) => plan.streams.includes(name))
  if (plan.state === 'approved')
    return eachStream(run, streams, (stream, entity) => carryOut(run, plan.id, stream, entity))
  if (plan.state !== 'building' || plan.builtIn !== run.id) return null
  return eachStream(run, streams, async (stream, entity) => {
    await build(run, { ...plan, undoes }, stream, entity)
    return null
  })
}

async function carryOut(
  run: Run,
  planId: string,
  stream: Stream,
  entity: Entity,
): Promise<StreamFault | null> {
  const rules = run.rulesOf(entity, stream)
  await tellKept(run, planId, stream)
  if (!rules) return null
  const { push, toVendor } = stream
  if (push && toVendor) await undoThere(run, planId, { ...stream, push, toVendor }, entity, rules)
  await undoHere(run, planId, stream, entity, rules)
  return readBack(run, stream, entity, 'written', 'through')
}

type UndoPlan = PlanRow & { undoes: string }

/** Plans the undo of a stream: what each record is now is asked of the vendor, and nothing is written. */
async function build(run: Run, plan: UndoPlan, stream: Stream, entity: Entity): Promise<void> {
  await commit(run, (tx) => clearPlanned(tx, plan.id, stream.name))
  const rules = run.rulesOf(entity, stream)
  const place = { runId: plan.undoes, connectionId: run.connectionId, stream: stream.name }
  let hasWork = false
  for (let after: string | null = ''; after !== null;) {
    const from: string = after
    const affected = await run.engine.store.read(run.workspaceId, (tx) =>
      listAffected(tx, place, entity, from, PAGE),
    )
    after = affected.last
    const seen = rules ? await readAffected(run, stream, rules, affected.records) : new Map()
    await commit(run, async (tx) => {
      const how = { stream, entity, rules, plan, seen }
      const steps = await planPage(tx, run.connectionId, how, affected.records)
      hasWork ||= steps.some(({ sent }) => sent.length > 0)
      await insertPlanned(tx, plan.id, { stream: stream.name, entity: entity.name }, steps)
    })
  }
  // Without anything to approve the plan ends with this run: its reasons are told now.
  if (!hasWork) await tellKept(run, plan.id, stream)
}

function readAffected(
  run: Run,
  stream: Stream,
  rules: StreamRules,
  records: readonly AffectedRecord[],
): Promise<Map<string, SeenThere>> {
  const ids = records.flatMap(({ made, effects, standing }) => {
    const isThere = made === 'there' || effects.some(({ side }) => side === 'there')
    return isThere && standing?.externalId ? [standing.externalId] : []
  })
  return readThere(run, stream, rules, ids)
}

/** How the pages of a stream are undone. */
interface UndoWay {
  stream: Stream
  entity: Entity
  rules: StreamRules | null
  plan: Pick<UndoPlan, 'undoes' | 'removesCreated'>
  /** By the vendor's id; empty where it was not asked. */
  seen: ReadonlyMap<string, SeenThere>
}

/** The steps of a page of records, and of what stays who changed it. Three statements. */
export async function planPage(
  tx: Transaction,
  connectionId: string,
  { stream, entity, rules, plan, seen }: UndoWay,
  records: readonly AffectedRecord[],
): Promise<UndoStep[]> {
  const span = await findRunSpan(tx, plan.undoes)
  if (!span || records.length === 0) return []
  const place = { connectionId, entity: entity.name, runId: plan.undoes }
  const made = records.flatMap((one) => (one.made === 'there' ? [one.localId] : []))
  const later = await listChangesSince(tx, place, made, span.startedAt)
  const steps = records.flatMap((one) =>
    planUndo(one, {
      stream,
      rules,
      removesCreated: plan.removesCreated,
      isSyncedSince: (later.get(one.localId) ?? []).some(isTouch),
      seen: seen.get(one.standing?.externalId ?? '') ?? null,
    }),
  )
  const edited = steps.flatMap(({ localId, kept = [] }) =>
    kept.flatMap(({ field, code }) => (isEdited(code) ? [{ localId, field }] : [])),
  )
  const authors = await listLaterAuthors(tx, place, edited, span.startedAt)
  return steps.map((step) => {
    const modifiedAt = seen.get(step.externalId ?? '')?.modifiedAt ?? null
    const kept = step.kept?.map((one): KeptField => {
      if (!isEdited(one.code)) return one
      const side: Side = one.code === 'undo.edited_here' ? 'here' : step.side
      const known = authors.get(authorKey(step.localId, side, one.field))
      if (known) return { ...one, by: known.by, at: known.at.toISOString() }
      // Nobody here did it, and the connected system does not say who.
      return side === 'there' ? { ...one, by: 'crm', at: modifiedAt?.toISOString() ?? null } : one
    })
    return kept ? { ...step, kept } : step
  })
}

/** What the vendor fills in by itself, where the run had sent nothing, is nobody's edit. */
function isTouch({ verdict, base }: FieldChange): boolean {
  return verdict !== 'take' || !isBlank(base)
}

function isEdited(code: KeptField['code']): boolean {
  return code === 'undo.edited_later' || code === 'undo.edited_here'
}
