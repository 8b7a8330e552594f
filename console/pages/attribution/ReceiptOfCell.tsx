import { Drawer } from '@mantine/core'
import { getRouteApi } from '@tanstack/react-router'
import { describeModel, lensFields, type ResolvedLens } from '#console/lens.ts'
import type { Compared } from '#console/pages/attribution/attribution.queries.ts'
import { CreditedDeals } from '#console/pages/campaigns/CreditedDeals.tsx'
import { DealReceipt } from '#console/pages/campaigns/DealReceipt.tsx'
import { UncreditedDeals } from '#console/pages/campaigns/UncreditedDeals.tsx'

const route = getRouteApi('/frame/attribution')

/** From an amount of the table to its deals, and from a deal to its touches. */
export function ReceiptOfCell({ comparison, lens }: { comparison: Compared; lens: ResolvedLens }) {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const { receipt, deal, of: model = lens.model } = search
  const shown: ResolvedLens = { ...lens, model }
  const close = () =>
    void navigate({
      search: { ...search, receipt: undefined, deal: undefined, of: undefined },
      resetScroll: false,
    })
  return (
    <Drawer
      opened={receipt !== undefined || deal !== undefined}
      onClose={close}
      position="right"
      size={880}
      title={titleOf(comparison, receipt, deal, model)}
      closeButtonProps={{ 'aria-label': 'Close the receipt' }}
      transitionProps={{ duration: 150 }}
    >
      {deal !== undefined ? (
        <DealReceipt
          opportunityId={deal}
          lens={{ model, window: lens.window }}
          hasList={receipt !== undefined}
        />
      ) : receipt === 'uncredited' ? (
        <UncreditedDeals filter={{ ...lensFields(shown), currency: comparison.currency }} />
      ) : (
        receipt !== undefined && <CreditedDeals {...openedOf(comparison, shown, receipt)} />
      )}
    </Drawer>
  )
}

/** What the amount sums, and the amount itself. */
function openedOf(comparison: Compared, lens: ResolvedLens, receipt: string) {
  const { currency, by, rows, models } = comparison
  const filter = { ...lensFields(lens), currency }
  if (receipt === 'baseline') {
    const baselineMinor = models.find(({ model }) => model === lens.model)?.baselineMinor ?? 0
    return { filter: { ...filter, bucket: 'baseline' as const }, openedMinor: baselineMinor }
  }
  const key = receipt.slice('row.'.length)
  const row = rows.find((one) => (one.key ?? 'none') === key)
  const openedMinor = row?.cells.find(({ model }) => model === lens.model)?.creditedMinor ?? 0
  return {
    filter: { ...filter, ...(by === 'channel' ? { channel: key } : { campaignId: key }) },
    openedMinor,
  }
}

function titleOf(
  { rows }: Compared,
  receipt: string | undefined,
  deal: string | undefined,
  model: string,
): string {
  if (deal !== undefined) return 'Receipt of a deal'
  if (receipt === 'uncredited') return 'Deals without a touch'
  const { label } = describeModel(model)
  if (receipt === 'baseline') return `What would have come anyway, ${label}`
  const row = rows.find(({ key }) => `row.${key ?? 'none'}` === receipt)
  return `${row?.label ?? 'Credit'}, ${label}`
}
