import { sql } from 'kysely'
import type { Transaction } from '#store/store.ts'
import { allOf, type ListPlace } from './person-list.store.ts'
import { touchpointDetailContext } from './touchpoint.store.ts'
import type { TimelineEntry, Touchpoint } from './touchpoint.schema.ts'

interface TouchpointRow {
  id: `tch_${string}`
  personId: `per_${string}`
  capturedAs: `per_${string}` | null
  kind: string
  channel: string
  campaignId: `cmp_${string}` | null
  occurredAt: Date
  receivedAt: Date
  source: string
  utmSource: string | null
  utmMedium: string | null
  utmCampaign: string | null
  utmTerm: string | null
  utmContent: string | null
}

const columns = sql`t.id, t.person_id, t.captured_as, t.kind, t.channel, t.campaign_id,
  t.occurred_at, t.received_at, t.source, t.utm_source, t.utm_medium, t.utm_campaign, t.utm_term,
  t.utm_content`

export interface TouchpointFilter {
  campaignId?: string | undefined
  channel?: string | undefined
  from?: Date | undefined
  to?: Date | undefined
}

/** Touchpoints, newest first, one more than the limit. */
export async function listTouchpoints(
  tx: Transaction,
  filter: TouchpointFilter,
  { limit, after }: ListPlace,
): Promise<Touchpoint[]> {
  const conditions = []
  if (after) conditions.push(sql`(t.occurred_at, t.id) < (${after.at}::timestamptz, ${after.id})`)
  if (filter.campaignId !== undefined) conditions.push(sql`t.campaign_id = ${filter.campaignId}`)
  if (filter.channel !== undefined) conditions.push(sql`t.channel = ${filter.channel}`)
  if (filter.from !== undefined) conditions.push(sql`t.occurred_at >= ${filter.from}`)
  if (filter.to !== undefined) conditions.push(sql`t.occurred_at < ${filter.to}`)
  const rows = await tx.query(sql<TouchpointRow>`
    select ${columns}
    from touchpoints t
    where ${allOf(conditions)}
    order by t.occurred_at desc, t.id desc
    limit ${limit + 1}`)
  return rows.map(toTouchpoint)
}

/** What a person did, newest first, with the sealed detail opened; one more than the limit. */
export async function listTimeline(
  tx: Transaction,
  personId: string,
  { limit, after }: ListPlace,
): Promise<TimelineEntry[]> {
  const conditions = [sql`t.person_id = ${personId}`]
  if (after) conditions.push(sql`(t.occurred_at, t.id) < (${after.at}::timestamptz, ${after.id})`)
  const rows = await tx.query(sql<TouchpointRow & { detail: Buffer | null }>`
    select ${columns}, t.detail
    from touchpoints t
    where ${allOf(conditions)}
    order by t.occurred_at desc, t.id desc
    limit ${limit + 1}`)
  return rows.map((row) => ({
    ...toTouchpoint(row),
    capturedAs: row.capturedAs,
    detail:
      row.detail === null ? null : tx.sealer.open(row.detail, touchpointDetailContext(row.id)),
  }))
}

function toTouchpoint(row: TouchpointRow): Touchpoint {
  const { id, personId, kind, channel, campaignId, occurredAt, receivedAt, source } = row
  const utm = {
    ...(row.utmSource === null ? {} : { source: row.utmSource }),
    ...(row.utmMedium === null ? {} : { medium: row.utmMedium }),
    ...(row.utmCampaign === null ? {} : { campaign: row.utmCampaign }),
    ...(row.utmTerm === null ? {} : { term: row.utmTerm }),
    ...(row.utmContent === null ? {} : { content: row.utmContent }),
  }
  return { id, personId, kind, channel, campaignId, occurredAt, receivedAt, source, utm }
}
