import { useInfiniteQuery } from '@tanstack/react-query'
import { PairLink } from '#console/pages/people/pair-columns.tsx'
import { conflictStates, identityKinds } from '#console/pages/people/people-words.ts'
import { conflictsQuery, type ConflictPair } from '#console/pages/people/people.queries.ts'
import type { DuplicatesSearch } from '#console/pages/people/people.search.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { FilterSelect } from '#console/ui/Filters.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { PagedTable } from '#console/ui/PagedTable.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import type { Column } from '#console/ui/Table.tsx'

const states = (Object.keys(conflictStates) as ConflictPair['state'][]).map((value) => ({
  value,
  label: conflictStates[value].label,
}))

/** Pairs of known people whose identifiers came together in one touch or form. */
export function IdentityConflicts({
  search: { conflicts = 'open' },
  onChange,
}: {
  search: DuplicatesSearch
  onChange: (fields: Partial<DuplicatesSearch>) => void
}) {
  const pairs = useInfiniteQuery(conflictsQuery(conflicts))
  return (
    <Panel
      title="Identifiers of two people came together"
      hint="Somebody signed in as one and gave the address of the other, or two people share a device. Nothing was merged: what was sent went to the one with the strongest identifier."
      actions={
        <FilterSelect
          label="State"
          value={conflicts}
          options={states}
          onChange={(value) => onChange({ conflicts: value === 'open' ? undefined : value })}
        />
      }
      flush
    >
      <PagedTable<ConflictPair>
        query={pairs}
        caption="Identity conflicts"
        what="conflicts"
        columns={columns}
        rowKey={({ id }) => id}
        empty={
          <EmptyState title="No identity conflict">
            {conflicts === 'open'
              ? 'Identifiers of two known people have not come together. There is nothing to decide.'
              : 'None was settled in this way. Show the open ones to decide.'}
          </EmptyState>
        }
      />
    </Panel>
  )
}

const columns: Column<ConflictPair>[] = [
  {
    title: 'Pair',
    isHeader: true,
    cell: ({ person, otherPerson }) => <PairLink person={person} otherPerson={otherPerson} />,
  },
  {
    title: 'Met by',
    cell: ({ kinds }) =>
      kinds
        .map((kind) => (kind in identityKinds ? identityKinds[kind as 'email'] : kind))
        .join(', '),
  },
  {
    title: 'State',
    cell: ({ state }) => (
      <Badge tone={conflictStates[state].tone}>{conflictStates[state].label}</Badge>
    ),
  },
  { title: 'Filed', align: 'end', cell: ({ createdAt }) => <Moment at={createdAt} /> },
]
