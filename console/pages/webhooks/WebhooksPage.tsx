import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { Endpoint } from '#webhooks/webhook.schema.ts'
import { formatCount } from '#console/format.ts'
import { NewEndpointButton } from '#console/pages/webhooks/NewEndpointButton.tsx'
import { stateOf } from '#console/pages/webhooks/webhook-words.ts'
import { endpointsQuery } from '#console/pages/webhooks/webhooks.queries.ts'
import { useSession } from '#console/session.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { LockedPane } from '#console/ui/LockedPane.tsx'
import { PageHead } from '#console/ui/PageHead.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { QueryTable } from '#console/ui/QueryTable.tsx'
import type { Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'

/** Which systems are told what happens here, and whether they hear it. */
export function WebhooksPage() {
  const { can } = useSession()
  return can('webhooks:read') ? <Webhooks /> : <LockedPane what="Webhooks" scope="webhooks:read" />
}

function Webhooks() {
  const { can } = useSession()
  const endpoints = useQuery(endpointsQuery)
  return (
    <>
      <PageHead
        title="Webhooks"
        subtitle="Other systems are told what happens here within seconds, signed, and again until they have it. Messages hold ids and figures, never personal values."
        actions={can('webhooks:write') && <NewEndpointButton />}
      />
      <Panel title="Endpoints" flush>
        <QueryTable
          query={endpoints}
          caption="Webhook endpoints"
          columns={columns}
          rowKey={({ id }) => id}
          empty={
            <EmptyState title="No other system is told yet">
              Make an endpoint with the address of a system and what it is to hear of; a test goes
              to it on request.
            </EmptyState>
          }
        />
      </Panel>
    </>
  )
}

const columns: Column<Endpoint>[] = [
  {
    title: 'Endpoint',
    isHeader: true,
    cell: ({ id, url, description }) => (
      <span className={text.wrapped}>
        <Link to="/webhooks/$endpointId" params={{ endpointId: id }} data-row-link>
          {url}
        </Link>
        {description !== '' && <span className={text.line}>{description}</span>}
      </span>
    ),
  },
  {
    title: 'State',
    cell: (endpoint) => {
      const { label, tone } = stateOf(endpoint)
      return (
        <span className={text.wrapped}>
          <Badge tone={tone}>{label}</Badge>
          {endpoint.disabledReason !== null && (
            <span className={text.line}>{endpoint.disabledReason}</span>
          )}
        </span>
      )
    },
  },
  {
    title: 'Hears of',
    cell: ({ events }) => (
      <span className={text.wrapped}>
        {events.includes('*') ? 'Everything' : events.slice(0, 4).join(', ')}
        {events.length > 4 && ` and ${events.length - 4} more`}
      </span>
    ),
  },
  { title: 'Waiting', align: 'end', cell: ({ pending }) => formatCount(pending) },
  {
    title: 'Given up',
    align: 'end',
    hint: 'Can be sent again for 30 days',
    cell: ({ failed }) => formatCount(failed),
  },
]
