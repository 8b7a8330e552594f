import { newId } from '#core/id.ts'
import type { Entity, EntityWritten } from '#sync/entity.ts'
import { StageOutcome } from './pipeline.schema.ts'
import {
  findPipelines,
  findStages,
  savePipelines,
  saveStages,
  type PipelineState,
  type StageState,
} from './pipeline.store.ts'
import { flagOf, numberOf, referenceOf, textOf } from './sync-values.ts'

/** Pipelines of a CRM. One that is gone there is archived here: opportunities of the past still name it. */
export const pipelineEntity: Entity = {
  name: 'pipeline',
  pushAfter: [],
  async write(tx, writes, now) {
    const known = await findPipelines(
      tx,
      writes.flatMap(({ localId }) => localId ?? []),
    )
    const held = new Map<string, PipelineState>(known.map((pipeline) => [pipeline.id, pipeline]))
    const changed = new Map<string, PipelineState>()
    const written = writes.map(({ localId, externalId, values, deleted }): EntityWritten => {
      const before = localId === null ? undefined : held.get(localId)
      const after: PipelineState = {
        id: before?.id ?? newId('pip'),
        label: textOf(values, 'label') ?? before?.label ?? externalId,
        archived: deleted || (flagOf(values, 'archived') ?? before?.archived ?? false),
      }
      return settle(before, after, deleted, changed, held)
    })
    await savePipelines(tx, [...changed.values()], now)
    return { written, events: [] }
  },
}

/** Stages of pipelines, which say what an opportunity in them is: open, won or lost. */
export const stageEntity: Entity = {
  name: 'stage',
  pushAfter: [],
  async write(tx, writes) {
    const known = await findStages(
      tx,
      writes.flatMap(({ localId }) => localId ?? []),
    )
    const held = new Map<string, StageState>(known.map((stage) => [stage.id, stage]))
    const changed = new Map<string, StageState>()
    const written = writes.map((write): EntityWritten => {
      const { localId, externalId, values, deleted } = write
      const before = localId === null ? undefined : held.get(localId)
      const outcome = StageOutcome.safeParse(values['outcome'])
      const probability = numberOf(values, 'probability') ?? before?.probability ?? 0
      const after: StageState = {
        id: before?.id ?? newId('stg'),
        pipelineId: referenceOf(write, 'pipeline', before?.pipelineId ?? null),
        label: textOf(values, 'label') ?? before?.label ?? externalId,
        position: Math.trunc(numberOf(values, 'position') ?? before?.position ?? 0),
        probability: Math.min(1, Math.max(0, probability)),
        outcome: outcome.success ? outcome.data : (before?.outcome ?? 'open'),
        archived: deleted || (flagOf(values, 'archived') ?? before?.archived ?? false),
      }
      return settle(before, after, deleted, changed, held)
    })
    await saveStages(tx, [...changed.values()])
    return { written, events: [] }
  },
}

/** Notes what is to be written; a record that is as it was is not. */
function settle<State extends { id: string }>(
  before: State | undefined,
  after: State,
  deleted: boolean,
  changed: Map<string, State>,
  held: Map<string, State>,
): EntityWritten {
  const fields = Object.keys(after) as (keyof State)[]
  if (before !== undefined && fields.every((field) => before[field] === after[field])) {
    return { localId: after.id, outcome: 'unchanged' }
  }
  changed.set(after.id, after)
  held.set(after.id, after)
  if (deleted) return { localId: after.id, outcome: 'deleted' }
  return { localId: after.id, outcome: before === undefined ? 'created' : 'updated' }
}
