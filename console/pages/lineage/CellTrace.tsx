import { Skeleton } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { formatCount, formatDate, formatMinute, formatWord } from '#console/format.ts'
import { describeRule } from '#console/lens.ts'
import { cellQuery, type CellRecordRow } from '#console/pages/lineage/lineage.queries.ts'
import type { CellSearch } from '#console/pages/lineage/lineage.search.ts'
import { shortId } from '#console/pages/sync/RecordName.tsx'
import { vendorLabel } from '#console/pages/sync/sync-words.ts'
import { useSession } from '#console/session.ts'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { MoreRows } from '#console/ui/MoreRows.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'
import classes from './Lineage.module.css'

type Field = CellRecordRow['fields'][number]

/** From a figure of a report back to the records that made it, and to what set each of their fields. */
export function CellTrace({ cell }: { cell: CellSearch }) {
  const { timeZone } = useSession()
  const answer = useInfiniteQuery(cellQuery(cell))
  if (answer.isError) return <Problem error={answer.error} />
  const first = answer.data?.pages[0]
  if (!answer.data || !first) return <Skeleton height={320} />
  const records = answer.data.pages.flatMap(({ data }) => data)
  const { campaign, total, from, to, currency } = first
  const period = from === null && to === null ? 'all time' : periodWords(from, to)
  return (
    <Panel
      title={
        cell.channel === undefined
          ? 'Figure of a campaign'
          : `Figure of ${formatWord(cell.channel)}`
      }
      hint={`${describeRule(first)}, closed ${period}, in ${currency}: ${formatCount(total.deals)} deals and ${formatCount(total.records - total.deals)} touches.`}
      flush
    >
      <Table
        caption="Records that made the figure"
        rows={campaign === null ? records : [campaign, ...records]}
        columns={columnsOf(timeZone)}
        rowKey={({ record, opportunityId }) => `${record} ${opportunityId ?? ''}`}
        empty={
          <EmptyState title="Nothing is in this figure">
            Under this model and window no won deal has credit in it.
          </EmptyState>
        }
      />
      <MoreRows
        count={records.length}
        what="records"
        hasNextPage={answer.hasNextPage}
        isFetchingNextPage={answer.isFetchingNextPage}
        fetchNextPage={answer.fetchNextPage}
      />
    </Panel>
  )
}

function periodWords(from: string | null, to: string | null): string {
  if (from === null) return `until ${formatDate(to ?? '')}`
  return to === null ? `from ${formatDate(from)}` : `${formatDate(from)} to ${formatDate(to)}`
}

const parts: Readonly<Record<CellRecordRow['part'], string>> = {
  amount: 'Deal',
  credited: 'Credited touch',
  beside: 'Touch beside it',
  cost: 'Cost',
}
const hints: Readonly<Record<CellRecordRow['part'], string>> = {
  amount: 'Its amount is credited',
  credited: 'Its credit is in the figure',
  beside: 'Of the same deal: the model divides the amount among them all',
  cost: 'The budget of the campaign',
}

function columnsOf(timeZone: string): Column<CellRecordRow>[] {
  return [
    {
      title: 'Part',
      isHeader: true,
      cell: ({ part }) => <span title={hints[part]}>{parts[part]}</span>,
    },
    {
      title: 'Record',
      cell: ({ record, fields }) => (
        <Link
          to="/lineage"
          search={{ record, field: fields[0]?.field }}
          className="tl-link"
          title={record}
          data-row-link
        >
          {shortId(record)}
        </Link>
      ),
    },
    {
      title: 'Where its fields came from',
      cell: ({ fields, source }) => (
        <ul className={classes.origins}>
          {byOrigin(fields).map((group) => (
            <li key={group.map(({ field }) => field).join(' ')}>
              <code>{group.map(({ field }) => field).join(', ')}</code>{' '}
              <Came origin={group[0]!.origin} source={source} timeZone={timeZone} />
            </li>
          ))}
        </ul>
      ),
    },
  ]
}

/** Fields that came alike stand together. */
function byOrigin(fields: readonly Field[]): Field[][] {
  return [
    ...Map.groupBy(fields, ({ origin }) =>
      origin === null
        ? ''
        : `${origin.at.toISOString()} ${origin.runId} ${origin.importId} ${origin.requestId}`,
    ).values(),
  ]
}

function Came({
  origin,
  source,
  timeZone,
}: {
  origin: Field['origin']
  source: string | null
  timeZone: string
}) {
  if (origin === null)
    return (
      <span className={text.soft}>
        {source === null ? 'not known: no history of it is kept' : `told by ${source}`}
      </span>
    )
  const { kind, at, runId, vendor, system, sourceRecord, importId, operation } = origin
  const when = (
    <time dateTime={at.toISOString()} className={text.soft}>
      {formatMinute(at, timeZone)}
    </time>
  )
  switch (kind) {
    case 'sync':
      return (
        <>
          from {vendor === null ? 'a connection that is gone' : vendorLabel(vendor)}
          {system !== null && ` (${system})`}, record <code>{sourceRecord ?? 'not known'}</code>,{' '}
          {runId === null ? (
            'by a person’s decision'
          ) : (
            <Link to="/sync/runs/$runId" params={{ runId }} className="tl-link">
              the run
            </Link>
          )}{' '}
          {when}
        </>
      )
    case 'import':
      return (
        <>
          from a file, import{' '}
          <Link to="/imports/$importId" params={{ importId: importId ?? '' }} className="tl-link">
            {shortId(importId ?? '')}
          </Link>{' '}
          {when}
        </>
      )
    case 'call':
      return (
        <>
          by <code>{operation}</code> {when}
        </>
      )
  }
}
