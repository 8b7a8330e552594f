import { Button } from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import type { Mute } from '#alerts/alert.schema.ts'
import { endMute, mutesQuery, watchesQuery } from '#console/pages/alerts/mutes.queries.ts'
import { useSession } from '#console/session.ts'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { PagedTable } from '#console/ui/PagedTable.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import type { Column } from '#console/ui/Table.tsx'
import { useChange } from '#console/ui/use-change.ts'
import { NotRead } from '#console/ui/ErrorPane.tsx'
import text from '#console/ui/Text.module.css'

/** Of what nobody is told for a while, and the button that ends it. */
export function Mutes() {
  const mutes = useInfiniteQuery(mutesQuery())
  const watches = useQuery(watchesQuery)
  const titles = new Map(watches.data?.map(({ name, title }) => [name, title]))
  return (
    <Panel title="What is muted" hint="What still goes on at the end is told then." flush>
      <NotRead what="The titles of watches" error={watches.error} />
      <PagedTable<Mute>
        query={mutes}
        caption="Mutes"
        what="mutes"
        columns={columnsOf(titles)}
        rowKey={({ id }) => id}
        empty={<EmptyState title="Nothing is muted">An alert is muted where it stands.</EmptyState>}
      />
    </Panel>
  )
}

function columnsOf(titles: ReadonlyMap<string, string>): Column<Mute>[] {
  return [
    { title: 'Watch', isHeader: true, cell: ({ watch }) => titles.get(watch) ?? watch },
    {
      title: 'Which',
      cell: ({ key }) =>
        key === null ? 'All that it finds' : <span className={text.id}>{key}</span>,
    },
    { title: 'Ends', cell: ({ until }) => <Moment at={until} /> },
    { title: 'Note', cell: ({ note }) => <span className={text.wrapped}>{note}</span> },
    { title: 'End', align: 'end', cell: (mute) => <End mute={mute} /> },
  ]
}

function End({ mute }: { mute: Mute }) {
  const { can } = useSession()
  const change = useChange('alerts')
  if (!can('alerts:write')) return null
  return (
    <>
      <Button
        size="xs"
        variant="default"
        loading={change.isBusy}
        aria-label={`End the mute of ${mute.watch}`}
        onClick={() => change.run(() => endMute(mute.id), 'The mute is over.')}
      >
        End
      </Button>
      {change.dialog}
    </>
  )
}
