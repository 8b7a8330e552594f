import { useInfiniteQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { OwnerName } from '#console/pages/conflicts/OwnerName.tsx'
import {
  mergesQuery,
  type MergeFilter,
  type MergeRow,
} from '#console/pages/people/people.queries.ts'
import { PersonLink } from '#console/pages/people/PersonName.tsx'
import { describeMoved, UnmergeButton } from '#console/pages/people/UnmergeButton.tsx'
import { Badge } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { PagedTable } from '#console/ui/PagedTable.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import type { Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'

/** Merges by hand, the latest first, with the way back. */
export function Merges({
  filter,
  title,
  hint,
  empty,
  actions,
}: {
  filter: MergeFilter
  title: string
  hint: string
  empty: string
  actions?: ReactNode
}) {
  const merges = useInfiniteQuery(mergesQuery(filter))
  return (
    <Panel title={title} hint={hint} actions={actions} flush>
      <PagedTable<MergeRow>
        query={merges}
        caption="Merges of people made by hand"
        what="merges"
        columns={columns}
        rowKey={({ id }) => id}
        empty={
          <EmptyState title="No merge">
            {empty} Pairs that may be one are under Identity, the surest first.
          </EmptyState>
        }
      />
    </Panel>
  )
}

const columns: Column<MergeRow>[] = [
  { title: 'Went in', isHeader: true, cell: ({ from }) => <PersonLink person={from} /> },
  { title: 'Stands for both', cell: ({ into }) => <PersonLink person={into} /> },
  {
    title: 'Came along',
    cell: ({ moved }) => <span className={text.wrapped}>{describeMoved(moved)}</span>,
  },
  {
    title: 'Merged',
    cell: ({ mergedAt, mergedBy }) => (
      <>
        <Moment at={mergedAt} />
        <br />
        <span className={text.soft}>
          <OwnerName owner={mergedBy} verb="by" />
        </span>
      </>
    ),
  },
  {
    title: 'State',
    cell: ({ undoneAt }) =>
      undoneAt === null ? (
        <Badge tone="good">Holds</Badge>
      ) : (
        <Badge tone="plain">
          Undone <Moment at={undoneAt} />
        </Badge>
      ),
  },
  {
    title: 'Way back',
    align: 'end',
    cell: (merge) => (merge.undoneAt === null ? <UnmergeButton merge={merge} /> : null),
  },
]
