import type { Receipt } from '#reports/credit.schema.ts'
import type { LedgerTouch } from '#reports/ledger.rules.ts'
import { AttributionModel } from '#reports/lens.schema.ts'
import type { ReceiptCredit, ReceiptDeal, ReceiptTouch } from '#reports/receipt.store.ts'

type ByModel = Receipt['sums']

const zeros = (): ByModel => ({ first: 0, last: 0, linear: 0, position: 0, time_decay: 0 })

/** A deal's receipt from its touches (in order), what the ledger gives them, and what they are called. */
export function receiptOf(
  deal: ReceiptDeal,
  window: string,
  touches: readonly LedgerTouch[],
  credits: readonly ReceiptCredit[],
  details: readonly ReceiptTouch[],
): Receipt {
  const { id, deletedAt: _, ...fields } = deal
  const known = new Map(details.map((detail) => [detail.id, detail]))
  const byTouch = Map.groupBy(credits, (credit) => credit.touchpointId)
  const sums = zeros()
  for (const credit of credits) sums[credit.model] += credit.amountMinor
  const isCredited = credits.length > 0
  return {
    ...fields,
    opportunityId: id,
    window,
    isCredited,
    touches: touches.map(({ touchpointId, personId, channel, campaignId }) => {
      const detail = known.get(touchpointId)!
      const own = byTouch.get(touchpointId) ?? []
      const creditedMinor = zeros()
      const shares = zeros()
      for (const { model, amountMinor, share } of own) {
        creditedMinor[model] = amountMinor
        shares[model] = share
      }
      const { kind, campaignName, occurredAt } = detail
      const isInWindow = own.some((credit) => credit.model === 'linear')
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
    uncreditedMinor: deal.status === 'won' && !isCredited ? (deal.amountMinor ?? 0) : 0,
    note: noteOf(deal, isCredited, sums),
  }
}

function noteOf(
  { status, amountMinor }: ReceiptDeal,
  isCredited: boolean,
  sums: ByModel,
): string | null {
  if (status !== 'won') return 'Only won deals have credit.'
  if (!isCredited)
    return 'No touch of the people of this deal lies in the window: its amount is uncredited.'
  if (AttributionModel.options.some((model) => sums[model] !== (amountMinor ?? 0))) {
    return 'The deal changed since the ledger was computed: its credit follows within minutes.'
  }
  return amountMinor === null ? 'The CRM has no amount for this deal; it counts as 0.' : null
}
