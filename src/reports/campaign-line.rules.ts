import type { z } from 'zod'
import { costBetween, returnOn, type Budget } from '#reports/cost.rules.ts'
import type { CampaignLine } from '#reports/credit.schema.ts'
import type { Credit } from '#reports/lens.schema.ts'
import type { Lens } from '#reports/lens.store.ts'
import { receiptsLink } from '#reports/links.ts'

/** A campaign (or none) with its credit, as a store reads it. */
export interface CampaignLineRow extends Budget, Credit {
  campaignId: string | null
  name: string | null
  channel: string | null
  status: string | null
  isDeleted: boolean
}

/** A campaign's credit next to its cost in the period of the lens. */
export function campaignLine(row: CampaignLineRow, lens: Lens): z.output<typeof CampaignLine> {
  const { campaignId, channel, status, isDeleted, creditedMinor, deals, n } = row
  const cost = costBetween(row, lens.answer.currency, lens.answer.from, lens.answer.to)
  return {
    campaignId,
    name: row.name ?? (campaignId === null ? 'No campaign' : 'Unknown campaign'),
    channel,
    status,
    isDeleted,
    creditedMinor,
    deals,
    n,
    costMinor: cost.costMinor,
    costReason: cost.reason,
    roi: returnOn(creditedMinor, cost.costMinor),
    receipts: receiptsLink(lens, { campaignId: campaignId ?? 'none' }),
  }
}
