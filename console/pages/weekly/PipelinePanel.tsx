import type { FrozenFigures } from '#reports/weekly.schema.ts'
import { formatCount, formatShare, formatWord } from '#console/format.ts'
import { Amount } from '#console/ui/Amount.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'

type Influence = FrozenFigures['pipeline']['channels'][number]
type Stage = FrozenFigures['current']['stages'][number]

/** What was open when the report was made, and how long deals stayed in their stages. */
export function PipelinePanel({ figures }: { figures: FrozenFigures }) {
  const { pipeline, current, currency, definitions } = figures
  return (
    <>
      <Panel
        title="Open pipeline by channel"
        hint={`${formatCount(pipeline.deals)} open deals; ${formatShare(pipeline.influencedShare)} of the amount was touched by campaigns. A deal that several channels touched stands in each of them.`}
        flush
      >
        <Table
          caption="Open deals that each channel touched"
          rows={pipeline.channels}
          columns={influenceColumns(currency)}
          rowKey={({ channel }) => channel}
          empty={<EmptyState title="No campaign touched an open deal" />}
        />
      </Panel>
      {current.stages.length > 0 && (
        <Panel title="Days in each stage" hint={definitions['stageDays']} flush>
          <Table
            caption="Stays in each stage"
            rows={current.stages}
            columns={stageColumns}
            rowKey={({ stageId }) => stageId}
            empty={null}
          />
        </Panel>
      )}
    </>
  )
}

function influenceColumns(currency: string): Column<Influence>[] {
  return [
    { title: 'Channel', isHeader: true, cell: ({ channel }) => formatWord(channel) },
    {
      title: 'Touched',
      align: 'end',
      hint: 'Open amount of the deals that the channel touched',
      cell: ({ influenced }) => <Amount minor={influenced.amountMinor} currency={currency} />,
    },
    {
      title: 'Deals touched',
      align: 'end',
      cell: ({ influenced }) => formatCount(influenced.deals),
    },
    {
      title: 'Sourced',
      align: 'end',
      hint: 'Of those, where its campaign was the very first touch, before the deal was opened',
      cell: ({ sourced }) => <Amount minor={sourced.amountMinor} currency={currency} />,
    },
    { title: 'Deals sourced', align: 'end', cell: ({ sourced }) => formatCount(sourced.deals) },
  ]
}

const days = (value: number | null) => (value === null ? '—' : value.toFixed(1))

const stageColumns: Column<Stage>[] = [
  { title: 'Stage', isHeader: true, cell: ({ label }) => label },
  { title: 'Stays', align: 'end', cell: ({ n }) => formatCount(n) },
  { title: 'Median', align: 'end', cell: ({ medianDays }) => days(medianDays) },
  { title: 'Mean', align: 'end', cell: ({ meanDays }) => days(meanDays) },
  { title: '90 % within', align: 'end', cell: ({ p90Days }) => days(p90Days) },
]
