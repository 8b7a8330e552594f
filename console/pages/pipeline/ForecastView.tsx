import { Skeleton } from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { formatCount, formatDay } from '#console/format.ts'
import { ProbabilityMeter } from '#console/pages/scores/ProbabilityMeter.tsx'
import {
  dealScoresQuery,
  forecastQuery,
  type Pipeline,
} from '#console/pages/pipeline/pipeline.queries.ts'
import type { PipelineSearch } from '#console/pages/pipeline/pipeline.search.ts'
import type { ScoreRow } from '#console/pages/scores/scores.queries.ts'
import { shortId } from '#console/pages/sync/RecordName.tsx'
import { useSession } from '#console/session.ts'
import { Amount } from '#console/ui/Amount.tsx'
import { Badge } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { FilterSelect } from '#console/ui/Filters.tsx'
import { LockedNote } from '#console/ui/LockedPane.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { PagedTable } from '#console/ui/PagedTable.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'

/** What the open pipeline is expected to bring, how earlier forecasts did, and the deals it is made of. */
export function ForecastView({
  search: { months = '3' },
  onChange,
}: {
  search: PipelineSearch
  onChange: (fields: Partial<PipelineSearch>) => void
}) {
  const { can } = useSession()
  const forecast = useQuery(forecastQuery(months))
  return (
    <>
      <Panel
        title="What the open pipeline brings"
        hint="Win probability and how long past won deals took. Each currency for itself."
        flush
        actions={
          <FilterSelect
            label="Ahead"
            value={months}
            options={[
              { value: '3', label: '3 months' },
              { value: '6', label: '6 months' },
              { value: '12', label: '12 months' },
            ]}
            onChange={(value) => onChange({ months: value === '3' ? undefined : value })}
          />
        }
      >
        {forecast.isError && <Problem error={forecast.error} />}
        {forecast.isPending && <Skeleton height={220} m={18} w="auto" />}
        {forecast.data && <Expected forecast={forecast.data} />}
      </Panel>
      {forecast.data && <Tests tests={forecast.data.tests} />}
      {can('opportunities:read') ? (
        <OpenDeals />
      ) : (
        <LockedNote what="The deals behind it" scope="opportunities:read" />
      )}
    </>
  )
}

function Expected({ forecast }: { forecast: Pipeline }) {
  const { timeZone } = useSession()
  const { method, openDeals, dealsWithoutAmount, note, modelId, asOf, cells } = forecast
  return (
    <>
      <p className={`${text.text} ${text.pad}`}>
        {method === 'learned' && modelId !== null ? (
          <>
            By the learned model in use (
            <Link to="/scores/$modelId" params={{ modelId }} className="tl-link">
              its back-test
            </Link>
            )
          </>
        ) : (
          'By the CRM’s own stage probabilities: no model is in use'
        )}
        , as of <Moment at={asOf} />. {formatCount(openDeals)} open deals
        {dealsWithoutAmount > 0 && `, ${formatCount(dealsWithoutAmount)} of them without an amount`}
        . {note}
      </p>
      <Table
        caption="Expected by month and currency"
        rows={cells}
        columns={cellColumns(timeZone)}
        rowKey={({ startsAt, currency }) => `${startsAt.toISOString()} ${currency}`}
        empty={<EmptyState title="Nothing to expect yet">{note}</EmptyState>}
      />
    </>
  )
}

function cellColumns(timeZone: string): Column<Pipeline['cells'][number]>[] {
  return [
    {
      title: 'Closes from',
      isHeader: true,
      cell: ({ startsAt, endsAt }) =>
        `${formatDay(startsAt, timeZone)} – ${formatDay(new Date(endsAt.getTime() - 1), timeZone)}`,
    },
    {
      title: 'Expected',
      align: 'end',
      cell: ({ expectedMinor, currency }) => <Amount minor={expectedMinor} currency={currency} />,
    },
    {
      title: 'Nine in ten',
      align: 'end',
      hint: 'Meant to hold what comes nine times of ten',
      cell: ({ lowMinor, highMinor, currency }) => (
        <>
          <Amount minor={lowMinor} currency={currency} /> –{' '}
          <Amount minor={highMinor} currency={currency} />
        </>
      ),
    },
    { title: 'Deals', align: 'end', cell: ({ deals }) => formatCount(deals) },
  ]
}

function Tests({ tests }: { tests: Pipeline['tests'] }) {
  if (tests.length === 0) return null
  return (
    <Panel
      title="What earlier forecasts would have said"
      hint="Made by the same method with what was known then, and what came."
      flush
    >
      <Table
        caption="Forecasts after the fact"
        rows={tests}
        columns={testColumns}
        rowKey={({ cutAt, currency }) => `${cutAt} ${currency}`}
        empty={null}
      />
    </Panel>
  )
}

const testColumns: Column<Pipeline['tests'][number]>[] = [
  { title: 'Made', isHeader: true, cell: ({ cutAt }) => cutAt.slice(0, 10) },
  { title: 'Days ahead', align: 'end', cell: ({ days }) => days },
  {
    title: 'Expected',
    align: 'end',
    cell: ({ expectedMinor, currency }) => <Amount minor={expectedMinor} currency={currency} />,
  },
  {
    title: 'Nine in ten',
    align: 'end',
    cell: ({ lowMinor, highMinor, currency }) => (
      <>
        <Amount minor={lowMinor} currency={currency} /> –{' '}
        <Amount minor={highMinor} currency={currency} />
      </>
    ),
  },
  {
    title: 'Came',
    align: 'end',
    cell: ({ actualMinor, currency }) => <Amount minor={actualMinor} currency={currency} />,
  },
  {
    title: 'Held',
    cell: ({ actualMinor, lowMinor, highMinor }) =>
      actualMinor >= lowMinor && actualMinor <= highMinor ? (
        <Badge tone="good">Within</Badge>
      ) : (
        <Badge tone="warn">Outside</Badge>
      ),
  },
]

function OpenDeals() {
  const deals = useInfiniteQuery(dealScoresQuery())
  return (
    <Panel title="Open deals by win probability" hint="The highest first." flush>
      <PagedTable<ScoreRow>
        query={deals}
        caption="Scored deals"
        what="deals"
        columns={dealColumns}
        rowKey={({ id }) => id}
        empty={
          <EmptyState title="No open deal is scored">
            Put a model for won deals into use; open deals are scored within minutes.
          </EmptyState>
        }
      />
    </Panel>
  )
}

const dealColumns: Column<ScoreRow>[] = [
  {
    title: 'Deal',
    isHeader: true,
    cell: ({ id }) => (
      <Link
        to="/scores/deals/$opportunityId"
        params={{ opportunityId: id }}
        className={text.id}
        data-row-link
      >
        {shortId(id)}
      </Link>
    ),
  },
  { title: 'Wins with', cell: (row) => <ProbabilityMeter {...row} /> },
  { title: 'Scored', align: 'end', cell: ({ scoredAt }) => <Moment at={scoredAt} /> },
]
