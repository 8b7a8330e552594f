import { z } from 'zod'
import { cutPage, decodeCursor, PageQuery } from '#core/page.ts'
import { Problem } from '#core/problem.ts'
import { defineOperation, type ChangedRow } from '#gateway/operation.ts'
import { markWonDirty } from '#reports/dirty.store.ts'
import { fittableMethods } from '#reports/fit.rules.ts'
import { lockLedger } from '#reports/ledger.store.ts'
import { requireSound } from '#reports/model.rules.ts'
import {
  isFittedMethod,
  Model,
  ModelList,
  ModelPath,
  PutModel,
  type ModelDefinition,
} from '#reports/model.schema.ts'
import {
  insertModelVersion,
  listModelRows,
  renameModel,
  retireModel,
  versionOf,
  type ModelRow,
} from '#reports/model.store.ts'
import type { Transaction } from '#store/store.ts'

/** What audit entries tell of it, before and after. */
const modelRow = {
  table: 'attribution_models',
  key: 'model',
  newest: 'version',
  field: 'model',
  columns: ['model', 'version', 'method', 'journey', 'parameters', 'published_at', 'retired_at'],
} satisfies ChangedRow

/** A ledger of so many models is kept at most: each costs a row a touch and window. */
const MOST_MODELS = 24
/** Reports take this model unless another is asked for. */
const DEFAULT_MODEL = 'linear'

export const listModels = defineOperation({
  id: 'listAttributionModels',
  method: 'GET',
  path: '/api/v1/attribution/models',
  scope: 'attribution:read',
  tag: 'Attribution',
  summary: 'The models that the ledger is kept for',
  input: z.object({}),
  output: ModelList,
  async perform(_input, { tx }) {
    return { data: (await listModelRows(tx)).map(modelOf), nextCursor: null }
  },
})

export const listModelVersions = defineOperation({
  id: 'listAttributionModelVersions',
  method: 'GET',
  path: '/api/v1/attribution/models/{model}/versions',
  scope: 'attribution:read',
  tag: 'Attribution',
  summary: 'Every version of a model, newest first, also of one that is kept no more',
  input: ModelPath.extend(PageQuery.shape),
  output: ModelList,
  async perform({ model, limit, cursor }, { tx }) {
    const before = cursor === undefined ? Infinity : Number(decodeCursor(cursor, 1)[0])
    const rows = (await listModelRows(tx, { model })).filter((row) => row.version < before)
    if (rows.length === 0 && cursor === undefined)
      throw new Problem('resource.not_found', 'There is no model of this name.')
    const page = cutPage(rows.slice(0, limit + 1), limit, (row) => [row.version])
    return { data: page.data.map(modelOf), nextCursor: page.nextCursor }
  },
})

export const putModel = defineOperation({
  id: 'putAttributionModel',
  method: 'PUT',
  path: '/api/v1/attribution/models/{model}',
  scope: 'attribution:write',
  tag: 'Attribution',
  summary: 'Publish a model, or the next version of one',
  description:
    'The ledger is computed for it in the background, and for it alone. A computed model is fitted to all journeys first. ' +
    'What was said under the version before stays to be read with `asOf`; weeks that had ended are restated. Ask ' +
    'POST /api/v1/attribution/preview first for what would move.',
  row: modelRow,
  input: PutModel,
  output: Model,
  event: 'attribution.model_published',
  subject: ({ model }) => model,
  async perform({ model, ...definition }, { tx, principal, now }) {
    requireSound(definition)
    requireFittable(definition)
    await lockLedger(tx)
    const rows = await listModelRows(tx)
    const current = rows.find((row) => row.model === model)
    if (!current && rows.length >= MOST_MODELS)
      throw new Problem(
        'attribution.model_invalid',
        `The ledger is kept for ${MOST_MODELS} models at most: retire one first.`,
      )
    if (current && isSameCredit(current, definition)) {
      await renameModel(tx, model, definition.name)
    } else {
      await insertModelVersion(tx, model, definition, principal.id, now)
      await markWonDirty(tx, now)
    }
    return findModel(tx, model)
  },
})

export const deleteModel = defineOperation({
  id: 'retireAttributionModel',
  method: 'DELETE',
  path: '/api/v1/attribution/models/{model}',
  scope: 'attribution:write',
  tag: 'Attribution',
  summary: 'Keep no ledger for a model any more',
  description: 'Its figures stay to be read with `asOf`.',
  row: modelRow,
  input: ModelPath,
  output: Model,
  event: 'attribution.model_retired',
  subject: ({ model }) => model,
  async perform({ model }, { tx, now }) {
    if (model === DEFAULT_MODEL)
      throw new Problem(
        'attribution.model_invalid',
        `The model ${DEFAULT_MODEL} stays: reports take it unless another is asked for.`,
      )
    await lockLedger(tx)
    if (!(await retireModel(tx, model, now)))
      throw new Problem('resource.not_found', 'No ledger is kept for a model of this name.')
    await markWonDirty(tx, now)
    return modelOf((await listModelRows(tx, { model }))[0]!)
  },
})

export const fitModel = defineOperation({
  id: 'fitAttributionModel',
  method: 'POST',
  path: '/api/v1/attribution/models/{model}/fit',
  scope: 'attribution:write',
  tag: 'Attribution',
  summary: 'Fit a computed model to all journeys again',
  description:
    'Runs in the background; once a day it runs by itself when touches or deals came in.',
  input: ModelPath,
  output: Model,
  status: 202,
  event: 'attribution.fit_requested',
  subject: ({ model }) => model,
  async perform({ model }, { tx }) {
    const found = await findModel(tx, model)
    if (!isFittedMethod(found.method))
      throw new Problem('attribution.model_invalid', 'A rule looks at one journey: it has no fit.')
    return found
  },
})

function requireFittable({ method }: ModelDefinition): void {
  if (!isFittedMethod(method) || fittableMethods[method]) return
  throw new Problem('attribution.model_invalid', `The method ${method} is not to be had yet.`)
}

async function findModel(tx: Transaction, model: string): Promise<z.output<typeof Model>> {
  const row = (await listModelRows(tx)).find((each) => each.model === model)
  if (!row) throw new Problem('resource.not_found', 'No ledger is kept for a model of this name.')
  return modelOf(row)
}

function isSameCredit(row: ModelRow, { method, journey, parameters }: ModelDefinition): boolean {
  const of = (value: Pick<ModelDefinition, 'method' | 'journey' | 'parameters'>) =>
    JSON.stringify([
      value.method,
      value.journey,
      Object.entries(value.parameters).sort(([a], [b]) => a.localeCompare(b)),
    ])
  return of(row) === of({ method, journey, parameters })
}

function modelOf(row: ModelRow): z.output<typeof Model> {
  const { model, version, name, method, journey, parameters } = row
  const { publishedAt, publishedBy, retiredAt } = row
  return {
    model,
    version,
    name,
    method,
    journey,
    parameters,
    publishedAt,
    publishedBy,
    retiredAt,
    isFitted: isFittedMethod(method) ? versionOf(row) !== null : null,
    hasBaseline: fittableMethods[method]?.hasBaseline ?? false,
    fit: fitOf(row),
  }
}

/** The newest fit of a version; null for rules, and before the first. */
export function fitOf({ fitId, fittedAt, durationMs, profile }: ModelRow) {
  if (fitId === null) return null
  return { id: fitId, fittedAt: fittedAt!, durationMs: durationMs!, profile: profileOf(profile!) }
}

/** A profile through JSON has its moments as text. */
function profileOf(profile: NonNullable<ModelRow['profile']>) {
  const at = (value: Date | string | null) => (value === null ? null : new Date(value))
  return {
    ...profile,
    firstTouchAt: at(profile.firstTouchAt),
    lastTouchAt: at(profile.lastTouchAt),
  }
}
