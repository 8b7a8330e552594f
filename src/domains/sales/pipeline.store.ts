import { sql } from 'kysely'
import type { Transaction } from '#store/store.ts'
import type { StageOutcome } from './pipeline.schema.ts'

export interface PipelineState {
  id: `pip_${string}`
  label: string
  archived: boolean
}

export interface StageState {
  id: `stg_${string}`
  pipelineId: string | null
  label: string
  position: number
  probability: number
  outcome: StageOutcome
  archived: boolean
}

export async function findPipelines(
  tx: Transaction,
  ids: readonly string[],
): Promise<PipelineState[]> {
  return tx.query(sql<PipelineState>`
    select id, label, archived from pipelines where id = any(${ids}::text[]) for no key update`)
}

export async function savePipelines(
  tx: Transaction,
  pipelines: readonly PipelineState[],
  now: Date,
): Promise<void> {
  if (pipelines.length === 0) return
  await tx.execute(sql`
    insert into pipelines (id, workspace_id, label, archived, updated_at)
    select r.id, ${tx.workspaceId}, r.label, r.archived, ${now}::timestamptz
    from jsonb_to_recordset(${JSON.stringify(pipelines)}::jsonb) as r(id text, label text, archived boolean)
    on conflict (id) do update set label = excluded.label, archived = excluded.archived, updated_at = excluded.updated_at`)
}

export async function findStages(tx: Transaction, ids: readonly string[]): Promise<StageState[]> {
  return tx.query(sql<StageState>`
    select id, pipeline_id, label, position, probability, outcome, archived from stages where id = any(${ids}::text[])`)
}

export async function saveStages(tx: Transaction, stages: readonly StageState[]): Promise<void> {
  if (stages.length === 0) return
  await tx.execute(sql`
    insert into stages (id, workspace_id, pipeline_id, label, position, probability, outcome, archived)
    select r.id, ${tx.workspaceId}, r."pipelineId", r.label, r.position, r.probability, r.outcome, r.archived
    from jsonb_to_recordset(${JSON.stringify(stages)}::jsonb) as r(id text, "pipelineId" text, label text, position integer,
      probability double precision, outcome text, archived boolean)
    on conflict (id) do update set pipeline_id = excluded.pipeline_id, label = excluded.label, position = excluded.position,
      probability = excluded.probability, outcome = excluded.outcome, archived = excluded.archived`)
}

/** All pipelines with their stages. A CRM has few: hundreds at most. */
export async function listPipelines(
  tx: Transaction,
): Promise<{ pipelines: PipelineState[]; stages: StageState[] }> {
  const pipelines = await tx.query(sql<PipelineState>`
    select id, label, archived from pipelines where workspace_id = ${tx.workspaceId} order by archived, id limit 1000`)
  const stages = await tx.query(sql<StageState>`
    select id, pipeline_id, label, position, probability, outcome, archived from stages
    where workspace_id = ${tx.workspaceId} order by position, id limit 10000`)
  return { pipelines, stages }
}
