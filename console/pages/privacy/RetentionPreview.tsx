import { Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { formatCount } from '#console/format.ts'
import { previewQuery, type Preview } from '#console/pages/privacy/privacy.queries.ts'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'

/** What would go of a kind: how many, by month, and some of the oldest. */
export function RetentionPreview({ kind, days }: { kind: string; days: number }) {
  const preview = useQuery(previewQuery(kind, days))
  if (preview.isError) return <Problem error={preview.error} />
  if (!preview.data) return <Skeleton height={180} />
  const { count, held, before, months, samples } = preview.data
  return (
    <>
      <p className={text.text}>
        <strong>{formatCount(count)}</strong> would go
        {before !== null && (
          <>
            : what is older than <Moment at={before} />
          </>
        )}
        . {held > 0 && `${formatCount(held)} more are due and kept by a legal hold.`}
      </p>
      <Table
        caption="What would go, by month"
        rows={months}
        columns={columns}
        rowKey={({ month }) => month}
        empty={<EmptyState title="Nothing would go">No record of this kind is so old.</EmptyState>}
      />
      {samples.length > 0 && (
        <p className={text.soft}>
          Some of the oldest: <span className={text.id}>{samples.join(', ')}</span>
        </p>
      )}
    </>
  )
}

const columns: Column<Preview['months'][number]>[] = [
  { title: 'Month', isHeader: true, cell: ({ month }) => month.slice(0, 7) },
  { title: 'Would go', align: 'end', cell: ({ count }) => formatCount(count) },
  { title: 'Held', align: 'end', cell: ({ held }) => formatCount(held) },
]
