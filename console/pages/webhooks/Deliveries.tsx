import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { Endpoint } from '#webhooks/webhook.schema.ts'
import { formatCount } from '#console/format.ts'
import { DeliveryDrawer } from '#console/pages/webhooks/DeliveryDrawer.tsx'
import { ReplayButton } from '#console/pages/webhooks/ReplayButton.tsx'
import { answerOf, deliveryStates } from '#console/pages/webhooks/webhook-words.ts'
import {
  deliveriesQuery,
  eventsQuery,
  type DeliveryRow,
} from '#console/pages/webhooks/webhooks.queries.ts'
import type { EndpointSearch } from '#console/pages/webhooks/webhooks.search.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { NotRead } from '#console/ui/ErrorPane.tsx'
import { FilterSelect } from '#console/ui/Filters.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { PagedTable } from '#console/ui/PagedTable.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import type { Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'

const states = (['pending', 'delivered', 'failed'] as const).map((value) => ({
  value,
  label: deliveryStates[value].label,
}))

/** What an endpoint was told, the newest first, and what became of it. */
export function Deliveries({
  endpoint,
  search: { state, event, message },
  onChange,
}: {
  endpoint: Endpoint
  search: EndpointSearch
  onChange: (fields: Partial<EndpointSearch>) => void
}) {
  const deliveries = useInfiniteQuery(deliveriesQuery(endpoint.id, { state, event }))
  const events = useQuery(eventsQuery)
  const names = (events.data ?? []).map((one) => one.event)
  return (
    <Panel
      title="Deliveries"
      hint="Ten attempts over some three days, then it is given up; everything can be sent again for 30 days."
      flush
      actions={
        <>
          <FilterSelect
            label="State"
            value={state ?? ''}
            options={[{ value: '' as const, label: 'All' }, ...states]}
            onChange={(value) => onChange({ state: value === '' ? undefined : value })}
          />
          <FilterSelect
            label="Event"
            value={event ?? ''}
            options={['', ...new Set([...names, ...(event === undefined ? [] : [event])])].map(
              (value) => ({ value, label: value === '' ? 'All' : value }),
            )}
            onChange={(value) => onChange({ event: value === '' ? undefined : value })}
          />
          <ReplayButton endpoint={endpoint} />
        </>
      }
    >
      <NotRead what="Kinds of events" error={events.error} />
      <PagedTable<DeliveryRow>
        query={deliveries}
        caption="Deliveries, the newest first"
        what="deliveries"
        columns={columnsFor(endpoint.id)}
        rowKey={({ messageId }) => messageId}
        empty={
          state === undefined && event === undefined ? (
            <EmptyState title="It was told nothing yet">
              Send a test: it stands here within seconds, with what the receiver answered.
            </EmptyState>
          ) : (
            <EmptyState title="No delivery matches">Choose another state or event.</EmptyState>
          )
        }
      />
      <DeliveryDrawer
        endpointId={endpoint.id}
        messageId={message}
        onClose={() => onChange({ message: undefined })}
      />
    </Panel>
  )
}

function columnsFor(endpointId: string): Column<DeliveryRow>[] {
  return [
    {
      title: 'Event',
      isHeader: true,
      cell: ({ event, messageId }) => (
        <Link
          from="/webhooks/$endpointId"
          to="/webhooks/$endpointId"
          params={{ endpointId }}
          search={(search) => ({ ...search, message: messageId })}
          resetScroll={false}
          data-row-link
        >
          <span className={text.id}>{event}</span>
        </Link>
      ),
    },
    { title: 'Happened', cell: ({ occurredAt }) => <Moment at={occurredAt} /> },
    {
      title: 'State',
      cell: ({ state }) => (
        <Badge tone={deliveryStates[state].tone}>{deliveryStates[state].label}</Badge>
      ),
    },
    { title: 'Attempts', align: 'end', cell: ({ attempts }) => formatCount(attempts) },
    {
      title: 'Last answer',
      cell: (delivery) => <span className={text.wrapped}>{answerOf(delivery)}</span>,
    },
    {
      title: 'Next try',
      cell: ({ state, nextAttemptAt }) =>
        state === 'pending' ? <Moment at={nextAttemptAt} /> : '—',
    },
  ]
}
