import { sql } from 'kysely'
import type { Transaction } from '#store/store.ts'

export interface ReceiptDeal {
  id: string
  status: 'open' | 'won' | 'lost'
  amountMinor: number | null
  currency: string
  openedAt: Date
  closedAt: Date | null
  deletedAt: Date | null
}

export function findReceiptDeal(
  tx: Transaction,
  opportunityId: string,
): Promise<ReceiptDeal | null> {
  return tx.find(sql<ReceiptDeal>`
    select id, status, amount_minor, currency, opened_at, closed_at, deleted_at
    from opportunities where id = ${opportunityId}`)
}

export interface ReceiptTouch {
  id: string
  kind: string
  campaignName: string | null
  occurredAt: Date
}

/** What a receipt tells of touches beyond the ledger; in any order. */
export function listReceiptTouches(
  tx: Transaction,
  touchpointIds: readonly string[],
): Promise<ReceiptTouch[]> {
  return tx.query(sql<ReceiptTouch>`
    select t.id, t.kind, c.name as campaign_name, t.occurred_at
    from touchpoints t left join campaigns c on c.id = t.campaign_id
    where t.id = any(${touchpointIds})`)
}

export interface ReceiptCredit {
  /** Empty in the line of the baseline. */
  touchpointId: string
  model: string
  share: number
  amountMinor: number
}

export function listReceiptCredits(
  tx: Transaction,
  opportunityId: string,
  windowDays: number,
): Promise<ReceiptCredit[]> {
  return tx.query(sql<ReceiptCredit>`
    select touchpoint_id, model, share, amount_minor from credits
    where opportunity_id = ${opportunityId} and window_days = ${windowDays}`)
}
