import { scalarText } from '#sandbox/json.ts'
import type { JsonObject } from '#sandbox/json.ts'
import type { Account } from './account.ts'
import { invalid, refuse } from './errors.ts'
import { timeV2 } from './values.ts'

/** A deal with its pipeline, stage and currency. Pipedrive docs: add a deal, the defaults. */
export function dealDefaults(
  account: Account,
  values: JsonObject,
  before: JsonObject | null,
): JsonObject {
  const { stages, pipelines } = account.state
  const currency = values['currency'] ?? account.settings.currency
  const stage = stages.get(Number(values['stage_id']))
  const movesStage = before === null || before['stage_id'] !== values['stage_id']
  const movesPipeline = (before?.['pipeline_id'] ?? null) !== values['pipeline_id']
  if (stage && movesStage) {
    if (movesPipeline && stage.pipelineId !== values['pipeline_id']) {
      throw invalid('stage_id: the stage is not in this pipeline')
    }
    return { ...values, pipeline_id: stage.pipelineId, stage_id: stage.id, currency }
  }
  if (stage && !movesPipeline) return { ...values, currency }
  const first = [...pipelines.values()].find(({ isDeleted }) => !isDeleted)
  const pipelineId = Number(values['pipeline_id'] ?? first?.id)
  const firstStage = [...stages.values()]
    .filter((one) => one.pipelineId === pipelineId && !one.isDeleted)
    .sort((a, b) => a.orderNr - b.orderNr)[0]
  return { ...values, pipeline_id: pipelineId, stage_id: firstStage?.id ?? null, currency }
}

/** The times that follow from a change of stage or status. */
export function dealEffects(
  values: JsonObject,
  before: JsonObject | null,
  nowMs: number,
): JsonObject {
  const now = timeV2(nowMs)
  const next = { ...values }
  if (before !== null && before['stage_id'] !== values['stage_id']) next['stage_change_time'] = now
  if (before?.['status'] === values['status']) return next
  const status = values['status']
  if (status === 'open')
    return { ...next, won_time: null, lost_time: null, close_time: null, lost_reason: null }
  const changed = before !== null
  const given = (name: string) => (changed && before[name] === values[name] ? null : values[name])
  const closed = given('close_time') ?? given(`${scalarText(status)}_time`) ?? now
  return {
    ...next,
    close_time: closed,
    won_time: status === 'won' ? (given('won_time') ?? closed) : null,
    lost_time: status === 'lost' ? (given('lost_time') ?? closed) : null,
  }
}

/** @throws Refusal 403 beyond the plan's open deals. Pipedrive docs: usage caps. */
export function refuseDeal(account: Account, values: JsonObject, before: JsonObject | null): void {
  const limit = account.settings.openDealsLimit
  const opens = values['status'] === 'open' && before?.['status'] !== 'open'
  if (limit === null || !opens) return
  let open = 0
  for (const row of account.state.table('deal').all()) {
    if (row.deletedAtMs === 0 && row.values['status'] === 'open') open += 1
  }
  if (open < limit) return
  throw refuse(403, { error: 'Open deals limit reached', code: 'feature_capping_deals_limit' })
}
