import { sql } from 'kysely'
import type { ScoredTouch } from '#analytics/scoring/lead-score.ts'
import type { ScoreRules } from '#analytics/scoring/score-rules.schema.ts'
import type { Transaction } from '#store/store.ts'
import type { Published, ScoreEntry } from './progress.rules.ts'
import type { RoutingRules } from './routing.schema.ts'

export interface PublishedRow<T> extends Published<T> {
  publishedAt: Date
  publishedBy: string
}

/** What progress goes by: the newest scoring model and routing rules (null: none published), and when leads go to a CRM. */
export interface SettingsRow {
  scoring: Published<ScoreRules> | null
  routing: Published<RoutingRules> | null
  /** Some CRM gets what changes within seconds: its connection is active, and its last whole pass was sound. */
  goesAtOnce: boolean
  /** The next scheduled push; null without one. */
  nextPushAt: Date | null
}

export async function findSettings(tx: Transaction): Promise<SettingsRow> {
  const row = await tx.find(sql<SettingsRow>`
    select (
        select jsonb_build_object('version', s.version, 'rules', s.model) from scoring_versions s
        where s.workspace_id = ${tx.workspaceId} order by s.version desc limit 1
      ) as scoring, (
        select jsonb_build_object('version', r.version, 'rules', r.rules) from routing_versions r
        where r.workspace_id = ${tx.workspaceId} order by r.version desc limit 1
      ) as routing, min(y.next_run_at) as next_push_at,
      coalesce(bool_or(y.last_success_at is not null and not exists (
        select from sync_errors e
        where e.connection_id = y.connection_id and e.stream = y.name and e.record = '' and e.code <> 'stream.rate_share'
      )), false) as goes_at_once
    from sync_streams y join connections c on c.id = y.connection_id and c.state = 'active'
    where y.workspace_id = ${tx.workspaceId} and y.entity = 'lead' and y.direction in ('push', 'both') and not y.paused`)
  return row ?? { scoring: null, routing: null, goesAtOnce: false, nextPushAt: null }
}

export async function findScoring(tx: Transaction): Promise<PublishedRow<ScoreRules> | null> {
  return tx.find(sql<PublishedRow<ScoreRules>>`
    select version, model as rules, published_at, published_by from scoring_versions
    where workspace_id = ${tx.workspaceId} order by version desc limit 1`)
}

/** Publishes a model under the next version; answers it. */
export async function insertScoring(
  tx: Transaction,
  model: ScoreRules,
  by: string,
  now: Date,
): Promise<number> {
  const row = await tx.find(sql<{ version: number }>`
    insert into scoring_versions (workspace_id, version, model, published_at, published_by)
    select ${tx.workspaceId}, coalesce(max(version), 0) + 1, ${JSON.stringify(model)}::jsonb, ${now}::timestamptz, ${by}
    from scoring_versions where workspace_id = ${tx.workspaceId}
    returning version`)
  return row!.version
}

/** The touches that a score is made of: at most this many of a person, the newest. */
const TOUCHES_A_PERSON = 1000

export async function listTouches(
  tx: Transaction,
  personIds: readonly string[],
): Promise<Map<string, ScoredTouch[]>> {
  const rows = await tx.query(sql<{
    personId: string
    kind: string
    channel: string
    occurredAt: Date
  }>`
    select t.person_id, t.kind, t.channel, t.occurred_at
    from (
      select person_id, kind, channel, occurred_at,
        row_number() over (partition by person_id order by occurred_at desc) as place
      from touchpoints
      where workspace_id = ${tx.workspaceId} and person_id = any(${personIds}::text[])
    ) t
    where t.place <= ${TOUCHES_A_PERSON}`)
  const touches = new Map<string, ScoredTouch[]>()
  for (const { personId, kind, channel, occurredAt } of rows) {
    const touch = { kind, channel, atMs: occurredAt.getTime() }
    const list = touches.get(personId)
    if (list) list.push(touch)
    else touches.set(personId, [touch])
  }
  return touches
}

export async function insertScores(
  tx: Transaction,
  entries: readonly ScoreEntry[],
  now: Date,
): Promise<void> {
  if (entries.length === 0) return
  await tx.execute(sql`
    insert into lead_scores (workspace_id, lead_id, scored_at, fit_score, engagement_score, score, cause)
    select ${tx.workspaceId}, r."leadId", ${now}::timestamptz, r."fitScore", r."engagementScore", r.score, r.cause
    from jsonb_to_recordset(${JSON.stringify(entries)}::jsonb)
      as r("leadId" text, "fitScore" smallint, "engagementScore" smallint, score smallint, cause text)
    on conflict (workspace_id, lead_id, scored_at) do update set fit_score = excluded.fit_score,
      engagement_score = excluded.engagement_score, score = excluded.score, cause = excluded.cause`)
}
