import { sql } from 'kysely'
import type { Budget } from '#reports/cost.rules.ts'
import { creditDays } from '#reports/credit-day.store.ts'
import { creditOfRows, type ModelCredits } from '#reports/credit-sums.ts'
import type { Lens } from '#reports/lens.store.ts'
import type { Transaction } from '#store/store.ts'

export interface CampaignRow extends Budget {
  id: `cmp_${string}`
  key: string
  name: string
  channel: string
  status: string
  deletedAt: Date | null
}

export function findCampaign(tx: Transaction, campaignId: string): Promise<CampaignRow | null> {
  return tx.find(sql<CampaignRow>`
    select id, key, name, channel, status, starts_on, ends_on, budget_minor, currency, deleted_at
    from campaigns where id = ${campaignId}`)
}

/** Credit under all models in one week; `week` is null in the row of the whole period. */
export interface CampaignCredit {
  week: string | null
  models: ModelCredits
}

/** The campaign's credit under every model, by week and over the period. */
export function listCampaignCredit(
  tx: Transaction,
  campaignId: string,
  lens: Lens,
): Promise<CampaignCredit[]> {
  return tx.query(sql<CampaignCredit>`
    select week, jsonb_object_agg(model, credit) as models
    from (
      select week, model, ${creditOfRows} as credit
      from (
        select date_trunc('week', closed_on::timestamp)::date as week, model, amount_minor, share, deals
        from ${creditDays(lens)}
        where kind = 'campaign' and key = ${campaignId} and model = any(${lens.models}::text[])
      ) row group by grouping sets ((week, model), (model))
    ) credit
    group by week`)
}

export async function countReach(
  tx: Transaction,
  campaignId: string,
): Promise<{ touches: number; people: number }> {
  const row = await tx.find(sql<{ touches: number; people: number }>`
    select coalesce(sum(touches), 0)::bigint as touches, count(*) as people
    from (select person_id, count(*) as touches from touchpoints where campaign_id = ${campaignId} group by person_id) p`)
  return row ?? { touches: 0, people: 0 }
}

/** By how much each ended week of the campaign moved since. */
export function listRestatedWeeks(
  tx: Transaction,
  campaignId: string,
  lens: Lens,
): Promise<{ week: string; deltaMinor: number }[]> {
  return tx.query(sql<{ week: string; deltaMinor: number }>`
    select week, sum(delta_minor)::bigint as delta_minor from attribution_restatements
    where campaign_id = ${campaignId} and window_days = ${lens.windowDays} and model = ${lens.answer.model}
      and currency = ${lens.answer.currency} ${lens.asOf === null ? sql`` : sql`and restated_at <= ${lens.asOf}`}
    group by week`)
}
