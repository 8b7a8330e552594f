import { listOf, numberOf, objectOf, textOf } from '#sandbox/json.ts'
import type { JsonObject } from '#sandbox/json.ts'
import { parseBody } from '#sandbox/kernel.ts'
import type { Answer, Call, Route } from '#sandbox/kernel.ts'
import { requireScope, typeOf } from './account.ts'
import type { Account, Caller } from './account.ts'
import { badRequest, notFound } from './errors.ts'
import type { ObjectType } from './object-types.ts'
import type { Pipeline, Stage } from './pipelines.ts'

type Act = (account: Account, type: ObjectType, call: Call) => Answer

/** HubSpot docs: pipelines. */
export function pipelineRoutes(account: Account): Route<Caller>[] {
  const on = (method: string, rest: string, act: Act) =>
    ['/crm/v3/pipelines', '/crm/pipelines/2026-09'].map((base) => ({
      method,
      path: `${base}/{type}${rest}`,
      target: (call: Call, caller: Caller) => {
        const type = typeOf(call.params['type'])
        const verb = method === 'GET' ? 'read' : 'write'
        const objectScope = verb === 'read' ? type.readScope : type.writeScope
        requireScope(caller, `crm.schemas.${type.name}.${verb}`, objectScope)
        return act(account, type, call)
      },
    }))
  return [
    ...on('GET', '', listPipelines),
    ...on('POST', '', createPipeline),
    ...on('GET', '/{id}', ({ state }, type, call) => ({
      status: 200,
      body: renderPipeline(getPipeline(state.pipelinesOf(type.name), call)),
    })),
    ...on('PUT', '/{id}', putPipeline),
    ...on('PATCH', '/{id}', patchPipeline),
    ...on('DELETE', '/{id}', deletePipeline),
    ...on('GET', '/{id}/stages', ({ state }, type, call) => ({
      status: 200,
      body: {
        results: getPipeline(state.pipelinesOf(type.name), call).stages.map(renderStage),
      },
    })),
    ...on('POST', '/{id}/stages', createStage),
    ...on('GET', '/{id}/stages/{stageId}', ({ state }, type, call) => ({
      status: 200,
      body: renderStage(getStage(getPipeline(state.pipelinesOf(type.name), call), call)),
    })),
    ...on('PUT', '/{id}/stages/{stageId}', changeStage),
    ...on('PATCH', '/{id}/stages/{stageId}', changeStage),
    ...on('DELETE', '/{id}/stages/{stageId}', deleteStage),
  ]
}

function timed({ createdAtMs, updatedAtMs }: { createdAtMs: number; updatedAtMs: number }) {
  return {
    createdAt: new Date(createdAtMs).toISOString(),
    updatedAt: new Date(updatedAtMs).toISOString(),
    archived: false,
  }
}

function renderStage(stage: Stage) {
  const { id, label, displayOrder, metadata } = stage
  const writePermissions = 'CRM_PERMISSIONS_ENFORCEMENT'
  return { label, displayOrder, metadata, id, writePermissions, ...timed(stage) }
}

function renderPipeline(pipeline: Pipeline) {
  const { id, label, displayOrder, stages } = pipeline
  return { label, displayOrder, id, stages: stages.map(renderStage), ...timed(pipeline) }
}

function listPipelines({ state }: Account, type: ObjectType): Answer {
  return { status: 200, body: { results: state.pipelinesOf(type.name).map(renderPipeline) } }
}

function getPipeline(pipelines: readonly Pipeline[], call: Call): Pipeline {
  const pipeline = pipelines.find(({ id }) => id === call.params['id'])
  if (!pipeline) throw notFound()
  return pipeline
}

function getStage(pipeline: Pipeline, call: Call): Stage {
  const stage = pipeline.stages.find(({ id }) => id === call.params['stageId'])
  if (!stage) throw notFound()
  return stage
}

/** HubSpot docs: pipelines, deal stages need a probability. Values are kept as strings. */
function readStage(account: Account, type: ObjectType, sent: JsonObject, known?: Stage): Stage {
  const nowMs = account.clock.now()
  const label = textOf(sent['label']) ?? known?.label
  if (!label) throw badRequest('label is required')
  const metadata: Record<string, string> = { ...known?.metadata }
  for (const [name, value] of Object.entries(objectOf(sent['metadata']))) {
    metadata[name] = typeof value === 'string' ? value : JSON.stringify(value)
  }
  const probability = Number(metadata['probability'])
  if (type.name === 'deals') {
    if (!(probability >= 0 && probability <= 1)) {
      throw badRequest('metadata.probability must be from 0.0 to 1.0')
    }
    metadata['isClosed'] ??= String(probability === 0 || probability === 1)
  }
  return {
    // Only a seed names the id; the API always makes one.
    id: known?.id ?? textOf(sent['id']) ?? String(account.state.nextId()),
    label,
    displayOrder: numberOf(sent['displayOrder']) ?? known?.displayOrder ?? 0,
    metadata,
    createdAtMs: known?.createdAtMs ?? nowMs,
    updatedAtMs: nowMs,
  }
}

/** A pipeline as sent, with ids where a seed gives them. */
export function readPipeline(
  account: Account,
  type: ObjectType,
  sent: JsonObject,
  known?: Pipeline,
): Pipeline {
  const nowMs = account.clock.now()
  const label = textOf(sent['label']) ?? known?.label
  if (!label) throw badRequest('label is required')
  return {
    id: known?.id ?? textOf(sent['id']) ?? String(account.state.nextId()),
    label,
    displayOrder: numberOf(sent['displayOrder']) ?? known?.displayOrder ?? 0,
    stages: inOrder(
      listOf(sent['stages']).map((stage) => readStage(account, type, objectOf(stage))),
    ),
    createdAtMs: known?.createdAtMs ?? nowMs,
    updatedAtMs: nowMs,
  }
}

function inOrder(stages: Stage[]): Stage[] {
  return stages.sort((a, b) => a.displayOrder - b.displayOrder)
}

function store(account: Account, type: ObjectType, pipeline: Pipeline): void {
  account.state.commit([{ do: 'pipeline', type: type.name, pipeline }])
}

function createPipeline(account: Account, type: ObjectType, call: Call): Answer {
  const { id: _ignored, ...sent } = objectOf(parseBody(call.text))
  const pipeline = readPipeline(account, type, sent)
  store(account, type, pipeline)
  return { status: 201, body: renderPipeline(pipeline) }
}

function putPipeline(account: Account, type: ObjectType, call: Call): Answer {
  const known = getPipeline(account.state.pipelinesOf(type.name), call)
  const pipeline = readPipeline(account, type, objectOf(parseBody(call.text)), known)
  store(account, type, pipeline)
  return { status: 200, body: renderPipeline(pipeline) }
}

function patchPipeline(account: Account, type: ObjectType, call: Call): Answer {
  const known = getPipeline(account.state.pipelinesOf(type.name), call)
  const sent = objectOf(parseBody(call.text))
  const pipeline = { ...readPipeline(account, type, sent, known), stages: known.stages }
  store(account, type, pipeline)
  return { status: 200, body: renderPipeline(pipeline) }
}

function deletePipeline(account: Account, type: ObjectType, call: Call): Answer {
  const { id } = getPipeline(account.state.pipelinesOf(type.name), call)
  account.state.commit([{ do: 'drop-pipeline', type: type.name, id }])
  return { status: 204 }
}

function createStage(account: Account, type: ObjectType, call: Call): Answer {
  const pipeline = getPipeline(account.state.pipelinesOf(type.name), call)
  const { id: _ignored, ...sent } = objectOf(parseBody(call.text))
  const stage = readStage(account, type, sent)
  store(account, type, { ...pipeline, stages: inOrder([...pipeline.stages, stage]) })
  return { status: 201, body: renderStage(stage) }
}

function changeStage(account: Account, type: ObjectType, call: Call): Answer {
  const pipeline = getPipeline(account.state.pipelinesOf(type.name), call)
  const known = getStage(pipeline, call)
  const stage = readStage(account, type, objectOf(parseBody(call.text)), known)
  const others = pipeline.stages.filter(({ id }) => id !== stage.id)
  store(account, type, { ...pipeline, stages: inOrder([...others, stage]) })
  return { status: 200, body: renderStage(stage) }
}

function deleteStage(account: Account, type: ObjectType, call: Call): Answer {
  const pipeline = getPipeline(account.state.pipelinesOf(type.name), call)
  const stage = getStage(pipeline, call)
  const stages = pipeline.stages.filter(({ id }) => id !== stage.id)
  store(account, type, { ...pipeline, stages })
  return { status: 204 }
}
