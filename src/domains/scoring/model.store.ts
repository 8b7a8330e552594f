import assert from 'node:assert/strict'
import { sql, type RawBuilder } from 'kysely'
import type { LearnedModel } from '#analytics/learning/model.ts'
import { unpackModel, type PackedModel } from '#analytics/learning/pack-model.ts'
import type { Transaction } from '#store/store.ts'
import type { FeatureRow } from './feature.rules.ts'
import type { ModelQuery, ModelStatus, Report, Target } from './model.schema.ts'

export interface ModelRow {
  id: `mdl_${string}`
  target: Target
  horizonDays: number | null
  status: ModelStatus
  requestedAt: Date
  requestedBy: string
  trainedAt: Date | null
  refusal: string | null
  report: Report | null
  promotedAt: Date | null
  promotedBy: string | null
  version: number
}

const columns = sql.raw(
  'id target horizon_days status requested_at requested_by trained_at refusal report promoted_at promoted_by version'
    .split(' ')
    .map((name) => `m.${name}`)
    .join(', '),
)

export async function insertModel(
  tx: Transaction,
  model: Pick<ModelRow, 'id' | 'target' | 'horizonDays' | 'requestedBy'>,
  now: Date,
): Promise<void> {
  await tx.execute(sql`
    insert into learned_models (id, workspace_id, target, horizon_days, status, requested_at, requested_by)
    values (${model.id}, ${tx.workspaceId}, ${model.target}, ${model.horizonDays}, 'training', ${now}::timestamptz,
      ${model.requestedBy})`)
}

/** Of a target's models one at a time is trained, promoted or retired. */
export async function lockModels(tx: Transaction, target: Target): Promise<void> {
  await tx.execute(
    sql`select pg_advisory_xact_lock(hashtextextended(${`scoring.models ${tx.workspaceId} ${target}`}::text, 0))`,
  )
}

export async function findModel(tx: Transaction, id: string): Promise<ModelRow | null> {
  return tx.find(sql<ModelRow>`
    select ${columns} from learned_models m where m.id = ${id} and m.workspace_id = ${tx.workspaceId}`)
}

export async function findTraining(tx: Transaction, target: Target): Promise<string | null> {
  const row = await tx.find(sql<{ id: string }>`
    select id from learned_models where workspace_id = ${tx.workspaceId} and target = ${target} and status = 'training'
    limit 1`)
  return row?.id ?? null
}

export async function listModels(
  tx: Transaction,
  { target, status }: Pick<ModelQuery, 'target' | 'status'>,
  page: { limit: number; after: string | null },
): Promise<ModelRow[]> {
  const conditions: RawBuilder<unknown>[] = [sql`m.workspace_id = ${tx.workspaceId}`]
  if (target !== undefined) conditions.push(sql`m.target = ${target}`)
  if (status !== undefined) conditions.push(sql`m.status = ${status}`)
  if (page.after !== null) conditions.push(sql`m.id < ${page.after}`)
  return tx.query(sql<ModelRow>`
    select ${columns} from learned_models m where ${sql.join(conditions, sql` and `)}
    order by m.id desc limit ${page.limit + 1}`)
}

/** Ends a training: a candidate with its model and report, or a refusal in words. */
export async function saveTraining(
  tx: Transaction,
  id: string,
  result: { report: Report; model: PackedModel } | { refusal: string },
  now: Date,
): Promise<void> {
  const isDone = 'model' in result
  await tx.execute(sql`
    update learned_models set status = ${isDone ? 'candidate' : 'refused'}, trained_at = ${now}::timestamptz,
      refusal = ${isDone ? null : result.refusal}, report = ${isDone ? JSON.stringify(result.report) : null}::jsonb,
      model = ${isDone ? JSON.stringify(result.model) : null}::jsonb, version = version + 1
    where id = ${id} and workspace_id = ${tx.workspaceId} and status = 'training'`)
}

/** Puts a model into use, and the one that was out of it; answers the latter's id. */
export async function promoteModel(
  tx: Transaction,
  { id, target }: { id: string; target: Target },
  by: string,
  now: Date,
): Promise<string | null> {
  const before = await tx.find(sql<{ id: string }>`
    update learned_models set status = 'retired', version = version + 1
    where workspace_id = ${tx.workspaceId} and target = ${target} and status = 'promoted' returning id`)
  await tx.execute(sql`
    update learned_models set status = 'promoted', promoted_at = ${now}::timestamptz, promoted_by = ${by},
      version = version + 1
    where id = ${id} and workspace_id = ${tx.workspaceId}`)
  return before?.id ?? null
}

export async function retireModel(tx: Transaction, { id, target }: ModelRow): Promise<void> {
  await tx.execute(sql`
    update learned_models set status = 'retired', version = version + 1
    where id = ${id} and workspace_id = ${tx.workspaceId}`)
  await tx.execute(sql`
    delete from learned_scores where workspace_id = ${tx.workspaceId} and target = ${target}`)
}

/** The model in use for a target. */
export async function findPromoted(tx: Transaction, target: Target): Promise<ModelRow | null> {
  return tx.find(sql<ModelRow>`
    select ${columns} from learned_models m
    where m.workspace_id = ${tx.workspaceId} and m.target = ${target} and m.status = 'promoted'`)
}

/** Some megabytes each when open, and they never change: the last ones used are kept. */
const opened = new Map<string, LearnedModel>()
const MOST_OPENED = 8

/** The fitted model of a row. */
export async function openModel(
  tx: Transaction,
  { id }: Pick<ModelRow, 'id'>,
): Promise<LearnedModel> {
  const key = `${tx.workspaceId} ${id}`
  const held = opened.get(key)
  opened.delete(key)
  const model = held ?? unpackModel(await getPacked(tx, id))
  opened.set(key, model)
  if (opened.size > MOST_OPENED) opened.delete(opened.keys().next().value!)
  return model
}

async function getPacked(tx: Transaction, id: string): Promise<PackedModel> {
  const row = await tx.find(sql<{ model: PackedModel }>`
    select model from learned_models where id = ${id} and workspace_id = ${tx.workspaceId} and model is not null`)
  assert(row !== null, 'A promoted model has been trained.')
  return row.model
}

export async function listPromotedTargets(tx: Transaction): Promise<Target[]> {
  const rows = await tx.query(sql<{ target: Target }>`
    select target from learned_models where workspace_id = ${tx.workspaceId} and status = 'promoted' order by target`)
  return rows.map(({ target }) => target)
}

export interface ScoreRow {
  subjectId: string
  modelId: string
  probability: number
  low: number
  high: number
  scoredAt: Date
}

const featureContext = (target: Target, id: string) => `learned_scores.features:${target}:${id}`

/** Replaces the probabilities of these leads or opportunities: one statement. */
export async function saveScores(
  tx: Transaction,
  { target, modelId }: { target: Target; modelId: string },
  scores: readonly (Omit<ScoreRow, 'modelId' | 'scoredAt'> & { features: FeatureRow })[],
  now: Date,
): Promise<void> {
  if (scores.length === 0) return
  const rows = scores.map(({ features, ...score }) => ({
    ...score,
    features: tx.sealer.seal(features, featureContext(target, score.subjectId)).toString('base64'),
  }))
  await tx.execute(sql`
    insert into learned_scores (workspace_id, target, subject_id, model_id, probability, low, high, features, scored_at)
    select ${tx.workspaceId}, ${target}, r."subjectId", ${modelId}, r.probability, r.low, r.high,
      decode(r.features, 'base64'), ${now}::timestamptz
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r("subjectId" text, probability float8, low float8,
      high float8, features text)
    on conflict (workspace_id, target, subject_id) do update set model_id = excluded.model_id,
      probability = excluded.probability, low = excluded.low, high = excluded.high, features = excluded.features,
      scored_at = excluded.scored_at`)
}

/** Takes away what a full round did not renew: leads that came to the outcome, deals that closed. */
export async function deleteOldScores(
  tx: Transaction,
  target: Target,
  before: Date,
): Promise<number> {
  return tx.execute(sql`
    delete from learned_scores
    where workspace_id = ${tx.workspaceId} and target = ${target} and scored_at < ${before}::timestamptz`)
}

export async function findScore(
  tx: Transaction,
  target: Target,
  subjectId: string,
): Promise<(ScoreRow & { features: FeatureRow }) | null> {
  const row = await tx.find(sql<ScoreRow & { features: Buffer }>`
    select subject_id, model_id, probability, low, high, features, scored_at from learned_scores
    where workspace_id = ${tx.workspaceId} and target = ${target} and subject_id = ${subjectId}`)
  return (
    row && {
      ...row,
      features: tx.sealer.open<FeatureRow>(row.features, featureContext(target, subjectId)),
    }
  )
}

export type ListedScore = Omit<ScoreRow, 'subjectId' | 'modelId'> & {
  id: string
  ownerId: `own_${string}` | null
  modelId: `mdl_${string}`
}

/** The highest probabilities of a target first, each with its owner. */
export async function listScores(
  tx: Transaction,
  target: Target,
  page: { limit: number; after: { probability: number; id: string } | null },
): Promise<ListedScore[]> {
  const { limit, after } = page
  const from =
    after === null
      ? sql``
      : sql`and (s.probability, s.subject_id) < (${after.probability}::float8, ${after.id}::text)`
  const owners = sql.raw(target === 'opportunity_won' ? 'opportunities' : 'leads')
  return tx.query(sql<ListedScore>`
    select s.subject_id as id, r.owner_id, s.model_id, s.probability, s.low, s.high, s.scored_at
    from learned_scores s join ${owners} r on r.id = s.subject_id
    where s.workspace_id = ${tx.workspaceId} and s.target = ${target} ${from}
    order by s.probability desc, s.subject_id desc limit ${limit + 1}`)
}
