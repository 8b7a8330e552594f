import { formatField } from '#console/format.ts'
import type { ModelReport } from '#console/pages/scores/scores.queries.ts'
import { Meter } from '#console/ui/Meter.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'

/** What moves the model's answers, on average, and what it was not given. */
export function Importance({ report: { importance, leftOut } }: { report: ModelReport }) {
  const most = Math.max(1e-9, ...importance.map(({ meanAbsLogOdds }) => meanAbsLogOdds))
  return (
    <Panel
      title="What it goes by"
      hint="How far each column moves the log-odds of a case, on average. It says what the model uses, not what causes the outcome."
      flush
    >
      <Table
        caption="Columns by how far they move a score"
        rows={importance}
        columns={columnsOf(most)}
        rowKey={({ name }) => name}
        empty={null}
      />
      {leftOut.length > 0 && (
        <p className={`${text.soft} ${text.pad}`}>
          Left out:{' '}
          {leftOut
            .map(
              ({ name, why }) =>
                `${formatField(name)} (${why === 'leak' ? 'knows the outcome' : 'always the same'})`,
            )
            .join(', ')}
          .
        </p>
      )}
    </Panel>
  )
}

function columnsOf(most: number): Column<ModelReport['importance'][number]>[] {
  return [
    { title: 'Column', isHeader: true, cell: ({ name }) => formatField(name) },
    {
      title: 'Moves by',
      cell: ({ meanAbsLogOdds }) => (
        <Meter share={meanAbsLogOdds / most}>{meanAbsLogOdds.toFixed(2)}</Meter>
      ),
    },
  ]
}
