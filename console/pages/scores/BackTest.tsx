import { formatCount, formatDate, formatShare } from '#console/format.ts'
import { CalibrationChart } from '#console/pages/scores/CalibrationChart.tsx'
import type { ModelReport } from '#console/pages/scores/scores.queries.ts'
import { Meter } from '#console/ui/Meter.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'

interface LiftRow {
  tenth: number
  rows: number
  observed: number
  /** Null where there is no rule score to compare with. */
  rules: number | null
}

/** How the model did on cases after the cut: who came to the outcome by tenth, and whether what it says is so. */
export function BackTest({ report: { backTest } }: { report: ModelReport }) {
  const { cutAt, trainRows, quality, lift, calibration, rules } = backTest
  const rateOf = (bin: { rows: number; positives: number } | undefined) =>
    bin && bin.rows > 0 ? bin.positives / bin.rows : null
  const all = quality.rows === 0 ? 0 : quality.positives / quality.rows
  const rows = lift.map((bin, i) => ({
    tenth: i + 1,
    rows: bin.rows,
    observed: rateOf(bin) ?? 0,
    rules: rateOf(rules?.lift[i]),
  }))
  const top = Math.max(1e-9, ...rows.flatMap(({ observed, rules }) => [observed, rules ?? 0]))
  const hint = `Fitted on ${formatCount(trainRows)} cases before ${formatDate(cutAt.slice(0, 10))}, judged on ${formatCount(quality.rows)} after it, of which ${formatShare(all)} came to the outcome.`
  return (
    <>
      <Panel title="Lift: who came to the outcome, by tenth" hint={hint} flush>
        <Table
          caption="Rate of the outcome by tenth, the highest scores first"
          rows={rows}
          columns={liftColumns(top, all)}
          rowKey={({ tenth }) => String(tenth)}
          empty={null}
        />
      </Panel>
      <Panel
        title="Calibration: is it so when it says so"
        hint="Each bin of the predicted probability and what was observed in it. On the diagonal, what it says is so."
      >
        <CalibrationChart bins={calibration} />
        <Table
          caption="Predicted and observed by bin"
          rows={calibration.filter((bin) => bin.rows > 0)}
          columns={calibrationColumns}
          rowKey={({ predicted, rows: count }) => `${predicted} ${count}`}
          empty={null}
        />
      </Panel>
    </>
  )
}

function liftColumns(top: number, all: number): Column<LiftRow>[] {
  return [
    {
      title: 'Tenth',
      isHeader: true,
      cell: ({ tenth }) =>
        tenth === 1 ? 'Highest tenth' : tenth === 10 ? 'Lowest tenth' : `Tenth no. ${tenth}`,
    },
    { title: 'Cases', align: 'end', cell: ({ rows }) => formatCount(rows) },
    {
      title: 'Model',
      hint: 'The line is the rate of all cases',
      cell: ({ observed }) => (
        <Meter share={observed / top} mark={Math.min(1, all / top)}>
          {formatShare(observed)}
        </Meter>
      ),
    },
    {
      title: 'Rule score',
      hint: 'The same cases sorted by the rule score, as of their moments',
      cell: ({ rules }) =>
        rules === null ? (
          <span className={text.soft}>—</span>
        ) : (
          <Meter share={rules / top} mark={Math.min(1, all / top)} tone="soft">
            {formatShare(rules)}
          </Meter>
        ),
    },
  ]
}

const calibrationColumns: Column<ModelReport['backTest']['calibration'][number]>[] = [
  {
    title: 'Predicted',
    isHeader: true,
    cell: ({ predicted }) => formatShare(predicted),
  },
  {
    title: 'Observed',
    cell: ({ rows, positives }) => (
      <Meter share={positives / rows}>{formatShare(positives / rows)}</Meter>
    ),
  },
  { title: 'Cases', align: 'end', cell: ({ rows }) => formatCount(rows) },
]
