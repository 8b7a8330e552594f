import { Button, Group, Skeleton } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { formatField } from '#console/format.ts'
import { directions } from '#console/pages/connections/connection-words.ts'
import {
  AREA,
  changeStream,
  streamsQuery,
  type StreamRow,
} from '#console/pages/connections/connections.queries.ts'
import { StreamDialog } from '#console/pages/connections/StreamDialog.tsx'
import { formatCadence } from '#console/pages/sync/sync-words.ts'
import { useSession } from '#console/session.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Permitted } from '#console/ui/Permitted.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

/** The streams of a connection, in the order of a whole run. */
export function Streams({ connectionId }: { connectionId: string }) {
  const streams = useQuery(streamsQuery(connectionId))
  const lacks = streams.data?.lacks ?? []
  return (
    <Panel
      title="Streams"
      hint="In the order of a whole run. A stream that is off neither reads nor writes; what changes meanwhile waits."
      flush
    >
      {streams.isError && <Problem error={streams.error} />}
      {streams.isPending && <Skeleton height={240} m={18} w="auto" />}
      {streams.data && (
        <Table
          caption="Streams of the connection"
          rows={streams.data.data}
          columns={columnsOf(connectionId)}
          rowKey={({ name }) => name}
          empty={
            <EmptyState title="No streams yet">
              They stand here once the first run has begun.
            </EmptyState>
          }
        />
      )}
      {lacks.length > 0 && (
        <details className={text.pad}>
          <summary className={text.summary}>
            What the hub keeps and this system has no place for ({lacks.length})
          </summary>
          <ul className={text.list}>
            {lacks.map(({ what, why }) => (
              <li key={what}>
                <strong>{formatField(what)}</strong>: {why}
              </li>
            ))}
          </ul>
        </details>
      )}
    </Panel>
  )
}

function columnsOf(connectionId: string): Column<StreamRow>[] {
  return [
    {
      title: 'Stream',
      isHeader: true,
      cell: ({ name }) => (
        <Link
          to="/connections/$connectionId/streams/$stream"
          params={{ connectionId, stream: name }}
          className="tl-link"
          data-row-link
        >
          {name}
        </Link>
      ),
    },
    { title: 'Direction', cell: ({ direction }) => directions[direction] },
    {
      title: 'Runs',
      cell: ({ everyMinutes, cadenceReason }) => (
        <span title={cadenceReason}>{formatCadence(everyMinutes)}</span>
      ),
    },
    {
      title: 'Last success',
      cell: ({ lastSuccessAt }) => <Moment at={lastSuccessAt} none="None yet" />,
    },
    {
      title: 'Next',
      cell: ({ nextRunAt, paused }) => <Moment at={paused ? null : nextRunAt} none="Off" />,
    },
    {
      title: 'Calls',
      hint: 'Its share of what the allowance leaves to scheduled runs',
      cell: ({ callPercent, callPriority }) =>
        callPercent === null ? `common, ${callPriority}` : `${callPercent} %, ${callPriority}`,
    },
    {
      title: 'State',
      cell: ({ paused }) => <Badge tone={paused ? 'warn' : 'good'}>{paused ? 'Off' : 'On'}</Badge>,
    },
    {
      title: 'Change',
      align: 'end',
      cell: (stream) => <StreamActions connectionId={connectionId} stream={stream} />,
    },
  ]
}

function StreamActions({ connectionId, stream }: { connectionId: string; stream: StreamRow }) {
  const { can } = useSession()
  const [isOpen, dialog] = useDisclosure()
  const change = useChange(AREA)
  const { name, paused } = stream
  const may = can('connections:write')
  return (
    <Permitted isPermitted={may} scope="connections:write">
      <Group gap={4} justify="flex-end" wrap="nowrap" display="inline-flex">
        <Button
          size="xs"
          variant="default"
          disabled={!may}
          loading={change.isBusy}
          aria-label={`Switch ${name} ${paused ? 'on' : 'off'}`}
          onClick={() =>
            change.run(
              () => changeStream(connectionId, name, { paused: !paused }),
              paused ? `${name} runs again.` : `${name} is off. Changes wait and are not lost.`,
            )
          }
        >
          {paused ? 'Switch on' : 'Switch off'}
        </Button>
        <Button
          size="xs"
          variant="subtle"
          color="gray"
          disabled={!may}
          aria-label={`Change ${name}`}
          onClick={dialog.open}
        >
          Change…
        </Button>
      </Group>
      {isOpen && (
        <StreamDialog connectionId={connectionId} stream={stream} onClose={dialog.close} />
      )}
      {change.dialog}
    </Permitted>
  )
}
