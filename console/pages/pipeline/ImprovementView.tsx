import { Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { formatCount, formatCounted, formatDate, formatShare } from '#console/format.ts'
import { FigureRecords } from '#console/pages/pipeline/FigureRecords.tsx'
import {
  improvementQuery,
  type ImprovementFigures,
} from '#console/pages/pipeline/pipeline.queries.ts'
import type { PipelineSearch } from '#console/pages/pipeline/pipeline.search.ts'
import { QuarterFilter } from '#console/pages/pipeline/QuarterFilter.tsx'
import { daysOfBaseline, daysOfQuarter, type Baseline } from '#console/pages/pipeline/quarters.ts'
import { useSession } from '#console/session.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { FilterSelect } from '#console/ui/Filters.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'

/** The days of both quarters, by what the address says. */
export function spansOf({ quarter = 'this', against = 'quarter' }: PipelineSearch, zone: string) {
  const baseline = daysOfBaseline(quarter, against, zone)
  return { baselineFrom: baseline.from, baselineTo: baseline.to, ...daysOfQuarter(quarter, zone) }
}

/** Whether leads got better and deals quicker since an earlier quarter; each figure opens to its leads or deals. */
export function ImprovementView({
  search,
  onChange,
}: {
  search: PipelineSearch
  onChange: (fields: Partial<PipelineSearch>) => void
}) {
  const { timeZone } = useSession()
  const { quarter = 'this', against = 'quarter', of, span } = search
  const spans = spansOf(search, timeZone)
  const improvement = useQuery(improvementQuery(spans))
  return (
    <>
      <Panel
        title="Better leads, quicker deals"
        hint="A quarter beside an earlier one. A lead has 30 days to qualify, and younger ones are left out of both."
        flush
        actions={
          <>
            <QuarterFilter quarter={quarter} onChange={onChange} />
            <FilterSelect<Baseline>
              label="Against"
              value={against}
              options={[
                { value: 'quarter', label: 'The quarter before it' },
                { value: 'year', label: 'A year earlier' },
              ]}
              onChange={(value) => onChange({ against: value === 'quarter' ? undefined : value })}
            />
          </>
        }
      >
        {improvement.isError && <Problem error={improvement.error} />}
        {improvement.isPending && <Skeleton height={180} m={18} w="auto" />}
        {improvement.data && (
          <>
            <Table
              caption="What changed since the earlier quarter"
              rows={rowsOf(improvement.data)}
              columns={columnsOf(spans)}
              rowKey={(row) => row.of}
              empty={null}
            />
            <p className={`${text.text} ${text.pad}`}>{improvement.data.notes.join(' ')}</p>
          </>
        )}
      </Panel>
      {of !== undefined && span !== undefined && (
        <FigureRecords of={of} span={span} spans={spans} />
      )}
    </>
  )
}

type Of = NonNullable<PipelineSearch['of']>

interface Row {
  of: Of
  title: string
  definition: string
  baseline: ReactNode
  current: ReactNode
  change: ImprovementFigures['salesCycle']['change']
  isLessBetter: boolean
}

function rowsOf({ leadQuality, acceptance, salesCycle }: ImprovementFigures): Row[] {
  const ofRate = (of: Of, title: string, row: typeof leadQuality): Row => ({
    of,
    title,
    definition: row.definition,
    baseline: rate(row.baseline),
    current: rate(row.current),
    change: row.change,
    isLessBetter: false,
  })
  return [
    ofRate('quality', 'Lead quality', leadQuality),
    ofRate('acceptance', 'Taken by sales', acceptance),
    {
      of: 'cycle',
      title: 'Sales cycle',
      definition: salesCycle.definition,
      baseline: days(salesCycle.baseline),
      current: days(salesCycle.current),
      change: salesCycle.change,
      isLessBetter: true,
    },
  ]
}

const rate = ({
  rate: share,
  numerator,
  denominator,
}: ImprovementFigures['leadQuality']['baseline']) =>
  `${formatShare(share)}, ${formatCount(numerator)} of ${formatCount(denominator)}`

const days = ({ n, geometricMeanDays }: ImprovementFigures['salesCycle']['baseline']) =>
  geometricMeanDays === null
    ? '—, no deal'
    : `${formatCount(Math.round(geometricMeanDays))} days, ${formatCounted(n, 'deals')}`

function columnsOf(spans: ReturnType<typeof spansOf>): Column<Row>[] {
  const cell = (span: 'baseline' | 'current') => (row: Row) => (
    <Link
      to="."
      search={(search) => ({ ...search, of: row.of, span })}
      resetScroll={false}
      className="tl-link"
    >
      {row[span]}
      <span className="tl-hidden">, open its records</span>
    </Link>
  )
  return [
    {
      title: 'Figure',
      isHeader: true,
      cell: ({ title, definition }) => <span title={definition}>{title}</span>,
    },
    { title: `From ${formatDate(spans.baselineFrom)}`, align: 'end', cell: cell('baseline') },
    { title: `From ${formatDate(spans.from)}`, align: 'end', cell: cell('current') },
    {
      title: 'Change',
      align: 'end',
      hint: 'With its interval of 95 %',
      cell: ({ change: { change, low, high } }) =>
        change === null || low === null || high === null
          ? '—'
          : `${signed(change)} (${signed(low)} to ${signed(high)})`,
    },
    { title: 'Verdict', cell: ({ change, isLessBetter }) => verdict(change, isLessBetter) },
  ]
}

const signed = (share: number) =>
  `${share > 0 ? '+' : share < 0 ? '−' : ''}${formatShare(Math.abs(share))}`

function verdict({ change, isClear, isSmall }: Row['change'], isLessBetter: boolean) {
  if (change === null) return <Badge tone="plain">Nothing to compare</Badge>
  if (isSmall) return <Badge tone="plain">Few records</Badge>
  if (!isClear) return <Badge tone="plain">Could be chance</Badge>
  return change > 0 === isLessBetter ? (
    <Badge tone="warn">Worse</Badge>
  ) : (
    <Badge tone="good">Better</Badge>
  )
}
