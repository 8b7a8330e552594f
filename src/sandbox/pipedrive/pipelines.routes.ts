import { numberOf, objectOf, textOf } from '#sandbox/json.ts'
import type { JsonObject } from '#sandbox/json.ts'
import { parseBody } from '#sandbox/kernel.ts'
import type { Answer, Call, Route } from '#sandbox/kernel.ts'
import { requireScope, vendorNow } from './account.ts'
import type { Account, Caller } from './account.ts'
import { invalid, notFound } from './errors.ts'
import { listFew } from './lists.ts'
import type { Pipeline, Stage } from './state.ts'
import { timeV2 } from './values.ts'

type Act = (account: Account, call: Call) => Answer

/** Pipedrive docs: API v2, pipelines and stages. Lists have no `updated_since`. */
export function pipelineRoutes(account: Account): Route<Caller>[] {
  const on = (method: string, path: string, act: Act): Route<Caller> => ({
    method,
    path: `/api/v2/${path}`,
    target: (call, caller) => {
      if (method === 'GET') requireScope(caller, 'deals:read', 'deals:full', 'admin')
      else requireScope(caller, 'admin')
      return act(account, call)
    },
  })
  return [
    on('GET', 'pipelines', (_account, call) =>
      listFew(call, [...account.state.pipelines.values()].filter(isLive).map(renderPipeline)),
    ),
    on('POST', 'pipelines', (_account, call) =>
      shown(renderPipeline(putPipeline(account, objectOf(parseBody(call.text)), null))),
    ),
    on('GET', 'pipelines/{id}', (_account, call) =>
      shown(renderPipeline(pipelineOf(account, call))),
    ),
    on('PATCH', 'pipelines/{id}', (_account, call) =>
      shown(
        renderPipeline(
          putPipeline(account, objectOf(parseBody(call.text)), pipelineOf(account, call)),
        ),
      ),
    ),
    on('DELETE', 'pipelines/{id}', deletePipeline),
    on('GET', 'stages', listStages),
    on('POST', 'stages', (_account, call) =>
      shown(renderStage(putStage(account, objectOf(parseBody(call.text)), null))),
    ),
    on('GET', 'stages/{id}', (_account, call) => shown(renderStage(stageOf(account, call)))),
    on('PATCH', 'stages/{id}', (_account, call) =>
      shown(renderStage(putStage(account, objectOf(parseBody(call.text)), stageOf(account, call)))),
    ),
    on('DELETE', 'stages/{id}', deleteStage),
  ]
}

const isLive = ({ isDeleted }: { isDeleted: boolean }) => !isDeleted
const shown = (data: JsonObject): Answer => ({ status: 200, body: { success: true, data } })

function listStages(account: Account, call: Call): Answer {
  const pipeline = call.query.get('pipeline_id')
  const rows = [...account.state.stages.values()].filter(
    (stage) => isLive(stage) && (pipeline === null || String(stage.pipelineId) === pipeline),
  )
  return listFew(call, rows.map(renderStage))
}

function pipelineOf({ state }: Account, call: Call): Pipeline {
  const pipeline = state.pipelines.get(Number(call.params['id']))
  if (!pipeline) throw notFound()
  return pipeline
}

function stageOf({ state }: Account, call: Call): Stage {
  const stage = state.stages.get(Number(call.params['id']))
  if (!stage) throw notFound()
  return stage
}

/** Adds a pipeline, or changes the one given. @throws Refusal 400 without a name. */
export function putPipeline(
  account: Account,
  body: JsonObject,
  current: Pipeline | null,
): Pipeline {
  const name = textOf(body['name']) ?? current?.name ?? ''
  if (name === '') throw invalid('name: is required')
  const nowMs = vendorNow(account)
  const pipeline: Pipeline = {
    id: current?.id ?? account.state.nextId('pipeline'),
    name,
    orderNr: current?.orderNr ?? account.state.pipelines.size + 1,
    isDeleted: false,
    isProbabilityEnabled: body['is_deal_probability_enabled'] !== false,
    addedAtMs: current?.addedAtMs ?? nowMs,
    updatedAtMs: nowMs,
  }
  account.state.commit([{ do: 'pipeline', pipeline }])
  return pipeline
}

/** Adds a stage at the end of its pipeline, or changes the one given. @throws Refusal 400. */
export function putStage(account: Account, body: JsonObject, current: Stage | null): Stage {
  const name = textOf(body['name']) ?? current?.name ?? ''
  const pipelineId = numberOf(body['pipeline_id']) ?? current?.pipelineId
  const isKnown = pipelineId !== undefined && account.state.pipelines.has(pipelineId)
  if (name === '' || !isKnown) throw invalid('name and pipeline_id: are required')
  const nowMs = vendorNow(account)
  const siblings = [...account.state.stages.values()].filter((one) => one.pipelineId === pipelineId)
  const stage: Stage = {
    id: current?.id ?? account.state.nextId('stage'),
    name,
    pipelineId,
    orderNr: current?.orderNr ?? siblings.length + 1,
    isDeleted: false,
    probability: numberOf(body['deal_probability']) ?? current?.probability ?? 100,
    isRotEnabled: body['is_deal_rot_enabled'] === true,
    daysToRotten: numberOf(body['days_to_rotten']) ?? null,
    addedAtMs: current?.addedAtMs ?? nowMs,
    updatedAtMs: nowMs,
  }
  account.state.commit([{ do: 'stage', stage }])
  return stage
}

/** Pipedrive docs: a deleted pipeline or stage is marked, its deals stay. */
function deletePipeline(account: Account, call: Call): Answer {
  const pipeline = { ...pipelineOf(account, call), isDeleted: true }
  account.state.commit([{ do: 'pipeline', pipeline }])
  return shown({ id: pipeline.id })
}

function deleteStage(account: Account, call: Call): Answer {
  const stage = { ...stageOf(account, call), isDeleted: true }
  account.state.commit([{ do: 'stage', stage }])
  return shown({ id: stage.id })
}

function renderPipeline(pipeline: Pipeline): JsonObject {
  return {
    id: pipeline.id,
    name: pipeline.name,
    order_nr: pipeline.orderNr,
    is_deleted: pipeline.isDeleted,
    is_deal_probability_enabled: pipeline.isProbabilityEnabled,
    add_time: timeV2(pipeline.addedAtMs),
    update_time: timeV2(pipeline.updatedAtMs),
  }
}

function renderStage(stage: Stage): JsonObject {
  return {
    id: stage.id,
    order_nr: stage.orderNr,
    name: stage.name,
    is_deleted: stage.isDeleted,
    deal_probability: stage.probability,
    pipeline_id: stage.pipelineId,
    is_deal_rot_enabled: stage.isRotEnabled,
    days_to_rotten: stage.daysToRotten,
    add_time: timeV2(stage.addedAtMs),
    update_time: timeV2(stage.updatedAtMs),
  }
}
