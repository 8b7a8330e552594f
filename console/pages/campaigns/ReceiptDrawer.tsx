import { Drawer } from '@mantine/core'
import { getRouteApi } from '@tanstack/react-router'
import type { CampaignReport } from '#reports/campaign-report.schema.ts'
import { formatDate } from '#console/format.ts'
import { lensFields, type ResolvedLens } from '#console/lens.ts'
import { CreditedDeals } from '#console/pages/campaigns/CreditedDeals.tsx'
import { DealReceipt } from '#console/pages/campaigns/DealReceipt.tsx'
import { UncreditedDeals } from '#console/pages/campaigns/UncreditedDeals.tsx'

const route = getRouteApi('/frame/campaigns/$campaignId')

/**
 * Opens an amount to its deals, and a deal to its touches. Which level is open stands in the address, so that it can be
 * sent to someone; Escape closes it, and the focus goes back to the amount.
 */
export function ReceiptDrawer({ report, lens }: { report: CampaignReport; lens: ResolvedLens }) {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const { receipt, deal } = search
  const close = () =>
    void navigate({
      search: { ...search, receipt: undefined, deal: undefined },
      resetScroll: false,
    })
  return (
    <Drawer
      opened={receipt !== undefined}
      onClose={close}
      position="right"
      size={880}
      title={receipt === undefined ? 'Receipt' : titleOf(receipt, deal, report)}
      closeButtonProps={{ 'aria-label': 'Close the receipt' }}
      transitionProps={{ duration: 150 }}
    >
      {receipt !== undefined &&
        (deal !== undefined ? (
          <DealReceipt
            opportunityId={deal}
            lens={{ model: report.model, window: report.window, campaignId: report.campaign.id }}
            hasList
          />
        ) : receipt === 'uncredited' ? (
          <UncreditedDeals filter={{ ...lensFields(lens), currency: report.currency }} />
        ) : (
          <CreditedDeals {...openedOf(report, lens, receipt)} />
        ))}
    </Drawer>
  )
}

/** What the amount sums, and the amount itself. */
function openedOf(report: CampaignReport, lens: ResolvedLens, receipt: string) {
  const { currency, campaign, totals, weeks } = report
  const week = receipt === 'total' ? undefined : receipt
  return {
    filter: { ...lensFields(lens), currency, campaignId: campaign.id, week },
    openedMinor:
      week === undefined
        ? totals.creditedMinor
        : (weeks.find((row) => row.week === week)?.creditedMinor ?? 0),
  }
}

function titleOf(receipt: string, deal: string | undefined, report: CampaignReport): string {
  if (deal !== undefined) return 'Receipt of a deal'
  if (receipt === 'uncredited') return 'Deals without a touch'
  const when = receipt === 'total' ? 'whole period' : `week of ${formatDate(receipt)}`
  return `${report.campaign.name}, ${when}`
}
