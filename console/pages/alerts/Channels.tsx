import { Button, Skeleton } from '@mantine/core'
import { IconSend } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import type { Channel } from '#alerts/channel.schema.ts'
import { channelsQuery, testChannel } from '#console/pages/alerts/alerts.queries.ts'
import { Permitted } from '#console/pages/sync/ConnectionTile.tsx'
import { useAction } from '#console/pages/sync/use-action.ts'
import { useSession } from '#console/session.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'

const kinds: Record<Channel['kind'], string> = {
  email: 'E-mail',
  slack: 'Chat',
  webhook: 'Signed webhook',
}

/** Where alerts are told, and whether it works. */
export function Channels() {
  const channels = useQuery(channelsQuery)
  return (
    <Panel title="Where it is told" flush>
      {channels.isError && <Problem error={channels.error} />}
      {channels.isPending && <Skeleton height={120} m={18} w="auto" />}
      {channels.data && (
        <Table
          caption="Alert channels"
          rows={channels.data}
          columns={columns}
          rowKey={({ id }) => id}
          empty={
            <EmptyState title="Nobody is told yet">
              Make a channel with <code>POST /api/v1/alerts/channels</code>: e-mail, a chat or a
              signed webhook. <a href="/docs">See the API documentation.</a>
            </EmptyState>
          }
        />
      )}
    </Panel>
  )
}

const columns: Column<Channel>[] = [
  { title: 'Channel', isHeader: true, cell: ({ name }) => name },
  { title: 'Kind', cell: ({ kind }) => kinds[kind] },
  { title: 'To', cell: ({ to, url }) => to?.join(', ') ?? url },
  {
    title: 'From',
    hint: 'The least severity that is told',
    cell: ({ minSeverity }) => minSeverity,
  },
  { title: 'Watches', cell: ({ watches }) => watches.join(', ') },
  {
    title: 'Quiet',
    cell: ({ quietFrom, quietTo }) => (quietFrom === null ? '–' : `${quietFrom}–${quietTo}`),
  },
  { title: 'State', cell: (channel) => <State channel={channel} /> },
  { title: 'Test', align: 'end', cell: (channel) => <Test channel={channel} /> },
]

function State({ channel }: { channel: Channel }) {
  const { state, disabledReason, failingSince, lastError, failed } = channel
  if (state === 'disabled')
    return <Badge tone={disabledReason === null ? 'plain' : 'bad'}>{disabledReason ?? 'Off'}</Badge>
  if (failingSince !== null || failed > 0)
    return <Badge tone="bad">{lastError ?? `${failed} not delivered`}</Badge>
  return <Badge tone="good">Works</Badge>
}

function Test({ channel }: { channel: Channel }) {
  const { can } = useSession()
  const mayWrite = can('alerts:write')
  const test = useAction(
    () => testChannel(channel.id),
    `A test goes to ${channel.name} within seconds.`,
    'alerts',
  )
  return (
    <Permitted isPermitted={mayWrite} scope="alerts:write">
      <Button
        size="xs"
        variant="subtle"
        color="gray"
        leftSection={<IconSend size={14} />}
        disabled={!mayWrite || channel.state === 'disabled'}
        loading={test.isPending}
        onClick={() => test.mutate()}
        aria-label={`Send a test to ${channel.name}`}
      >
        Send
      </Button>
    </Permitted>
  )
}
