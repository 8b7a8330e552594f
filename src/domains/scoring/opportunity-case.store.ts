import { sql, type RawBuilder } from 'kysely'
import type { Transaction } from '#store/store.ts'
import type { FeatureRow } from './feature.rules.ts'

/** One opportunity at one moment. */
export interface OpportunityCase {
  id: string
  at: Date
  /** When its end was known; the moment itself while it is open. */
  knownAt: Date
  label: 0 | 1
  openedAt: Date
  closedAt: Date | null
  amountMinor: number | null
  currency: string
  features: FeatureRow
}

/** Closed opportunities, each once, at a moment of its open life that only its id decides. */
function pastOpportunities(tx: Transaction, now: Date) {
  return sql`
    select o.id, o.opened_at + (o.closed_at - o.opened_at)
        * ((hashtextextended(o.id, 7) & 65535) / 65536.0) as at,
      o.closed_at as known_at, case when o.status = 'won' then 1 else 0 end as label
    from opportunities o
    where o.workspace_id = ${tx.workspaceId} and o.status <> 'open' and o.deleted_at is null
      and o.closed_at > o.opened_at and o.closed_at <= ${now}::timestamptz`
}

export async function countPastOpportunities(
  tx: Transaction,
  now: Date,
): Promise<{ rows: number; positives: number }> {
  const row = await tx.find(sql<{ rows: number; positives: number }>`
    select count(*)::int as rows, count(*) filter (where label = 1)::int as positives
    from (${pastOpportunities(tx, now)}) p`)
  return row!
}

/** The last closed opportunities, at most `limit`, in the order of their moments. */
export async function listPastOpportunities(
  tx: Transaction,
  { now, limit }: { now: Date; limit: number },
): Promise<OpportunityCase[]> {
  const subjects = await tx.query(sql<Subject>`
    select * from (${pastOpportunities(tx, now)}) p order by p.known_at desc, p.id limit ${limit}`)
  const cases = await readPages(tx, subjects)
  return cases.toSorted((a, b) => a.at.getTime() - b.at.getTime() || (a.id < b.id ? -1 : 1))
}

/** What was open at a moment, whatever came of it since; the label is whether it was won. At most `limit`. */
export async function listOpenAt(
  tx: Transaction,
  at: Date,
  limit: number,
): Promise<OpportunityCase[]> {
  const subjects = await tx.query(sql<Subject>`
    select o.id, ${at}::timestamptz as at, coalesce(o.closed_at, ${at}::timestamptz) as known_at,
      case when o.status = 'won' then 1 else 0 end as label
    from opportunities o
    where o.workspace_id = ${tx.workspaceId} and o.deleted_at is null and o.opened_at <= ${at}::timestamptz
      and (o.closed_at is null or o.closed_at > ${at}::timestamptz)
    order by o.id limit ${limit}`)
  return readPages(tx, subjects)
}

type Subject = Pick<OpportunityCase, 'id' | 'at' | 'knownAt' | 'label'>

/** Past cases that one statement reads. */
const PAGE = 2000

async function readPages(
  tx: Transaction,
  subjects: readonly Subject[],
): Promise<OpportunityCase[]> {
  const cases: OpportunityCase[] = []
  for (let start = 0; start < subjects.length; start += PAGE) {
    const page = JSON.stringify(subjects.slice(start, start + PAGE))
    const rows = sql`select r.id, r.at, r."knownAt" as known_at, r.label from jsonb_to_recordset(${page}::jsonb)
      as r(id text, at timestamptz, "knownAt" timestamptz, label int)`
    cases.push(...(await readCases(tx, rows)))
  }
  return cases
}

/** The next open opportunities after one, as they are now. */
export async function listOpenOpportunities(
  tx: Transaction,
  page: { now: Date; after: string; limit: number; changed: boolean },
): Promise<OpportunityCase[]> {
  const { now, after, limit, changed } = page
  return readCases(
    tx,
    sql`select o.id, ${now}::timestamptz as at, ${now}::timestamptz as known_at, 0 as label
      from opportunities o
      where o.workspace_id = ${tx.workspaceId} and o.id > ${after} and o.status = 'open' and o.deleted_at is null
        and (not ${changed} or not exists (
          select from learned_scores s
          where s.workspace_id = ${tx.workspaceId} and s.target = 'opportunity_won' and s.subject_id = o.id
            and s.scored_at >= o.updated_at
        ))
      order by o.id limit ${limit}`,
  )
}

/** One open opportunity as it is now; null when it is closed, deleted or not there. */
export async function findOpportunityCase(
  tx: Transaction,
  opportunityId: string,
  now: Date,
): Promise<OpportunityCase | null> {
  const [found] = await readCases(
    tx,
    sql`select o.id, ${now}::timestamptz as at, ${now}::timestamptz as known_at, 0 as label
      from opportunities o
      where o.workspace_id = ${tx.workspaceId} and o.id = ${opportunityId} and o.status = 'open' and o.deleted_at is null`,
  )
  return found ?? null
}

/**
 * What is known of opportunities at their moments: stages entered and touches made until then. The amount, the owner
 * and the people are those of today, as a CRM keeps no history of them. One statement, whatever the number; each subject
 * looks its rows up by key.
 */
async function readCases(
  tx: Transaction,
  subjects: RawBuilder<unknown>,
): Promise<OpportunityCase[]> {
  return tx.query(sql<OpportunityCase>`
    with s as materialized (${subjects})
    select s.id, s.at, s.known_at, s.label, o.opened_at, o.closed_at, o.amount_minor, o.currency,
      jsonb_build_object(
        'pipeline', o.pipeline_id, 'stage', e.stage_id, 'stagePosition', e.position,
        'stageDays', extract(epoch from s.at - e.entered_at) / 86400, 'stageMoves', m.moves,
        'ageDays', extract(epoch from s.at - o.opened_at) / 86400, 'amount', o.amount_minor,
        'currency', o.currency, 'owner', o.owner_id, 'channel', t.channel, 'people', t.people,
        'touches', t.touches, 'touches30', t.touches30,
        'quietDays', extract(epoch from s.at - t.last_at) / 86400
      ) as features
    from s join opportunities o on o.id = s.id
    left join lateral (
      select h.stage_id, h.entered_at, g.position
      from opportunity_stages h join stages g on g.id = h.stage_id and g.outcome = 'open'
      where h.workspace_id = ${tx.workspaceId} and h.opportunity_id = s.id and h.entered_at <= s.at
      order by h.entered_at desc, g.position desc limit 1
    ) e on true
    cross join lateral (
      select count(*) as moves
      from opportunity_stages h join stages g on g.id = h.stage_id and g.outcome = 'open'
      where h.workspace_id = ${tx.workspaceId} and h.opportunity_id = s.id and h.entered_at <= s.at
    ) m
    cross join lateral (
      select count(*) as people, coalesce(sum(t.touches), 0) as touches, coalesce(sum(t.touches30), 0) as touches30,
        max(t.last_at) as last_at, (array_agg(t.channel order by t.first_at) filter (where t.touches > 0))[1] as channel
      from (
        select distinct person_id from opportunity_people
        where workspace_id = ${tx.workspaceId} and opportunity_id = s.id
      ) op
      cross join lateral (
        select count(*) as touches, count(*) filter (where t.occurred_at > s.at - interval '30 days') as touches30,
          min(t.occurred_at) as first_at, max(t.occurred_at) as last_at,
          (array_agg(t.channel order by t.occurred_at, t.id))[1] as channel
        from touchpoints t
        where t.workspace_id = ${tx.workspaceId} and t.person_id = op.person_id and t.occurred_at <= s.at
      ) t
    ) t
    order by s.id`)
}

export async function isOpenOpportunity(tx: Transaction, id: string): Promise<boolean> {
  const row = await tx.find(sql`
    select from opportunities o
    where o.id = ${id} and o.workspace_id = ${tx.workspaceId} and o.status = 'open' and o.deleted_at is null`)
  return row !== null
}

/** Whose opportunity it is; null when there is none. */
export async function findOpportunityOwner(
  tx: Transaction,
  id: string,
): Promise<{ ownerId: `own_${string}` | null } | null> {
  return tx.find(sql<{ ownerId: `own_${string}` | null }>`
    select o.owner_id from opportunities o
    where o.id = ${id} and o.workspace_id = ${tx.workspaceId} and o.deleted_at is null`)
}

/** An open opportunity for the forecast: its probability by the model in use, or by the CRM's stage. */
export interface OpenDealRow {
  id: string
  currency: string
  amountMinor: number | null
  openedAt: Date
  stageProbability: number | null
  probability: number | null
  low: number | null
  high: number | null
}

/** Every open opportunity, batch by batch. */
export function streamOpenDeals(tx: Transaction): AsyncIterable<OpenDealRow[]> {
  return tx.stream(
    sql<OpenDealRow>`
      select o.id, o.currency, o.amount_minor, o.opened_at, g.probability as stage_probability, s.probability, s.low, s.high
      from opportunities o left join stages g on g.id = o.stage_id
      left join learned_scores s on s.workspace_id = ${tx.workspaceId} and s.target = 'opportunity_won'
        and s.subject_id = o.id
      where o.workspace_id = ${tx.workspaceId} and o.status = 'open' and o.deleted_at is null
      order by o.id`,
    2000,
  )
}

/** How long won opportunities were open, in days: at most 400 quantiles of those closed until a moment. */
export async function listWonDays(tx: Transaction, until: Date): Promise<number[]> {
  const row = await tx.find(sql<{ days: number[] | null }>`
    select percentile_cont((select array_agg(i / 400.0::float8) from generate_series(0, 400) i)) within group (
      order by extract(epoch from closed_at - opened_at)::float8 / 86400) as days
    from opportunities
    where workspace_id = ${tx.workspaceId} and status = 'won' and deleted_at is null and closed_at > opened_at
      and closed_at <= ${until}::timestamptz`)
  return row?.days ?? []
}
