import { Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { MINUTE_MS } from '#core/time.ts'
import { formatDuration, formatShare } from '#console/format.ts'
import { scorecardQuery, type Kpi } from '#console/pages/operations/operations.queries.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'

/** Every figure that the hub is held to, with what it means, what is wanted, and whether it is met. */
export function ScorecardView() {
  const scorecard = useQuery(scorecardQuery)
  if (scorecard.isError) return <Problem error={scorecard.error} />
  if (!scorecard.data) return <Skeleton height={420} />
  return (
    <Panel
      title="Scorecard"
      hint={
        <>
          As measured <Moment at={scorecard.data.asOf} />. A figure without a value says why.
        </>
      }
      flush
    >
      <Table
        caption="Figures that the hub is held to"
        rows={scorecard.data.data}
        columns={columns}
        rowKey={({ id }) => id}
        empty={null}
      />
    </Panel>
  )
}

const columns: Column<Kpi>[] = [
  {
    title: 'Figure',
    isHeader: true,
    cell: ({ name, definition, window }) => (
      <>
        {name} <span className={text.soft}>({window})</span>
        <br />
        <span className={`${text.soft} ${text.wrapped}`}>{definition}</span>
      </>
    ),
  },
  {
    title: 'Value',
    align: 'end',
    cell: ({ value, unit }) => (value === null ? '—' : format(value, unit)),
  },
  { title: 'Now', cell: (kpi) => <Goal kpi={kpi} level="now" /> },
  { title: 'Later', cell: (kpi) => <Goal kpi={kpi} level="later" /> },
  { title: 'Note', cell: ({ note }) => <span className={text.wrapped}>{note ?? ''}</span> },
]

function Goal({ kpi: { targets, unit }, level }: { kpi: Kpi; level: 'now' | 'later' }) {
  const target = targets.find((one) => one.level === level)
  if (!target) return <span className={text.soft}>no target</span>
  const words = `${target.comparison === 'at_most' ? 'at most' : 'at least'} ${format(target.value, unit)}`
  if (target.met === null) return <Badge tone="plain">{words}</Badge>
  return (
    <Badge tone={target.met ? 'good' : 'bad'}>
      {target.met ? 'Met' : 'Missed'}: {words}
    </Badge>
  )
}

function format(value: number, unit: Kpi['unit']): string {
  switch (unit) {
    case 'share':
      return formatShare(value)
    case 'milliseconds':
      return value < 1000 ? `${Math.round(value)} ms` : `${(value / 1000).toFixed(1)} s`
    case 'minutes':
      return formatDuration(value * MINUTE_MS)
  }
}
