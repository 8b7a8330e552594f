import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { ProbabilityMeter } from '#console/pages/scores/ProbabilityMeter.tsx'
import { targets } from '#console/pages/scores/score-words.ts'
import {
  leadScoresQuery,
  type LeadTarget,
  type ScoreRow,
} from '#console/pages/scores/scores.queries.ts'
import type { ScoresSearch } from '#console/pages/scores/scores.search.ts'
import { shortId } from '#console/pages/sync/RecordName.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { FilterSelect } from '#console/ui/Filters.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { PagedTable } from '#console/ui/PagedTable.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import type { Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'

/** Leads by their chance, the highest first; each leads to its reasons. */
export function ScoredLeads({
  search,
  onChange,
}: {
  search: ScoresSearch
  onChange: (fields: Partial<ScoresSearch>) => void
}) {
  const target: LeadTarget = search.target === 'lead_won' ? 'lead_won' : 'lead_qualified'
  const scores = useInfiniteQuery(leadScoresQuery(target))
  return (
    <Panel
      title="Leads by probability"
      hint="By the model in use. Leads whose outcome has come are not in it."
      flush
      actions={
        <FilterSelect
          label="Outcome"
          value={target}
          options={[
            { value: 'lead_qualified', label: targets.lead_qualified },
            { value: 'lead_won', label: targets.lead_won },
          ]}
          onChange={(value) => onChange({ target: value === 'lead_qualified' ? undefined : value })}
        />
      }
    >
      <PagedTable<ScoreRow>
        query={scores}
        caption="Scored leads"
        what="leads"
        columns={columns}
        rowKey={({ id }) => id}
        empty={
          <EmptyState title="No lead is scored for this outcome">
            Put a model for it into use; leads are scored within minutes.
          </EmptyState>
        }
      />
    </Panel>
  )
}

const columns: Column<ScoreRow>[] = [
  {
    title: 'Lead',
    isHeader: true,
    cell: ({ id }) => (
      <Link to="/scores/leads/$leadId" params={{ leadId: id }} className={text.id} data-row-link>
        {shortId(id)}
      </Link>
    ),
  },
  { title: 'Probability', cell: (row) => <ProbabilityMeter {...row} /> },
  {
    title: 'Owner',
    cell: ({ ownerId }) => (
      <span className={text.id}>{ownerId === null ? 'nobody' : shortId(ownerId)}</span>
    ),
  },
  { title: 'Scored', align: 'end', cell: ({ scoredAt }) => <Moment at={scoredAt} /> },
]
