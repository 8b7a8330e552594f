import { Button, Checkbox } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { MOST_PAIRS } from '#people/merge.schema.ts'
import { formatCount } from '#console/format.ts'
import { DismissDialog } from '#console/pages/people/DismissDialog.tsx'
import { MergeManyDialog } from '#console/pages/people/MergeManyDialog.tsx'
import { pairColumns } from '#console/pages/people/pair-columns.tsx'
import { pairsQuery, type Pair } from '#console/pages/people/people.queries.ts'
import type { DuplicatesSearch } from '#console/pages/people/people.search.ts'
import { nameOf } from '#console/pages/people/PersonName.tsx'
import { useSession } from '#console/session.ts'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { FilterSelect } from '#console/ui/Filters.tsx'
import { useShortcuts } from '#console/ui/keyboard.ts'
import { PagedTable } from '#console/ui/PagedTable.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { SelectionBar } from '#console/ui/SelectionBar.tsx'
import type { Column } from '#console/ui/Table.tsx'
import classes from './People.module.css'

const confidences = [
  { value: '', label: 'Any' },
  { value: '0.5', label: 'From 0.5' },
  { value: '0.7', label: 'From 0.7' },
  { value: '0.9', label: 'From 0.9' },
] as const

const clickIn = (selector: string) => () =>
  document.activeElement?.closest('tr')?.querySelector<HTMLElement>(selector)?.click()

/** Pairs, the surest first; several are merged or dismissed at once, in sight of what differs. */
export function PairList({
  status,
  least,
  onChange,
}: {
  status: 'open' | 'dismissed'
  least: DuplicatesSearch['least']
  onChange: (fields: Partial<DuplicatesSearch>) => void
}) {
  const { can } = useSession()
  const pairs = useInfiniteQuery(pairsQuery({ status, minConfidence: least }))
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const [dismissing, setDismissing] = useState<readonly string[]>([])
  const [merging, setMerging] = useState<readonly string[]>([])
  const mayWrite = can('people:write') && status === 'open'
  const rows = pairs.data?.pages.flatMap(({ data }) => data) ?? []
  const selected = rows.filter(({ id }) => chosen.has(id)).map(({ id }) => id)
  useShortcuts([
    { keys: 'x', label: 'Select the focused pair', run: clickIn('[data-select]') },
    {
      keys: 'd',
      label: 'Say that the focused pair is not the same',
      run: clickIn('[data-dismiss]'),
    },
    {
      keys: 'm',
      label: 'Merge the selected pairs',
      run: () => {
        if (mayWrite && selected.length <= MOST_PAIRS) setMerging(selected)
      },
    },
  ])
  const choose = (id: string, isChosen: boolean) => {
    const next = new Set(chosen)
    if (isChosen) next.add(id)
    else next.delete(id)
    setChosen(next)
  }
  const columns = mayWrite
    ? [selectColumn(chosen, choose), ...pairColumns(status, (id) => setDismissing([id]))]
    : pairColumns(status, null)
  return (
    <Panel
      title={status === 'open' ? 'Possibly one' : 'Kept apart'}
      hint={
        status === 'open'
          ? 'The surest first; the confidence sorts, it is no measured probability. j and k go through them, Enter compares, x selects, d dismisses, m merges what is selected.'
          : 'Pairs of which somebody said that they are two people. They are never offered again.'
      }
      actions={
        <FilterSelect
          label="Confidence"
          value={least ?? ''}
          options={confidences}
          onChange={(value) => onChange({ least: value === '' ? undefined : value })}
        />
      }
      flush
    >
      <PagedTable<Pair>
        query={pairs}
        caption={status === 'open' ? 'Pairs that may be one person' : 'Pairs that are two people'}
        what="pairs"
        columns={columns}
        rowKey={({ id }) => id}
        empty={<NoPairs status={status} isFiltered={least !== undefined} />}
      />
      {selected.length > 0 && (
        <SelectionBar
          label="Selected pairs"
          count={selected.length}
          onClear={() => setChosen(new Set())}
        >
          <Button
            size="xs"
            disabled={selected.length > MOST_PAIRS}
            title={selected.length > MOST_PAIRS ? `At most ${MOST_PAIRS} at once.` : undefined}
            onClick={() => setMerging(selected)}
          >
            Merge ({formatCount(selected.length)})…
          </Button>
          <Button size="xs" variant="default" onClick={() => setDismissing(selected)}>
            Not the same…
          </Button>
        </SelectionBar>
      )}
      <MergeManyDialog
        ids={merging}
        onClose={() => setMerging([])}
        onDone={() => setChosen(new Set())}
      />
      <DismissDialog
        ids={dismissing}
        onClose={() => setDismissing([])}
        onDone={() => setChosen(new Set())}
      />
    </Panel>
  )
}

function selectColumn(
  chosen: ReadonlySet<string>,
  choose: (id: string, isChosen: boolean) => void,
): Column<Pair> {
  return {
    title: 'Select',
    cell: ({ id, person, otherPerson }) => (
      <Checkbox
        size="xs"
        className={classes.above ?? ''}
        aria-label={`Select ${nameOf(person)} and ${nameOf(otherPerson)}`}
        checked={chosen.has(id)}
        onChange={(event) => choose(id, event.currentTarget.checked)}
        data-select
      />
    ),
  }
}

function NoPairs({ status, isFiltered }: { status: string; isFiltered: boolean }) {
  if (isFiltered)
    return <EmptyState title="No pair is that sure">Lower the confidence to see others.</EmptyState>
  if (status === 'dismissed')
    return (
      <EmptyState title="No pair was kept apart">
        Whoever dismisses a pair finds it here, with the reason.
      </EmptyState>
    )
  return (
    <EmptyState title="No duplicates">
      People who are new or changed are compared within minutes. There is nothing to do here until a
      pair comes up.
    </EmptyState>
  )
}
