import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { Skeleton } from '@mantine/core'
import { formatCount } from '#console/format.ts'
import { OwnerName } from '#console/pages/conflicts/OwnerName.tsx'
import { describeField, nameOfSegment } from '#console/pages/plans/plan-words.ts'
import {
  diffQuery,
  versionsQuery,
  type Difference,
  type Version,
} from '#console/pages/plans/plans.queries.ts'
import { useSession } from '#console/session.ts'
import { Amount } from '#console/ui/Amount.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { FilterSelect } from '#console/ui/Filters.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { PagedTable } from '#console/ui/PagedTable.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'

const route = getRouteApi('/frame/reports/plans/$quarter')

/** What differs between two versions, and all versions that there are. */
export function VersionsView({ quarter, newest }: { quarter: string; newest: number }) {
  const session = useSession()
  const versions = useInfiniteQuery(versionsQuery(quarter))
  const currency = versions.data?.pages[0]?.data[0]?.currency ?? session.currency
  return (
    <>
      {newest > 1 && <DiffPanel quarter={quarter} newest={newest} currency={currency} />}
      <Panel title="All versions" hint="The newest first. None is ever changed." flush>
        <PagedTable<Version>
          query={versions}
          caption="Versions of the plan, the newest first"
          what="versions"
          columns={versionColumns}
          rowKey={({ version }) => String(version)}
          empty={null}
        />
      </Panel>
    </>
  )
}

function DiffPanel({
  quarter,
  newest,
  currency,
}: {
  quarter: string
  newest: number
  currency: string
}) {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const { from = String(newest - 1), to = String(newest) } = search
  const diff = useQuery(diffQuery(quarter, from, to))
  const numbers = Array.from({ length: Math.min(newest, MOST) }, (_, i) => String(newest - i))
  const change = (fields: { from?: string; to?: string }) =>
    void navigate({ search: { ...search, ...fields }, resetScroll: false })
  const optionsOf = (shown: string) =>
    [...new Set([...numbers, shown])].map((value) => ({ value, label: `Version ${value}` }))
  return (
    <Panel
      title="What differs"
      hint="In targets and in what they need; a segment that one of the two lacks is blank there."
      flush
      actions={
        <>
          <FilterSelect
            label="Before"
            value={from}
            options={optionsOf(from)}
            onChange={(value) => change({ from: value })}
          />
          <FilterSelect
            label="After"
            value={to}
            options={optionsOf(to)}
            onChange={(value) => change({ to: value })}
          />
        </>
      }
    >
      {diff.isError && <Problem error={diff.error} />}
      {diff.isPending && <Skeleton height={160} m={18} w="auto" />}
      {diff.data && (
        <Table<Difference>
          caption={`What differs between version ${from} and version ${to}`}
          rows={diff.data.changes}
          columns={diffColumns(currency)}
          rowKey={({ channel, field }) => `${channel} ${field}`}
          empty={
            <EmptyState title="Nothing differs">
              Both versions have the same targets and needs. Choose two others.
            </EmptyState>
          }
        />
      )}
    </Panel>
  )
}

/** More versions than these are reached by the address. */
const MOST = 50

function diffColumns(currency: string): Column<Difference>[] {
  const value = (field: string, of: number | null) => {
    if (of === null) return <span className={text.soft}>(blank)</span>
    return describeField(field).isMoney ? (
      <Amount minor={of} currency={currency} />
    ) : (
      formatCount(of)
    )
  }
  return [
    { title: 'Segment', isHeader: true, cell: ({ channel }) => nameOfSegment(channel) },
    { title: 'What', cell: ({ field }) => describeField(field).label },
    { title: 'Before', align: 'end', cell: ({ field, before }) => value(field, before) },
    { title: 'After', align: 'end', cell: ({ field, after }) => value(field, after) },
    {
      title: 'Change',
      align: 'end',
      cell: ({ field, before, after }) =>
        before === null || after === null ? (
          '—'
        ) : (
          <>
            {after > before && '+'}
            {value(field, after - before)}
          </>
        ),
    },
  ]
}

const versionColumns: Column<Version>[] = [
  {
    title: 'Version',
    isHeader: true,
    cell: ({ version }) => (
      <Link
        from="/reports/plans/$quarter"
        to="/reports/plans/$quarter"
        search={{ view: 'needs', version: String(version) }}
        data-row-link
      >
        Version {formatCount(version)}
      </Link>
    ),
  },
  {
    title: 'Target',
    align: 'end',
    cell: ({ total, currency }) => <Amount minor={total.targetMinor} currency={currency} />,
  },
  {
    title: 'Leads',
    align: 'end',
    cell: ({ total }) => (total.leads === null ? 'Not known' : formatCount(total.leads)),
  },
  {
    title: 'Spend',
    align: 'end',
    cell: ({ total, currency }) => (
      <Amount minor={total.spendMinor} currency={currency} none="Not known" />
    ),
  },
  {
    title: 'Made',
    cell: ({ createdAt, createdBy }) => (
      <>
        <Moment at={createdAt} />{' '}
        <span className={text.soft}>
          <OwnerName owner={createdBy} verb="by" />
        </span>
      </>
    ),
  },
]
