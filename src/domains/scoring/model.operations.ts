import { newId } from '#core/id.ts'
import { cutPage, decodeCursor } from '#core/page.ts'
import { Problem } from '#core/problem.ts'
import { defineOperation, type OperationContext } from '#gateway/operation.ts'
import type { Transaction } from '#store/store.ts'
import { countPastLeads } from './lead-case.store.ts'
import {
  LearnedModelDetail,
  ModelPage,
  ModelPath,
  ModelQuery,
  NewTraining,
  type Target,
} from './model.schema.ts'
import {
  findModel,
  findTraining,
  insertModel,
  listModels,
  lockModels,
  promoteModel,
  retireModel,
  type ModelRow,
} from './model.store.ts'
import { countPastOpportunities } from './opportunity-case.store.ts'
import { missingFor } from './training.rules.ts'

export const trainScoringModel = defineOperation({
  id: 'trainScoringModel',
  method: 'POST',
  path: '/api/v1/scoring/models',
  scope: 'scoring:write',
  tag: 'Learned scores',
  summary: 'Train a model on the outcomes of this workspace',
  description:
    'Runs in the background. The model learns from what was known at a moment of each past case, is tested on later ones, ' +
    'and becomes a candidate that changes nothing until a person promotes it. With too few outcomes it is refused, with what is missing.',
  status: 202,
  event: 'model.requested',
  subject: ({ id }) => id,
  location: ({ id }) => `/api/v1/scoring/models/${id}`,
  input: NewTraining,
  output: LearnedModelDetail,
  async perform({ target, horizonDays: asked }, { tx, principal, now }) {
    const horizonDays = target === 'opportunity_won' ? null : asked
    await lockModels(tx, target)
    if ((await findTraining(tx, target)) !== null)
      throw new Problem('scoring.training', 'Wait for the training that is under way.')
    await refuseTooFew(tx, target, asked, now)
    const id = newId('mdl')
    await insertModel(tx, { id, target, horizonDays, requestedBy: principal.id }, now)
    return getRow(tx, id)
  },
})

async function refuseTooFew(
  tx: Transaction,
  target: Target,
  horizonDays: number,
  now: Date,
): Promise<void> {
  const isDeal = target === 'opportunity_won'
  const { rows, positives } = isDeal
    ? await countPastOpportunities(tx, now)
    : await countPastLeads(tx, target, horizonDays, now)
  const missing = missingFor(rows, positives, {
    cases: isDeal ? 'closed opportunities' : `leads whose ${horizonDays} days are over`,
    yes: isDeal ? 'won ones' : 'that came to the outcome',
    no: isDeal ? 'lost ones' : 'that did not',
  })
  if (missing !== null) throw new Problem('scoring.too_little_data', missing)
}

export const listScoringModels = defineOperation({
  id: 'listScoringModels',
  method: 'GET',
  path: '/api/v1/scoring/models',
  scope: 'scoring:read',
  tag: 'Learned scores',
  summary: 'List trained models, newest first',
  input: ModelQuery,
  output: ModelPage,
  async perform({ limit, cursor, ...filter }, { tx }) {
    const [id] = cursor === undefined ? [] : decodeCursor(cursor, 1)
    const rows = await listModels(tx, filter, {
      limit,
      after: id === undefined ? null : String(id),
    })
    const page = cutPage(rows, limit, (row) => [row.id])
    const data = page.data.map(({ report, ...row }) => ({
      ...row,
      rows: report?.rows ?? null,
      auc: report?.backTest.quality.auc ?? null,
      calibrationError: report?.backTest.quality.calibrationError ?? null,
      topDecileLift: report?.backTest.quality.topDecileLift ?? null,
    }))
    return { data, nextCursor: page.nextCursor }
  },
})

export const getLearnedModel = defineOperation({
  id: 'getLearnedModel',
  method: 'GET',
  path: '/api/v1/scoring/models/{modelId}',
  scope: 'scoring:read',
  tag: 'Learned scores',
  summary:
    'A trained model with its back-test, calibration, lift, leakage warnings and the rule score beside it',
  version: ({ version }) => version,
  input: ModelPath,
  output: LearnedModelDetail,
  perform: ({ modelId }, { tx }) => getRow(tx, modelId),
})

export const promoteScoringModel = defineOperation({
  id: 'promoteScoringModel',
  method: 'POST',
  path: '/api/v1/scoring/models/{modelId}/promote',
  scope: 'scoring:promote',
  tag: 'Learned scores',
  summary: 'Put a model into use',
  description:
    'By a person who is signed in, not by a key. The model that was in use is retired and can be promoted again.',
  status: 200,
  subject: ({ id }) => id,
  version: ({ version }) => version,
  input: ModelPath,
  output: LearnedModelDetail,
  async perform({ modelId }, context) {
    const { tx, now, principal } = context
    const model = await lockModel(context, modelId)
    if (model.status !== 'candidate' && model.status !== 'retired')
      throw new Problem(
        'scoring.state_refused',
        `A model that is ${model.status} cannot be promoted: only a candidate or a retired one.`,
      )
    const replaced = await promoteModel(tx, model, principal.id, now)
    const detail = { target: model.target, replaced }
    context.audit({ action: 'model.promoted', subjectId: modelId, detail })
    context.emit({ event: 'model.promoted', subjectId: modelId, data: detail })
    return getRow(tx, modelId)
  },
})

export const retireScoringModel = defineOperation({
  id: 'retireScoringModel',
  method: 'POST',
  path: '/api/v1/scoring/models/{modelId}/retire',
  scope: 'scoring:promote',
  tag: 'Learned scores',
  summary: 'Take a model out of use',
  description: 'Its probabilities are taken away with it; the rule score stays as it was.',
  status: 200,
  subject: ({ id }) => id,
  version: ({ version }) => version,
  input: ModelPath,
  output: LearnedModelDetail,
  async perform({ modelId }, context) {
    const model = await lockModel(context, modelId)
    if (model.status !== 'promoted')
      throw new Problem('scoring.state_refused', 'The model is not in use.')
    await retireModel(context.tx, model)
    const detail = { target: model.target }
    context.audit({ action: 'model.retired', subjectId: modelId, detail })
    context.emit({ event: 'model.retired', subjectId: modelId, data: detail })
    return getRow(context.tx, modelId)
  },
})

/** The model, with its target's models held for this transaction; by a person only. */
async function lockModel(
  { tx, principal, expectedVersion }: OperationContext,
  modelId: string,
): Promise<ModelRow> {
  if (principal.kind !== 'user')
    throw new Problem(
      'scoring.person_required',
      'Sign in to the console: which model counts is for a person to decide.',
    )
  await lockModels(tx, (await getRow(tx, modelId)).target)
  const model = await getRow(tx, modelId)
  if (expectedVersion !== null && expectedVersion !== model.version)
    throw new Problem(
      'resource.version_mismatch',
      `The model is at version ${model.version}: read it again.`,
    )
  return model
}

async function getRow(tx: Transaction, id: string): Promise<ModelRow> {
  const row = await findModel(tx, id)
  if (row === null) throw new Problem('resource.not_found', 'There is no model with this id.')
  return row
}
