import { Drawer } from '@mantine/core'
import { getRouteApi } from '@tanstack/react-router'
import type { FrozenFigures } from '#reports/weekly.schema.ts'
import { formatWord } from '#console/format.ts'
import { CreditedDeals } from '#console/pages/campaigns/CreditedDeals.tsx'
import { DealReceipt } from '#console/pages/campaigns/DealReceipt.tsx'
import { UncreditedDeals } from '#console/pages/campaigns/UncreditedDeals.tsx'
import type { WeeklyWhole } from '#console/pages/weekly/weekly.queries.ts'
import { WeekLeads } from '#console/pages/weekly/WeekLeads.tsx'
import { WonDeals } from '#console/pages/weekly/WonDeals.tsx'

const route = getRouteApi('/frame/reports/weekly/$reportId')

/** Opens a figure of the week to its records, and a deal to its touches; the address names the level. */
export function WeeklyReceipt({
  report,
  figures,
}: {
  report: WeeklyWhole
  figures: FrozenFigures
}) {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const { receipt, deal } = search
  const close = () =>
    void navigate({
      search: { ...search, receipt: undefined, deal: undefined },
      resetScroll: false,
    })
  const { model, window } = figures
  return (
    <Drawer
      opened={receipt !== undefined || deal !== undefined}
      onClose={close}
      position="right"
      size={880}
      title={titleOf(figures, receipt, deal)}
      closeButtonProps={{ 'aria-label': 'Close the receipt' }}
      transitionProps={{ duration: 150 }}
    >
      {deal !== undefined ? (
        <DealReceipt
          opportunityId={deal}
          lens={{ model, window }}
          hasList={receipt !== undefined}
        />
      ) : (
        receipt !== undefined && <Opened report={report} figures={figures} receipt={receipt} />
      )}
    </Drawer>
  )
}

/** The records of the moment when the report was made: what came later must not move what it says. */
function Opened({
  report,
  figures: { current, model, window, currency, timeZone },
  receipt,
}: {
  report: WeeklyWhole
  figures: FrozenFigures
  receipt: string
}) {
  const { from, to, closed, revenue, leads } = current
  const filter = { model, window, from, to, currency, asOf: report.createdAt.toISOString() }
  if (receipt === 'leads') return <WeekLeads week={{ from, to, timeZone }} counted={leads.leads} />
  if (receipt === 'won') return <WonDeals filter={filter} openedMinor={closed.won.amountMinor} />
  if (receipt === 'uncredited') return <UncreditedDeals filter={filter} />
  const key = receipt.slice(receipt.indexOf('.') + 1)
  if (receipt.startsWith('channel.')) {
    const row = revenue.channels.find(({ channel }) => channel === key)
    const openedMinor = row?.creditedMinor ?? 0
    return <CreditedDeals filter={{ ...filter, channel: key }} openedMinor={openedMinor} />
  }
  const row = revenue.campaigns.find(({ campaignId }) => (campaignId ?? 'none') === key)
  const openedMinor = row?.creditedMinor ?? 0
  return <CreditedDeals filter={{ ...filter, campaignId: key }} openedMinor={openedMinor} />
}

function titleOf(
  { current }: FrozenFigures,
  receipt: string | undefined,
  deal: string | undefined,
): string {
  if (deal !== undefined) return 'Receipt of a deal'
  if (receipt === 'won') return 'Deals won in the week'
  if (receipt === 'uncredited') return 'Deals without a touch'
  if (receipt === 'leads') return 'Leads captured in the week'
  const key = receipt?.slice(receipt.indexOf('.') + 1) ?? ''
  if (receipt?.startsWith('channel.')) return formatWord(key)
  const campaign = current.revenue.campaigns.find(({ campaignId }) => campaignId === key)
  return campaign?.name ?? 'Touches without a campaign'
}
