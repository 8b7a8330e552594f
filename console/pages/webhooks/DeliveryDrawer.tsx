import { Button, Drawer, Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { formatCount, formatInstant } from '#console/format.ts'
import { deliveryStates } from '#console/pages/webhooks/webhook-words.ts'
import {
  AREA,
  deliveryQuery,
  replay,
  type DeliveryWhole,
} from '#console/pages/webhooks/webhooks.queries.ts'
import { useSession } from '#console/session.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { CodeBlock } from '#console/ui/CodeBlock.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

/** One message to an endpoint: its body as it is sent, and every attempt with the answer. */
export function DeliveryDrawer({
  endpointId,
  messageId,
  onClose,
}: {
  endpointId: string
  messageId: string | undefined
  onClose: () => void
}) {
  return (
    <Drawer
      opened={messageId !== undefined}
      onClose={onClose}
      position="right"
      size={720}
      title="Delivery"
      closeButtonProps={{ 'aria-label': 'Close the delivery' }}
      transitionProps={{ duration: 150 }}
    >
      {messageId !== undefined && <Whole endpointId={endpointId} messageId={messageId} />}
    </Drawer>
  )
}

function Whole({ endpointId, messageId }: { endpointId: string; messageId: string }) {
  const { can, timeZone } = useSession()
  const delivery = useQuery(deliveryQuery(endpointId, messageId))
  const change = useChange(AREA)
  if (delivery.isError) return <Problem error={delivery.error} />
  if (!delivery.data) return <Skeleton height={320} />
  const { event, state, occurredAt, attempts, nextAttemptAt, payload, log } = delivery.data
  return (
    <div className={text.form}>
      <h2 className={text.title}>
        <span className={text.id}>{event}</span>
        <Badge tone={deliveryStates[state].tone}>{deliveryStates[state].label}</Badge>
      </h2>
      <dl className={text.facts}>
        <div>
          <dt>Message</dt>
          <dd className={text.id}>{messageId}</dd>
        </div>
        <div>
          <dt>Happened</dt>
          <dd>{formatInstant(occurredAt, timeZone)}</dd>
        </div>
        <div>
          <dt>Attempts</dt>
          <dd>{formatCount(attempts)}</dd>
        </div>
        {state === 'pending' && (
          <div>
            <dt>Next try</dt>
            <dd>
              <Moment at={nextAttemptAt} />
            </dd>
          </div>
        )}
      </dl>
      {can('webhooks:write') && state !== 'pending' && (
        <div className={text.row}>
          <Button
            size="xs"
            variant="default"
            loading={change.isBusy}
            onClick={() =>
              change.run(
                () => replay(endpointId, { messageIds: [messageId] }),
                'It goes out again, under the same id.',
              )
            }
          >
            Send it again
          </Button>
        </div>
      )}
      <Table
        caption="Attempts, the newest first"
        rows={log}
        columns={attemptColumns}
        rowKey={({ at }) => at.toISOString()}
        empty={<EmptyState title="Not tried yet">It goes out within seconds.</EmptyState>}
      />
      <div>
        <h3 className={text.title}>Body</h3>
        <CodeBlock label="The body as it is sent">{pretty(payload)}</CodeBlock>
      </div>
    </div>
  )
}

/** The body with line breaks; what is no JSON stands as it is. */
function pretty(payload: string): string {
  try {
    return JSON.stringify(JSON.parse(payload), null, 2)
  } catch {
    return payload
  }
}

const attemptColumns: Column<DeliveryWhole['log'][number]>[] = [
  { title: 'When', isHeader: true, cell: ({ at }) => <Moment at={at} /> },
  {
    title: 'Answer',
    cell: ({ status }) =>
      status === null ? (
        <Badge tone="bad">None</Badge>
      ) : (
        <Badge tone={status < 300 ? 'good' : 'bad'}>HTTP {status}</Badge>
      ),
  },
  {
    title: 'Took',
    align: 'end',
    cell: ({ durationMs }) => `${formatCount(durationMs)} ms`,
  },
  { title: 'Why', cell: ({ error }) => <span className={text.wrapped}>{error ?? '—'}</span> },
]
