import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { formatCount, formatDate } from '#console/format.ts'
import { describeModel, windowLabel } from '#console/lens.ts'
import { recordCellsQuery, type RecordCellRow } from '#console/pages/lineage/lineage.queries.ts'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { PagedTable } from '#console/ui/PagedTable.tsx'
import type { Column } from '#console/ui/Table.tsx'

/** The figures of reports that stand on a field; each leads back to all that made it. */
export function Figures({ record, field }: { record: string; field: string }) {
  const cells = useInfiniteQuery(recordCellsQuery(record, field))
  return (
    <PagedTable<RecordCellRow>
      query={cells}
      caption="Figures that stand on the field"
      what="figures"
      columns={columns}
      rowKey={({ lineage }) => lineage}
      empty={
        <EmptyState title="No figure stands on it">
          Attribution asks for the amount, stage, close and people of won deals, for when and by
          what a touch came, and for the budget and days of a campaign.
        </EmptyState>
      }
    />
  )
}

const columns: Column<RecordCellRow>[] = [
  {
    title: 'Figure',
    isHeader: true,
    cell: ({ name, campaignId, channel, model, window, currency, from, to }) => (
      <Link
        to="/lineage"
        search={{
          ...(campaignId === null ? {} : { campaignId }),
          ...(channel === null ? {} : { channel }),
          model,
          window,
          currency,
          from,
          to,
        }}
        className="tl-link"
        data-row-link
      >
        {name}
      </Link>
    ),
  },
  { title: 'Of', cell: ({ channel }) => (channel === null ? 'Campaign' : 'Channel') },
  { title: 'Week', cell: ({ from }) => formatDate(from) },
  { title: 'Model', cell: ({ model }) => describeModel(model).label },
  { title: 'Window', cell: ({ window }) => windowLabel(window) },
  { title: 'Deals', align: 'end', cell: ({ deals }) => formatCount(deals) },
]
