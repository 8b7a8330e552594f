import { Button, Skeleton } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { AssignDialog } from '#console/pages/conflicts/AssignDialog.tsx'
import { BulkDialog } from '#console/pages/conflicts/BulkDialog.tsx'
import { ConflictCard } from '#console/pages/conflicts/ConflictCard.tsx'
import { conflictsQuery, type ConflictFilter } from '#console/pages/conflicts/conflicts.queries.ts'
import { useSession } from '#console/session.ts'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { useShortcuts } from '#console/ui/keyboard.ts'
import { MoreRows } from '#console/ui/MoreRows.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { SelectionBar } from '#console/ui/SelectionBar.tsx'
import classes from './Conflicts.module.css'

const clickIn = (selector: string) => () =>
  document.activeElement?.closest('[data-conflict]')?.querySelector<HTMLElement>(selector)?.click()

/** The conflicts under the filters of the address; several are decided or handed over at once. */
export function ConflictList({
  filter,
  nameOf,
}: {
  filter: ConflictFilter
  nameOf: (connectionId: string) => string
}) {
  const { can } = useSession()
  const conflicts = useInfiniteQuery(conflictsQuery(filter))
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  useShortcuts([
    { keys: 'x', label: 'Select the focused conflict', run: clickIn('[data-select]') },
    { keys: 'e', label: 'Assign the focused conflict', run: clickIn('[data-assign]') },
  ])
  if (conflicts.isError) return <Problem error={conflicts.error} />
  if (!conflicts.data) return <Skeleton height={320} />
  const rows = conflicts.data.pages.flatMap(({ data }) => data)
  const selected = rows.filter(({ id }) => chosen.has(id))
  const choose = (id: string, isChosen: boolean) => {
    const next = new Set(chosen)
    if (isChosen) next.add(id)
    else next.delete(id)
    setChosen(next)
  }
  const mayDecide = can('conflicts:write') && filter.state === 'open'
  return (
    <Panel
      title={filter.state === 'open' ? 'Waiting for a decision' : 'Decided'}
      hint="The oldest come first. j and k go through them, x selects, e assigns."
      flush
      actions={
        mayDecide &&
        rows.length > 0 && (
          <Button
            size="xs"
            variant="subtle"
            onClick={() =>
              setChosen(
                selected.length === rows.length ? new Set() : new Set(rows.map(({ id }) => id)),
              )
            }
          >
            {selected.length === rows.length ? 'Select none' : `Select all ${rows.length} shown`}
          </Button>
        )
      }
    >
      {rows.length === 0 ? (
        <EmptyState title="No conflict matches">
          {filter.state === 'open'
            ? 'Where both sides change a field whose rule is “ask”, both values wait here. Remove a filter to see others.'
            : 'What is decided stands here, and can be taken back.'}
        </EmptyState>
      ) : (
        <ul className={classes.list}>
          {rows.map((row) => (
            <ConflictCard
              key={row.id}
              conflict={row}
              system={nameOf(row.connectionId)}
              isChosen={chosen.has(row.id)}
              onChoose={mayDecide ? (isChosen) => choose(row.id, isChosen) : null}
            />
          ))}
        </ul>
      )}
      <MoreRows
        count={rows.length}
        what="conflicts"
        hasNextPage={conflicts.hasNextPage}
        isFetchingNextPage={conflicts.isFetchingNextPage}
        fetchNextPage={conflicts.fetchNextPage}
      />
      {selected.length > 0 && (
        <Chosen ids={selected.map(({ id }) => id)} onDone={() => setChosen(new Set())} />
      )}
    </Panel>
  )
}

/** What can be done with all that are selected; stays in sight. */
function Chosen({ ids, onDone }: { ids: readonly string[]; onDone: () => void }) {
  const [isAssigning, assigning] = useDisclosure()
  const [choice, setChoice] = useState<'hub' | 'crm' | null>(null)
  return (
    <SelectionBar label="Selected conflicts" count={ids.length} onClear={onDone}>
      <Button size="xs" onClick={() => setChoice('hub')}>
        Keep the hub’s…
      </Button>
      <Button size="xs" onClick={() => setChoice('crm')}>
        Take the CRM’s…
      </Button>
      <Button size="xs" variant="default" onClick={assigning.open}>
        Assign…
      </Button>
      <AssignDialog opened={isAssigning} onClose={assigning.close} ids={ids} onDone={onDone} />
      <BulkDialog choice={choice} onClose={() => setChoice(null)} ids={ids} onDone={onDone} />
    </SelectionBar>
  )
}
