import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { threatKinds as kindNames, type ThreatKind } from '#access/threats/threat.schema.ts'
import { formatCount, formatShare } from '#console/format.ts'
import {
  measuresQuery,
  threatFiguresQuery,
  threatsQuery,
  type MeasureRow,
  type ThreatRow,
} from '#console/pages/operations/operations.queries.ts'
import type { OperationsSearch } from '#console/pages/operations/operations.search.ts'
import { measureKinds, threatKinds, threatStates } from '#console/pages/operations/threat-words.ts'
import { ThreatDrawer } from '#console/pages/operations/ThreatDrawer.tsx'
import { shortId } from '#console/pages/sync/RecordName.tsx'
import { Badge } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { FilterSelect } from '#console/ui/Filters.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { PagedTable } from '#console/ui/PagedTable.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import { NotRead } from '#console/ui/ErrorPane.tsx'
import text from '#console/ui/Text.module.css'

/** Signs of attacks, what holds because of them, and how often they were none. */
export function ThreatsView({
  search: { state, kind, threat },
  onChange,
}: {
  search: OperationsSearch
  onChange: (fields: Partial<OperationsSearch>) => void
}) {
  const threats = useInfiniteQuery(threatsQuery({ state, kind }))
  return (
    <>
      <Measures />
      <Panel
        title="Signs of attacks"
        hint="The newest first. Each says what it was seen by and what was done at once."
        flush
        actions={
          <>
            <FilterSelect
              label="State"
              value={state ?? ''}
              options={[
                { value: '' as const, label: 'All' },
                { value: 'open' as const, label: 'Open' },
                { value: 'confirmed' as const, label: 'Was one' },
                { value: 'dismissed' as const, label: 'Was none' },
              ]}
              onChange={(value) => onChange({ state: value === '' ? undefined : value })}
            />
            <FilterSelect
              label="Kind"
              value={kind ?? ''}
              options={[
                { value: '' as const, label: 'All' },
                ...kindNames.map((value) => ({ value, label: threatKinds[value].label })),
              ]}
              onChange={(value) => onChange({ kind: value === '' ? undefined : value })}
            />
          </>
        }
      >
        <PagedTable<ThreatRow>
          query={threats}
          caption="Signs, the newest first"
          what="signs"
          columns={columns}
          rowKey={({ id }) => id}
          empty={
            <EmptyState title="No sign of an attack">
              Wrong passwords, unusual exports and keys from new places would stand here.
            </EmptyState>
          }
        />
      </Panel>
      <Record />
      <ThreatDrawer threatId={threat} onClose={() => onChange({ threat: undefined })} />
    </>
  )
}

function ThreatLink({ threatId, children }: { threatId: string; children: string }) {
  return (
    <Link
      from="/operations"
      to="/operations"
      search={(search) => ({ ...search, threat: threatId })}
      resetScroll={false}
      data-row-link
    >
      {children}
    </Link>
  )
}

const columns: Column<ThreatRow>[] = [
  {
    title: 'Sign',
    isHeader: true,
    cell: ({ id, kind }) => <ThreatLink threatId={id}>{threatKinds[kind].label}</ThreatLink>,
  },
  {
    title: 'State',
    cell: ({ state }) => <Badge tone={threatStates[state].tone}>{threatStates[state].label}</Badge>,
  },
  {
    title: 'Of',
    cell: ({ subjectKind, subject }) => (
      <>
        {subjectKind} <span className={text.id}>{shortId(subject)}</span>
      </>
    ),
  },
  { title: 'First seen', cell: ({ firstSeenAt }) => <Moment at={firstSeenAt} /> },
  { title: 'Last seen', cell: ({ lastSeenAt }) => <Moment at={lastSeenAt} /> },
]

/** What holds now; each ends by itself, and can be undone at its sign. */
function Measures() {
  const measures = useInfiniteQuery(measuresQuery())
  return (
    <Panel
      title="What is held back now"
      hint="Each measure ends by itself. It can be undone where its sign is."
      flush
    >
      <PagedTable<MeasureRow>
        query={measures}
        caption="Measures in force"
        what="measures"
        columns={measureColumns}
        rowKey={({ id }) => id}
        empty={<EmptyState title="Nothing is held back" />}
      />
    </Panel>
  )
}

const measureColumns: Column<MeasureRow>[] = [
  {
    title: 'Measure',
    isHeader: true,
    cell: ({ kind, threatId, perMinute }) => (
      <>
        <ThreatLink threatId={threatId}>{measureKinds[kind]}</ThreatLink>
        {perMinute !== null && ` to ${perMinute} a minute`}
      </>
    ),
  },
  {
    title: 'Of',
    cell: ({ subjectKind, subject }) => (
      <>
        {subjectKind} <span className={text.id}>{shortId(subject)}</span>
      </>
    ),
  },
  { title: 'Since', cell: ({ beginsAt }) => <Moment at={beginsAt} /> },
  { title: 'Ends', cell: ({ endsAt }) => <Moment at={endsAt} /> },
]

function Record() {
  const figures = useQuery(threatFiguresQuery)
  const rows = figures.data?.kinds ?? []
  if (figures.isError) return <NotRead what="How often signs were none" error={figures.error} />
  if (rows.length === 0) return null
  return (
    <Panel title="How often it was one, in 90 days" flush>
      <Table
        caption="Signs of attacks by kind, and how many were none"
        rows={rows}
        columns={recordColumns}
        rowKey={({ kind }) => kind}
        empty={null}
      />
    </Panel>
  )
}

interface RecordRow {
  kind: ThreatKind
  open: number
  confirmed: number
  dismissed: number
  falseShare: number | null
}

const recordColumns: Column<RecordRow>[] = [
  { title: 'Kind', isHeader: true, cell: ({ kind }) => threatKinds[kind].label },
  { title: 'Open', align: 'end', cell: ({ open }) => formatCount(open) },
  { title: 'Was one', align: 'end', cell: ({ confirmed }) => formatCount(confirmed) },
  { title: 'Was none', align: 'end', cell: ({ dismissed }) => formatCount(dismissed) },
  {
    title: 'False',
    align: 'end',
    hint: 'Dismissed among those decided',
    cell: ({ falseShare }) => formatShare(falseShare),
  },
]
