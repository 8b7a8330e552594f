import type { FrozenFigures } from '#reports/weekly.schema.ts'
import { formatCount, formatFraction, formatShare, formatWord } from '#console/format.ts'
import { ReceiptLink } from '#console/pages/campaigns/ReceiptLink.tsx'
import { Amount } from '#console/ui/Amount.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Meter } from '#console/ui/Meter.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'

type Revenue = FrozenFigures['current']['revenue']
type Credited = { creditedMinor: number; deals: number; n: number }

/** Where the week’s revenue is credited, by channel and by campaign; each amount opens to its deals. */
export function CreditPanels({ figures: { current, currency } }: { figures: FrozenFigures }) {
  const { channels, campaigns, workspace: won } = current.revenue
  const nothing = (
    <EmptyState title="No revenue is credited in this week">
      No deal with a touch before its close was won in it.
    </EmptyState>
  )
  return (
    <>
      <Panel
        title="Revenue by channel"
        hint={`Of what was won, ${formatShare(won.uncreditedShare)} has no touch and is given to no channel.`}
        flush
        actions={
          won.uncreditedMinor > 0 && (
            <ReceiptLink receipt="uncredited">
              <Amount minor={won.uncreditedMinor} currency={currency} /> uncredited
            </ReceiptLink>
          )
        }
      >
        <Table<Revenue['channels'][number]>
          caption="Credit of the week by channel"
          rows={channels}
          columns={channelColumns(currency, won.wonMinor)}
          rowKey={({ channel }) => channel}
          empty={nothing}
        />
      </Panel>
      {campaigns.length > 0 && (
        <Panel
          title="Revenue by campaign"
          hint="The 50 with the most credit. The cost is the budget spread over the campaign’s days."
          flush
        >
          <Table<Revenue['campaigns'][number]>
            caption="Credit of the week by campaign"
            rows={campaigns}
            columns={campaignColumns(currency, won.wonMinor)}
            rowKey={({ campaignId }) => campaignId ?? 'none'}
            empty={nothing}
          />
        </Panel>
      )}
    </>
  )
}

function channelColumns(currency: string, wonMinor: number): Column<Revenue['channels'][number]>[] {
  return [
    { title: 'Channel', isHeader: true, cell: ({ channel }) => formatWord(channel) },
    ...creditColumns<Revenue['channels'][number]>(
      currency,
      wonMinor,
      ({ channel }) => `channel.${channel}`,
    ),
  ]
}

function campaignColumns(
  currency: string,
  wonMinor: number,
): Column<Revenue['campaigns'][number]>[] {
  return [
    { title: 'Campaign', isHeader: true, cell: ({ name }) => name },
    ...creditColumns<Revenue['campaigns'][number]>(
      currency,
      wonMinor,
      ({ campaignId }) => `campaign.${campaignId ?? 'none'}`,
    ),
    {
      title: 'Cost',
      align: 'end',
      cell: ({ costMinor }) => <Amount minor={costMinor} currency={currency} />,
    },
    { title: 'Return', align: 'end', cell: ({ roi }) => formatShare(roi) },
  ]
}

function creditColumns<Row extends Credited>(
  currency: string,
  wonMinor: number,
  receiptOf: (row: Row) => string,
): Column<Row>[] {
  const shareOf = ({ creditedMinor }: Row) => (wonMinor === 0 ? 0 : creditedMinor / wonMinor)
  return [
    {
      title: 'Credited',
      align: 'end',
      cell: (row) => (
        <ReceiptLink receipt={receiptOf(row)}>
          <Amount minor={row.creditedMinor} currency={currency} />
        </ReceiptLink>
      ),
    },
    {
      title: 'Of what was won',
      cell: (row) => <Meter share={shareOf(row)}>{formatShare(shareOf(row))}</Meter>,
    },
    {
      title: 'Deals',
      align: 'end',
      hint: 'In fractions: a deal is divided among its touches',
      cell: ({ deals }) => formatFraction(deals),
    },
    { title: 'n', align: 'end', hint: 'Deals with any credit', cell: ({ n }) => formatCount(n) },
  ]
}
