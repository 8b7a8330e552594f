import type { Transaction } from '#store/store.ts'
import { emptyBase } from './base.ts'
import type { PlannedChange } from './change-plan.rules.ts'
import {
  listPlanned,
  markPlanned,
  readStandings,
  type LinkStanding,
  type PlannedState,
} from './change-plan.store.ts'
import type { Stream } from './connector.ts'
import { commit, type Run } from './engine.ts'
import type { Candidate, Entity, EntityRecord } from './entity.ts'
import type { StreamRules } from './field-rules.ts'
import { isSame } from './merge.ts'
import { oursOf, type FieldChange, type MergedPart } from './merge-record.ts'
import { writeOutcomes, type Outcome } from './outcome.store.ts'
import type { Passage } from './passage.ts'
import { writeOf } from './resolve.ts'
import { keptText } from './undo-outcome.ts'
import { writePassages } from './write.ts'

const PAGE = 500

/**
 * Puts back what came in, page by page: each page's rows, links, history, outcomes and states of the plan are kept together, so
 * that an undo that was cut off goes on behind it. A field that was changed here since it was approved stays, with its record.
 */
export async function undoHere(
  run: Run,
  planId: string,
  stream: Stream,
  entity: Entity,
  rules: StreamRules,
): Promise<void> {
  for (let after = 0; ;) {
    const last = await commit(run, async (tx) => {
      const planned = await listPlanned(tx, planId, stream.name, after, PAGE, 'here')
      await undoPage(tx, run, { planId, stream, entity, rules }, planned)
      return planned.at(-1)?.seq ?? null
    })
    if (last === null) return
    after = last
  }
}

interface Undoing {
  planId: string
  stream: Stream
  entity: Entity
  rules: StreamRules
}

async function undoPage(
  tx: Transaction,
  run: Run,
  { planId, stream, entity, rules }: Undoing,
  planned: readonly PlannedChange[],
): Promise<void> {
  if (planned.length === 0) return
  const now = run.engine.clock.now()
  const ids = planned.map(({ localId }) => localId)
  const records = new Map(
    ((await entity.load?.(tx, ids)) ?? []).map((record) => [record.localId, record]),
  )
  const standings = await readStandings(tx, run.connectionId, entity.name, ids)
  const states: { localId: string; state: PlannedState; note: string | null }[] = []
  const outcomes: Outcome[] = []
  const passages: Passage[] = []
  const plannedOf = new Map(planned.map((one) => [one.localId, one]))
  for (const one of planned) {
    const record = records.get(one.localId) ?? null
    const moved = one.sent.filter(({ field, was }) => {
      const known = rules.fields.get(field)
      return !known || !isSame(oursOf(record, known), was)
    })
    const note = record === null ? 'It is gone here.' : `Changed here since: ${namesOf(moved)}.`
    if (record !== null && moved.length === 0) {
      passages.push(passageOf(entity, record, one, standings.get(one.localId) ?? null, now))
      continue
    }
    const { localId, externalId } = one
    states.push({ localId, state: 'outdated', note })
    outcomes.push({ localId, externalId, outcome: 'skipped', code: 'undo.outdated', detail: note })
  }
  await writePassages(tx, run, stream, entity, passages, now)
  for (const { outcome } of passages) {
    if (!outcome?.localId) continue
    const isWritten = outcome.outcome !== 'refused' && outcome.code !== 'field.not_taken'
    const state = isWritten ? ('proved' as const) : ('refused' as const)
    states.push({ localId: outcome.localId, state, note: isWritten ? null : outcome.detail })
    const kept = plannedOf.get(outcome.localId)?.kept ?? []
    outcomes.push(
      outcome.code === null && kept.length > 0
        ? { ...outcome, code: 'undo.partly', detail: keptText(kept) }
        : outcome,
    )
  }
  const place = {
    runId: run.id,
    connectionId: run.connectionId,
    stream: stream.name,
    entity: entity.name,
    direction: 'pull' as const,
  }
  await writeOutcomes(tx, place, outcomes, now)
  await markPlanned(tx, planId, entity.name, states, 'here')
}

function namesOf(fields: readonly { field: string }[]): string {
  return fields.map(({ field }) => field).join(', ')
}

/** A planned step as a record on its way into the module: both sides keep what they have then, until somebody changes one. */
function passageOf(
  entity: Entity,
  record: EntityRecord,
  { localId, externalId, sent }: PlannedChange,
  standing: LinkStanding | null,
  now: Date,
): Passage {
  const base = standing?.base ?? emptyBase()
  const chosen = new Map(sent.map(({ field, ours }) => [field, ours]))
  const parts = sent.map(({ field }) => ({
    id: field,
    field,
    localId,
    externalId: externalId ?? '',
  }))
  const write = writeOf(entity, parts, chosen)
  const changes = sent.map(({ field, ours, was }): FieldChange => ({
    field,
    verdict: 'undone',
    reason: 'undo',
    contested: false,
    policy: '',
    base: base.ours[field] ?? null,
    ours: was,
    theirs: base.theirs[field] ?? null,
    oursAt: now.toISOString(),
    theirsAt: null,
    wrote: ours,
    side: 'here',
  }))
  const merged: MergedPart = {
    base: { ...base, ours: { ...base.ours, ...Object.fromEntries(chosen) } },
    taken: sent.map(({ field }) => field),
    asked: [],
    agreed: [],
    isDue: false,
    changes,
    isBaseChanged: true,
    values: write.values,
    references: write.references,
  }
  const candidate: Candidate = {
    externalId: externalId ?? '',
    modifiedAt: standing?.modifiedAt ?? null,
    deleted: false,
    values: {},
    references: {},
  }
  const isUnlinked = !standing || standing.externalId === null
  return {
    candidate,
    outcome: null,
    write: { ...write, localId: record.localId },
    base: null,
    merged,
    ...(isUnlinked ? { isUnlinked } : {}),
  }
}
