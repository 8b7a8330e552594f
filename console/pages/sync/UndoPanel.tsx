import { Button, Checkbox, Group } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { formatCount } from '#console/format.ts'
import { undoQuery, undoRun, type Undo } from '#console/pages/sync/sync.queries.ts'
import { useAction } from '#console/pages/sync/use-action.ts'
import { useSession } from '#console/session.ts'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import classes from './Sync.module.css'

/** What an undo of the run would put back, shown before anything is asked for. */
export function UndoPanel({ runId }: { runId: string }) {
  const { can } = useSession()
  const [isOpen, setIsOpen] = useState(false)
  const [removeCreated, setRemoveCreated] = useState(false)
  const preview = useQuery({ ...undoQuery(runId, removeCreated), enabled: isOpen })
  const plan = useAction(
    () => undoRun(runId, removeCreated),
    'The undo is being planned. It waits for its approval among the change plans of the sync page.',
  )
  if (!can('sync:write')) return null
  const { data } = preview
  const bins = data?.recycles.map(({ about }) => about) ?? []
  return (
    <Panel
      title="Undo"
      hint="A field goes back only while it is as the run left it: later edits win."
      flush={isOpen && data !== undefined}
      actions={
        <Group gap="xs">
          {!isOpen && (
            <Button size="xs" variant="default" onClick={() => setIsOpen(true)}>
              Undo this run…
            </Button>
          )}
          {isOpen && bins.length > 0 && (
            <Checkbox
              size="xs"
              label="Also delete records that it made there"
              description={[...new Set(bins)].join(' ')}
              checked={removeCreated}
              onChange={(event) => setRemoveCreated(event.currentTarget.checked)}
            />
          )}
          {isOpen && (data?.back.length ?? 0) > 0 && (
            <Button size="xs" loading={plan.isPending} onClick={() => plan.mutate()}>
              Plan the undo
            </Button>
          )}
        </Group>
      }
    >
      {preview.isError && <Problem error={preview.error} />}
      {!isOpen && <p className={classes.soft}>Nothing is written before its plan is approved.</p>}
      {data && (
        <>
          <Table
            caption="What goes back"
            rows={data.back}
            columns={backColumns}
            rowKey={({ stream, side, action }) => `${stream} ${side} ${action}`}
            empty={<EmptyState title="Nothing goes back" />}
          />
          {data.kept.length > 0 && (
            <Table
              caption="What stays, and why"
              rows={data.kept}
              columns={keptColumns}
              rowKey={({ stream, side, code, by }) => `${stream} ${side} ${code} ${by ?? ''}`}
              empty={null}
            />
          )}
        </>
      )}
    </Panel>
  )
}

const sides = { here: 'In the hub', there: 'In the connected system' } as const

const backColumns: Column<Undo['back'][number]>[] = [
  { title: 'Goes back', isHeader: true, cell: ({ side }) => sides[side] },
  { title: 'Stream', cell: ({ stream }) => stream },
  { title: 'How', cell: ({ action }) => (action === 'delete' ? 'Deleted' : 'Value of before') },
  { title: 'Records', align: 'end', cell: ({ records }) => formatCount(records) },
  { title: 'Fields', align: 'end', cell: ({ fields }) => formatCount(fields) },
]

const keptColumns: Column<Undo['kept'][number]>[] = [
  {
    title: 'Stays',
    isHeader: true,
    cell: ({ title }) => <span className={classes.wrapped}>{title}</span>,
  },
  {
    title: 'What to do',
    cell: ({ whatToDo }) => <span className={classes.wrapped}>{whatToDo}</span>,
  },
  { title: 'By', cell: ({ by }) => by ?? '—' },
  { title: 'Records', align: 'end', cell: ({ records }) => formatCount(records) },
]
