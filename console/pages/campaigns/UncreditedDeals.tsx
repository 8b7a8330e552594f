import { formatCount } from '#console/format.ts'
import { windowLabel } from '#console/lens.ts'
import {
  ledgerDealFields,
  type LedgerDealFilter,
} from '#console/pages/campaigns/campaign.queries.ts'
import { LedgerDeals } from '#console/pages/campaigns/LedgerDeals.tsx'

/** What was won without any touch in the window: shown, never spread over campaigns. */
export function UncreditedDeals({ filter }: { filter: LedgerDealFilter }) {
  const window = windowLabel(filter.window).toLowerCase()
  return (
    <LedgerDeals
      fields={ledgerDealFields(filter, 'false')}
      caption="Won deals without a touch in the window"
      describe={({ deals }) =>
        `${formatCount(deals)} deals whose people had no touch within ${window} before the close`
      }
      empty="Every won deal has a touch in the window"
    />
  )
}
