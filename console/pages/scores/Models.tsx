import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { ModelStatus, Target } from '#domains/scoring/model.schema.ts'
import { formatCount, formatShare } from '#console/format.ts'
import { formatAuc, formatLift, statuses, targets } from '#console/pages/scores/score-words.ts'
import { modelsQuery, type ModelRow } from '#console/pages/scores/scores.queries.ts'
import type { ScoresSearch } from '#console/pages/scores/scores.search.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { FilterSelect } from '#console/ui/Filters.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { PagedTable } from '#console/ui/PagedTable.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import type { Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'

const targetOptions = Object.entries(targets) as [Target, string][]
const statusOptions = Object.entries(statuses) as [ModelStatus, { label: string }][]

/** Trained models, the newest first, with how they did on what they had not seen. */
export function Models({
  search: { target, status },
  onChange,
}: {
  search: ScoresSearch
  onChange: (fields: Partial<ScoresSearch>) => void
}) {
  const models = useInfiniteQuery(modelsQuery({ target, status }))
  return (
    <Panel
      title="Models"
      hint="Each was fitted on earlier cases and judged on later ones; nothing in the test saw the future."
      flush
      actions={
        <>
          <FilterSelect
            label="Outcome"
            value={target ?? ''}
            options={[
              { value: '' as const, label: 'All' },
              ...targetOptions.map(([value, label]) => ({ value, label })),
            ]}
            onChange={(value) => onChange({ target: value === '' ? undefined : value })}
          />
          <FilterSelect
            label="State"
            value={status ?? ''}
            options={[
              { value: '' as const, label: 'All' },
              ...statusOptions.map(([value, { label }]) => ({ value, label })),
            ]}
            onChange={(value) => onChange({ status: value === '' ? undefined : value })}
          />
        </>
      }
    >
      <PagedTable<ModelRow>
        query={models}
        caption="Trained models"
        what="models"
        columns={columns}
        rowKey={({ id }) => id}
        empty={
          <EmptyState title="No model was trained yet">
            Train one on the outcomes of this workspace. With too few of them it is refused, and
            says what is missing.
          </EmptyState>
        }
      />
    </Panel>
  )
}

const columns: Column<ModelRow>[] = [
  {
    title: 'Outcome',
    isHeader: true,
    cell: ({ id, target, horizonDays }) => (
      <Link to="/scores/$modelId" params={{ modelId: id }} data-row-link>
        {targets[target]}
        {horizonDays !== null && ` within ${horizonDays} days`}
      </Link>
    ),
  },
  {
    title: 'State',
    cell: ({ status, refusal }) => (
      <>
        <Badge tone={statuses[status].tone}>{statuses[status].label}</Badge>{' '}
        {refusal !== null && <span className={text.wrapped}>{refusal}</span>}
      </>
    ),
  },
  {
    title: 'Trained',
    cell: ({ trainedAt, requestedAt }) => <Moment at={trainedAt ?? requestedAt} />,
  },
  { title: 'Cases', align: 'end', cell: ({ rows }) => (rows === null ? '—' : formatCount(rows)) },
  {
    title: 'Rank quality',
    align: 'end',
    hint: 'AUC of the back-test: the chance that a case that came to the outcome is above one that did not; 0.5 is no better than chance',
    cell: ({ auc }) => formatAuc(auc),
  },
  {
    title: 'Top tenth',
    align: 'end',
    hint: 'Rate among the highest tenth over the rate of all',
    cell: ({ topDecileLift }) => formatLift(topDecileLift),
  },
  {
    title: 'Off by',
    align: 'end',
    hint: 'Mean distance of predicted and observed, by ten bins',
    cell: ({ calibrationError }) => formatShare(calibrationError),
  },
]
