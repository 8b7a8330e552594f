import { Skeleton } from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { formatCount, formatCounted, formatDate, formatDay, formatShare } from '#console/format.ts'
import {
  slippageDealsQuery,
  slippageQuery,
  type SlippageDeal,
  type SlippageFigures,
} from '#console/pages/pipeline/pipeline.queries.ts'
import type { PipelineSearch } from '#console/pages/pipeline/pipeline.search.ts'
import { dealColumn } from '#console/pages/pipeline/deal-column.tsx'
import { QuarterFilter } from '#console/pages/pipeline/QuarterFilter.tsx'
import { daysOfQuarter } from '#console/pages/pipeline/quarters.ts'
import { useSession } from '#console/session.ts'
import { Amount } from '#console/ui/Amount.tsx'
import { Badge, type Tone } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { Figure, Figures } from '#console/ui/Figures.tsx'
import { FilterSelect } from '#console/ui/Filters.tsx'
import { PagedTable } from '#console/ui/PagedTable.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import type { Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'

type Outcome = NonNullable<PipelineSearch['outcome']>

/** What was expected to close in a quarter, how much of it slipped, and the deals of either. */
export function SlippageView({
  search: { quarter = 'this', outcome },
  onChange,
}: {
  search: PipelineSearch
  onChange: (fields: Partial<PipelineSearch>) => void
}) {
  const { timeZone } = useSession()
  const period = daysOfQuarter(quarter, timeZone)
  const slippage = useQuery(slippageQuery(period))
  return (
    <Panel
      title="What slipped"
      hint="Deals that were expected to close in the quarter when it began, and what became of each."
      flush
      actions={
        <>
          <QuarterFilter quarter={quarter} onChange={onChange} />
          <FilterSelect<Outcome | 'all'>
            label="Outcome"
            value={outcome ?? 'all'}
            options={[
              { value: 'all', label: 'All' },
              { value: 'slipped', label: 'Slipped' },
              { value: 'won', label: 'Won' },
              { value: 'lost', label: 'Lost' },
              { value: 'pending', label: 'Still expected' },
            ]}
            onChange={(value) => onChange({ outcome: value === 'all' ? undefined : value })}
          />
        </>
      }
    >
      {slippage.isError && <Problem error={slippage.error} />}
      {slippage.isPending && <Skeleton height={120} m={18} w="auto" />}
      {slippage.data && <Sums slippage={slippage.data} />}
      <Deals period={period} outcome={outcome} />
    </Panel>
  )
}

function Sums({ slippage }: { slippage: SlippageFigures }) {
  const { timeZone } = useSession()
  const { definition, currency, expected, won, lost, slipped, pending, slipRate, pushes } = slippage
  const figure = (label: string, { deals, amountMinor }: typeof expected) => (
    <Figure label={label} more={formatCounted(deals, 'deals')}>
      <Amount minor={amountMinor} currency={currency} />
    </Figure>
  )
  return (
    <>
      <Figures>
        {figure('Expected', expected)}
        {figure('Won', won)}
        {figure('Lost', lost)}
        {figure('Slipped', slipped)}
        {pending.deals > 0 && figure('Still expected', pending)}
        <Figure
          label="Slip rate"
          definition={definition}
          more={
            slipRate.low === null || slipRate.high === null
              ? 'No outcome yet'
              : `${formatShare(slipRate.low)} – ${formatShare(slipRate.high)}${slipRate.isSmall ? ', few deals' : ''}`
          }
        >
          {formatShare(slipRate.rate)}
        </Figure>
      </Figures>
      <p className={`${text.text} ${text.pad}`}>
        {definition}
        {pushes.later > 0 &&
          ` Within the quarter ${formatCount(pushes.later)} ${pushes.later === 1 ? 'expected day was' : 'expected days were'} pushed later, by ${formatCount(pushes.medianDaysLater ?? 0)} days at the median.`}
        {slippage.knownSince === null
          ? ' No CRM has told an expected day yet.'
          : ` Expected days are kept since ${formatDay(slippage.knownSince, timeZone)}.`}
        {slippage.withoutDay.deals > 0 &&
          ` ${formatCount(slippage.withoutDay.deals)} open deals had no day that was known when the quarter began.`}
      </p>
    </>
  )
}

const tones: Record<Outcome, { tone: Tone; word: string }> = {
  won: { tone: 'good', word: 'Won' },
  lost: { tone: 'plain', word: 'Lost' },
  slipped: { tone: 'warn', word: 'Slipped' },
  pending: { tone: 'info', word: 'Still expected' },
}

function Deals({
  period,
  outcome,
}: {
  period: { from: string; to: string }
  outcome: Outcome | undefined
}) {
  const deals = useInfiniteQuery(slippageDealsQuery({ ...period, outcome }))
  return (
    <PagedTable<SlippageDeal>
      query={deals}
      caption="Deals expected in the quarter"
      what="deals"
      columns={columns}
      rowKey={({ opportunityId }) => opportunityId}
      empty={
        <EmptyState title="No deal here was expected in the quarter">
          Expected days come from the CRM, with the field “Expected close date”. What was expected
          before the CRM was connected is not known here.
        </EmptyState>
      }
    />
  )
}

const columns: Column<SlippageDeal>[] = [
  dealColumn,
  {
    title: 'Outcome',
    cell: ({ outcome }) => <Badge tone={tones[outcome].tone}>{tones[outcome].word}</Badge>,
  },
  {
    title: 'Amount',
    align: 'end',
    cell: ({ amountMinor, currency }) =>
      amountMinor === null ? '–' : <Amount minor={amountMinor} currency={currency} />,
  },
  { title: 'Expected on', align: 'end', cell: ({ expectedOn }) => formatDate(expectedOn) },
  {
    title: 'Then on',
    align: 'end',
    hint: 'As it was known at the end of the quarter, or now while it lasts',
    cell: ({ closesOn }) => (closesOn === null ? 'No day' : formatDate(closesOn)),
  },
  { title: 'Pushes', align: 'end', cell: ({ pushes }) => formatCount(pushes) },
]
