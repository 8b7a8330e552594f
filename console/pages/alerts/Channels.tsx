import { Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { Channel } from '#alerts/channel.schema.ts'
import { ChannelActions } from '#console/pages/alerts/ChannelActions.tsx'
import { channelsQuery } from '#console/pages/alerts/alerts.queries.ts'
import { NewChannelButton } from '#console/pages/alerts/NewChannelButton.tsx'
import { useSession } from '#console/session.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { FieldValue } from '#console/ui/FieldValue.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'

const kinds: Record<Channel['kind'], string> = {
  email: 'E-mail',
  slack: 'Chat',
  webhook: 'Signed webhook',
}

/** Where alerts are told, and whether it works. */
export function Channels() {
  const { can } = useSession()
  const channels = useQuery(channelsQuery)
  return (
    <Panel title="Where it is told" flush actions={can('alerts:write') && <NewChannelButton />}>
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
              Make a channel: e-mail, a chat or a signed webhook.
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
  { title: 'To', cell: ({ to, url }) => <FieldValue value={to === null ? url : to} /> },
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
  { title: 'Do', align: 'end', cell: (channel) => <ChannelActions channel={channel} /> },
]

function State({ channel }: { channel: Channel }) {
  const { state, disabledReason, failingSince, lastError, failed } = channel
  if (state === 'disabled')
    return <Badge tone={disabledReason === null ? 'plain' : 'bad'}>{disabledReason ?? 'Off'}</Badge>
  if (failingSince !== null || failed > 0)
    return <Badge tone="bad">{lastError ?? `${failed} not delivered`}</Badge>
  return <Badge tone="good">Works</Badge>
}
