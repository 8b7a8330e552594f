import { formatWord } from '#console/format.ts'
import type { ResolvedLens } from '#console/lens.ts'
import type { Previewed } from '#console/pages/attribution/attribution.queries.ts'
import { DealLink } from '#console/pages/attribution/DealLink.tsx'
import { useDealNames } from '#console/pages/campaigns/DealName.tsx'
import { Amount } from '#console/ui/Amount.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import { NotRead } from '#console/ui/ErrorPane.tsx'

interface MovedRow {
  key: string
  label: string
  beforeMinor: number
  afterMinor: number
  deltaMinor: number
}

/** What moves, by channel, by campaign, and the deals that move most. */
export function MovedTables({ preview, lens }: { preview: Previewed; lens: ResolvedLens }) {
  const { currency, channels, campaigns, otherCampaigns, mostMoved } = preview
  const { names, error } = useDealNames(lens)
  const byChannel = channels
    .map((row) => ({ ...row, key: row.channel, label: formatWord(row.channel) }))
    .toSorted(largestFirst)
  const byCampaign = campaigns.map((row) => ({
    ...row,
    key: row.campaignId ?? 'none',
    label: row.name,
  }))
  if (otherCampaigns.beforeMinor !== 0 || otherCampaigns.afterMinor !== 0)
    byCampaign.push({
      ...otherCampaigns,
      campaignId: null,
      name: '',
      key: 'other',
      label: 'All others',
    })
  return (
    <>
      <NotRead what="The names of deals" error={error} />
      <MovedTable
        caption="What moves, by channel"
        title="Channel"
        rows={byChannel}
        currency={currency}
      />
      <MovedTable
        caption="What moves, by campaign"
        title="Campaign"
        rows={byCampaign}
        currency={currency}
      />
      <Panel title="Deals that would be divided otherwise" hint="Those that move most first." flush>
        <Table
          caption="Deals that move most"
          rows={mostMoved}
          columns={dealColumns(currency, names)}
          rowKey={({ opportunityId }) => opportunityId}
          empty={<EmptyState title="No deal would be divided otherwise" />}
        />
      </Panel>
    </>
  )
}

function largestFirst(a: MovedRow, b: MovedRow): number {
  return Math.abs(b.deltaMinor) - Math.abs(a.deltaMinor)
}

function MovedTable({
  caption,
  title,
  rows,
  currency,
}: {
  caption: string
  title: string
  rows: readonly MovedRow[]
  currency: string
}) {
  return (
    <Panel title={`By ${title.toLowerCase()}`} flush>
      <Table
        caption={caption}
        rows={rows}
        columns={movedColumns(title, currency)}
        rowKey={({ key }) => key}
        empty={<EmptyState title="Nothing was won in this period" />}
      />
    </Panel>
  )
}

function movedColumns(title: string, currency: string): Column<MovedRow>[] {
  return [
    { title, isHeader: true, cell: ({ label }) => label },
    {
      title: 'Before',
      align: 'end',
      cell: ({ beforeMinor }) => <Amount minor={beforeMinor} currency={currency} />,
    },
    {
      title: 'After',
      align: 'end',
      cell: ({ afterMinor }) => <Amount minor={afterMinor} currency={currency} />,
    },
    {
      title: 'Moves',
      align: 'end',
      cell: ({ deltaMinor }) => (
        <>
          {deltaMinor > 0 && '+'}
          <Amount minor={deltaMinor} currency={currency} />
        </>
      ),
    },
  ]
}

function dealColumns(
  currency: string,
  names: ReadonlyMap<string, string>,
): Column<Previewed['mostMoved'][number]>[] {
  return [
    {
      title: 'Deal',
      isHeader: true,
      cell: ({ opportunityId }) => <DealLink id={opportunityId} name={names.get(opportunityId)} />,
    },
    {
      title: 'Amount',
      align: 'end',
      cell: ({ amountMinor }) => <Amount minor={amountMinor} currency={currency} />,
    },
    {
      title: 'Changes hands',
      align: 'end',
      cell: ({ movedMinor }) => <Amount minor={movedMinor} currency={currency} />,
    },
  ]
}
