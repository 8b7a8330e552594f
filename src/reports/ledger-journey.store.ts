import { sql } from 'kysely'
import type { LedgerTouch } from '#reports/ledger.rules.ts'
import type { Transaction } from '#store/store.ts'

/** All touches of a deal before its close, in order. */
export interface NewJourney {
  opportunityId: string
  digest: string
  touches: readonly LedgerTouch[]
}

/**
 * Keeps journeys that are not kept yet; answers the ids of all of them, by deal. A journey that a deal had before is taken again.
 * @param sources  the numbers of the touches' sources, by `sourceKey`.
 */
export async function insertJourneys(
  tx: Transaction,
  journeys: readonly NewJourney[],
  sources: ReadonlyMap<string, number>,
): Promise<Map<string, number>> {
  if (journeys.length === 0) return new Map()
  const column = (of: (touch: LedgerTouch) => string | number) =>
    journeys.map(({ touches }) => arrayText(touches.map(of)))
  const rows = await tx.query(sql<{ opportunityId: string; id: number }>`
    with given as (
      select * from unnest(
        ${journeys.map(({ opportunityId }) => opportunityId)}::text[],
        ${journeys.map(({ digest }) => digest)}::text[],
        ${column(({ touchpointId }) => touchpointId)}::text[],
        ${column(({ personId }) => personId)}::text[],
        ${column((touch) => sources.get(sourceKey(touch))!)}::text[]
      ) as r (opportunity_id, digest, touchpoint_ids, person_ids, sources)
    ), added as (
      insert into ledger_journeys (workspace_id, opportunity_id, digest, touchpoint_ids, person_ids, sources)
      select ${tx.workspaceId}, opportunity_id, digest, touchpoint_ids::text[], person_ids::text[], sources::int[] from given
      on conflict (opportunity_id, digest) do nothing
      returning opportunity_id, id
    )
    select opportunity_id, id from added
    union all
    select j.opportunity_id, j.id from ledger_journeys j
    where j.opportunity_id = any(${journeys.map(({ opportunityId }) => opportunityId)}::text[])
      and j.opportunity_id || j.digest = any(${journeys.map(({ opportunityId, digest }) => opportunityId + digest)}::text[])`)
  return new Map(rows.map(({ opportunityId, id }) => [opportunityId, id]))
}

/** The sources of the touches of kept journeys, by the journey's id. */
export async function readSources(
  tx: Transaction,
  journeyIds: readonly number[],
): Promise<Map<number, readonly number[]>> {
  if (journeyIds.length === 0) return new Map()
  const rows = await tx.query(sql<{ id: number; sources: number[] }>`
    select id, sources from ledger_journeys where id = any(${journeyIds}::bigint[])`)
  return new Map(rows.map(({ id, sources }) => [id, sources]))
}

/** An array as PostgreSQL reads it from text: lists of different lengths go in as one column. */
export function arrayText(values: Iterable<string | number>): string {
  const parts: string[] = []
  for (const value of values)
    parts.push(
      typeof value === 'number' ? String(value) : `"${value.replaceAll(/["\\]/g, '\\$&')}"`,
    )
  return `{${parts.join(',')}}`
}

/** Numbers out of an array as PostgreSQL writes it. */
export function numbersOf(text: string): number[] {
  return text === '{}' ? [] : text.slice(1, -1).split(',').map(Number)
}

/** What a touch is of, as the numbers of sources go by it. */
export function sourceKey({
  campaignId,
  channel,
}: Pick<LedgerTouch, 'campaignId' | 'channel'>): string {
  return `${campaignId ?? ''} ${channel}`
}

/** The numbers of the campaigns and channels of these touches, new ones given now; the caller holds the lock of the ledger. */
export async function numberSources(
  tx: Transaction,
  touches: readonly LedgerTouch[],
): Promise<Map<string, number>> {
  const pairs = [...new Map(touches.map((touch) => [sourceKey(touch), touch])).values()]
  if (pairs.length === 0) return new Map()
  const table = sql`unnest(
    ${pairs.map((touch) => touch.campaignId)}::text[], ${pairs.map((touch) => touch.channel)}::text[]
  ) as r (campaign_id, channel)`
  await tx.execute(sql`
    insert into attribution_sources (workspace_id, number, campaign_id, channel)
    select ${tx.workspaceId}, (select coalesce(max(number), -1) from attribution_sources) + row_number() over (), r.campaign_id,
      r.channel
    from ${table}
    where not exists (
      select 1 from attribution_sources s where s.channel = r.channel and s.campaign_id is not distinct from r.campaign_id)`)
  const rows = await tx.query(sql<{ campaignId: string | null; channel: string; number: number }>`
    select s.campaign_id, s.channel, s.number from ${table}
    join attribution_sources s on s.channel = r.channel and coalesce(s.campaign_id, '') = coalesce(r.campaign_id, '')`)
  return new Map(rows.map((row) => [sourceKey(row), row.number]))
}
