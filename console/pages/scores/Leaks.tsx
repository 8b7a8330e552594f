import { formatField } from '#console/format.ts'
import { formatAuc, leakReasons } from '#console/pages/scores/score-words.ts'
import type { ModelReport } from '#console/pages/scores/scores.queries.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'

/** Columns that may know the outcome: with them a back-test looks better than the model will ever be. */
export function Leaks({ report }: { report: ModelReport }) {
  return (
    <Panel
      title="Leakage warnings"
      hint="What is a leak was left out of the training. What is suspected was not: look at how it is filled in."
      flush
    >
      <Table
        caption="Columns that may know the outcome"
        rows={report.leaks}
        columns={columns}
        rowKey={({ name, reason }) => `${name} ${reason}`}
        empty={
          <EmptyState title="No column knows the outcome">
            Each was looked at by itself, by when it was filled in and whether it was overwritten.
          </EmptyState>
        }
      />
    </Panel>
  )
}

const columns: Column<ModelReport['leaks'][number]>[] = [
  { title: 'Column', isHeader: true, cell: ({ name }) => formatField(name) },
  {
    title: 'Verdict',
    cell: ({ severity }) =>
      severity === 'leak' ? (
        <Badge tone="bad">Leak, left out</Badge>
      ) : (
        <Badge tone="warn">Suspect</Badge>
      ),
  },
  {
    title: 'Why',
    cell: ({ reason, detail }) => (
      <span className={text.wrapped}>
        {leakReasons[reason]}. {detail}
      </span>
    ),
  },
  {
    title: 'Alone',
    align: 'end',
    hint: 'Rank quality of the column alone',
    cell: ({ auc }) => formatAuc(auc),
  },
]
