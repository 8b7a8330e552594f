import type { FrozenFigures } from '#reports/weekly.schema.ts'
import { formatCount, formatShare, formatWord } from '#console/format.ts'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'

type Steps = FrozenFigures['current']['conversion']['period']['total']
type Row = Steps & { key: string; label: string; isWhole: boolean }

/** From lead to won in the week: all channels, the week before, then each channel. */
export function Funnel({ figures }: { figures: FrozenFigures }) {
  const { current, previous, definitions } = figures
  const { total, channels } = current.conversion.period
  const before = previous?.conversion.period.total
  const rows: Row[] = [
    { ...total, key: 'all', label: 'All channels', isWhole: true },
    ...(before ? [{ ...before, key: 'before', label: 'All, the week before', isWhole: true }] : []),
    ...channels.map((steps) => ({
      ...steps,
      key: `channel ${steps.channel}`,
      label: formatWord(steps.channel),
      isWhole: false,
    })),
  ]
  const isEmpty = channels.length === 0 && !before?.leads
  return (
    <Panel title="From lead to won" hint={definitions['conversionPeriod']} flush>
      <Table
        caption="Steps from lead to won in the week"
        rows={isEmpty ? [] : rows}
        columns={columns}
        rowKey={({ key }) => key}
        empty={
          <EmptyState title="Nothing moved in this week">
            No lead was captured, none qualified, and no deal of a lead was opened or won.
          </EmptyState>
        }
      />
    </Panel>
  )
}

const columns: Column<Row>[] = [
  {
    title: 'Channel',
    isHeader: true,
    cell: ({ label, isWhole }) => (isWhole ? label : <span className={text.indent}>{label}</span>),
  },
  { title: 'Leads', align: 'end', cell: ({ leads }) => formatCount(leads) },
  { title: 'Qualified', align: 'end', cell: ({ mqls }) => formatCount(mqls) },
  { title: 'Opportunities', align: 'end', cell: ({ opportunities }) => formatCount(opportunities) },
  { title: 'Won', align: 'end', cell: ({ won }) => formatCount(won) },
  {
    title: 'Qualified ⁄ leads',
    align: 'end',
    hint: 'Of different leads, so it may be above 100 %',
    cell: ({ leadToMql }) => formatShare(leadToMql.rate),
  },
  {
    title: 'Won ⁄ opportunities',
    align: 'end',
    cell: ({ opportunityToWon }) => formatShare(opportunityToWon.rate),
  },
]
