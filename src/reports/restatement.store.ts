import { sql, type RawBuilder } from 'kysely'
import type { z } from 'zod'
import { decodeCursor } from '#core/page.ts'
import { ofCampaign } from '#reports/credit.store.ts'
import type { ListRestatementsQuery, RestatementLine } from '#reports/credit.schema.ts'
import type { Lens } from '#reports/lens.store.ts'
import type { Transaction } from '#store/store.ts'

type Query = z.output<typeof ListRestatementsQuery>

/** One more than the page, newest first. */
export function listRestatements(
  tx: Transaction,
  lens: Lens,
  query: Query,
): Promise<z.output<typeof RestatementLine>[]> {
  const after =
    query.cursor === undefined
      ? sql``
      : sql`and id < ${Number(decodeCursor(query.cursor, 1)[0])}::bigint`
  return tx.query(sql<z.output<typeof RestatementLine>>`
    select id::text as id, restated_at, week, bucket, campaign_id, currency, cause, delta_minor,
      delta_share as delta_deals, opportunity_ids
    from attribution_restatements where ${filterOf(lens, query)} ${after}
    order by id desc limit ${query.limit + 1}`)
}

export async function sumRestatements(
  tx: Transaction,
  lens: Lens,
  query: Query,
): Promise<{ deltaMinor: number; rows: number }> {
  const row = await tx.find(sql<{ deltaMinor: number; rows: number }>`
    select coalesce(sum(delta_minor), 0)::bigint as delta_minor, count(*) as rows
    from attribution_restatements where ${filterOf(lens, query)}`)
  return row!
}

/** Uncredited revenue is the same under every model, so its rows belong to each of them. */
function filterOf({ answer, windowDays }: Lens, { campaignId, week }: Query): RawBuilder<unknown> {
  return sql`window_days = ${windowDays} and model in (${answer.model}, 'all') and currency = ${answer.currency}
    ${campaignId === 'none' ? sql`and bucket = 'no_campaign'` : ofCampaign(campaignId)}
    ${week === undefined ? sql`` : sql`and week = date_trunc('week', ${week}::date::timestamp)::date`}`
}
