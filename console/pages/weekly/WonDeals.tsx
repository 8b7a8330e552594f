import { formatCount, formatExact } from '#console/format.ts'
import {
  ledgerDealFields,
  type LedgerDealFilter,
} from '#console/pages/campaigns/campaign.queries.ts'
import { LedgerDeals } from '#console/pages/campaigns/LedgerDeals.tsx'

/** The deals behind an amount that was won. */
export function WonDeals({
  filter,
  openedMinor,
}: {
  filter: LedgerDealFilter
  /** The figure that was opened. */
  openedMinor: number
}) {
  const { currency } = filter
  return (
    <LedgerDeals
      fields={ledgerDealFields(filter)}
      openedMinor={openedMinor}
      caption="Deals won in the week"
      describe={({ deals }) => `${formatCount(deals)} deals, the newest close first`}
      check={({ amountMinor }) =>
        amountMinor === openedMinor
          ? '✓ The deals sum to the figure, to the cent.'
          : `The deals sum to ${currency} ${formatExact(amountMinor, currency)}: the ledger had not taken up every change yet when the report was made.`
      }
      empty="No deal was won in this week"
    />
  )
}
