import type { Receipt } from '#reports/credit.schema.ts'
import { DAY_MS } from '#core/time.ts'
import type { LedgerTouch } from '#reports/ledger.rules.ts'
import type { ReceiptCredit, ReceiptDeal, ReceiptTouch } from '#reports/receipt.store.ts'

type ByModel = Receipt['sums']

/** A deal's receipt from its touches (in order), what the ledger gives them, and what they are called. */
export function receiptOf(
  deal: ReceiptDeal,
  window: string,
  models: readonly string[],
  touches: readonly LedgerTouch[],
  credits: readonly ReceiptCredit[],
  details: readonly ReceiptTouch[],
): Receipt {
  const { id, deletedAt: _, ...fields } = deal
  const known = new Map(details.map((detail) => [detail.id, detail]))
  const byTouch = Map.groupBy(credits, (credit) => credit.touchpointId)
  const zeros = (): ByModel => Object.fromEntries(models.map((model) => [model, 0]))
  const sums = zeros()
  for (const credit of credits) sums[credit.model]! += credit.amountMinor
  const isCredited = credits.length > 0
  const baseline = zeros()
  for (const { model, amountMinor } of byTouch.get('') ?? []) baseline[model] = amountMinor
  return {
    ...fields,
    opportunityId: id,
    window,
    isCredited,
    touches: touches.map(({ touchpointId, personId, channel, campaignId, occurredAtMs }) => {
      const { kind, campaignName, occurredAt } = known.get(touchpointId)!
      const creditedMinor = zeros()
      const shares = zeros()
      for (const { model, amountMinor, share } of byTouch.get(touchpointId) ?? []) {
        creditedMinor[model] = amountMinor
        shares[model] = share
      }
      const isInWindow = isCredited && isWithin(deal, window, occurredAtMs)
      return {
        touchpointId,
        personId,
        kind,
        channel,
        campaignId,
        campaignName,
        occurredAt,
        isInWindow,
        creditedMinor,
        shares,
      }
    }),
    sums,
    baseline,
    uncreditedMinor: deal.status === 'won' && !isCredited ? (deal.amountMinor ?? 0) : 0,
    note: noteOf(deal, isCredited, sums),
  }
}

function isWithin({ closedAt }: ReceiptDeal, window: string, occurredAtMs: number): boolean {
  if (closedAt === null) return false
  return window === 'all' || occurredAtMs >= closedAt.getTime() - Number(window) * DAY_MS
}

function noteOf(
  { status, amountMinor }: ReceiptDeal,
  isCredited: boolean,
  sums: ByModel,
): string | null {
  if (status !== 'won') return 'Only won deals have credit.'
  if (!isCredited)
    return 'No touch of the people of this deal lies in the window: its amount is uncredited.'
  if (Object.values(sums).some((sum) => sum !== (amountMinor ?? 0))) {
    return 'The deal or a model changed since the ledger was computed: its credit follows within minutes.'
  }
  return amountMinor === null ? 'The CRM has no amount for this deal; it counts as 0.' : null
}
