import { useSuspenseQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import type { Endpoint } from '#webhooks/webhook.schema.ts'
import { formatCount } from '#console/format.ts'
import { Deliveries } from '#console/pages/webhooks/Deliveries.tsx'
import { EndpointActions } from '#console/pages/webhooks/EndpointActions.tsx'
import { formats, stateOf } from '#console/pages/webhooks/webhook-words.ts'
import { deliveriesExport, endpointQuery } from '#console/pages/webhooks/webhooks.queries.ts'
import type { EndpointSearch } from '#console/pages/webhooks/webhooks.search.ts'
import { useSession } from '#console/session.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { ExportMenu } from '#console/ui/ExportMenu.tsx'
import { LockedPane } from '#console/ui/LockedPane.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { PageHead } from '#console/ui/PageHead.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import text from '#console/ui/Text.module.css'

const route = getRouteApi('/frame/webhooks/$endpointId')

/** One endpoint: how it fares, what can be done with it, and everything it was told. */
export function EndpointPage() {
  const { can } = useSession()
  const { endpointId } = route.useParams()
  if (!can('webhooks:read')) return <LockedPane what="Webhooks" scope="webhooks:read" />
  return <Whole key={endpointId} endpointId={endpointId} />
}

function Whole({ endpointId }: { endpointId: string }) {
  const { data: endpoint } = useSuspenseQuery(endpointQuery(endpointId))
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const change = (fields: Partial<EndpointSearch>) =>
    void navigate({ search: { ...search, ...fields }, resetScroll: false })
  const { label, tone } = stateOf(endpoint)
  const { state, event } = search
  return (
    <>
      <PageHead
        title={hostOf(endpoint.url)}
        parent={{ label: 'Webhooks', to: '/webhooks' }}
        badges={<Badge tone={tone}>{label}</Badge>}
        subtitle={endpoint.description === '' ? undefined : endpoint.description}
        actions={<ExportMenu {...deliveriesExport(endpointId, { state, event })} />}
      />
      <Panel title="Endpoint" actions={<EndpointActions endpoint={endpoint} />}>
        <Facts endpoint={endpoint} />
      </Panel>
      <Deliveries endpoint={endpoint} search={search} onChange={change} />
    </>
  )
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url
}

function Facts({ endpoint }: { endpoint: Endpoint }) {
  const { state, disabledReason, failingSince, pending, failed } = endpoint
  return (
    <div className={text.form}>
      {state === 'disabled' && (
        <p className={text.text}>
          <strong>Off: {disabledReason}</strong> What comes meanwhile waits, and goes out once it is
          on again.
        </p>
      )}
      {state === 'enabled' && failingSince !== null && (
        <p className={text.text}>
          <strong>
            No attempt has succeeded since <Moment at={failingSince} />.
          </strong>{' '}
          After five days without success it is switched off.
        </p>
      )}
      <dl className={text.facts}>
        <div>
          <dt>Address</dt>
          <dd className={text.id}>{endpoint.url}</dd>
        </div>
        <div>
          <dt>Form</dt>
          <dd>{formats[endpoint.format]}</dd>
        </div>
        <div>
          <dt>Hears of</dt>
          <dd>
            {endpoint.events.includes('*') ? (
              'Everything'
            ) : (
              <span className={text.id}>{endpoint.events.join(', ')}</span>
            )}
          </dd>
        </div>
        <div>
          <dt>Waiting</dt>
          <dd>{formatCount(pending)}</dd>
        </div>
        <div>
          <dt>Given up</dt>
          <dd>{formatCount(failed)}</dd>
        </div>
        <div>
          <dt>Made</dt>
          <dd>
            <Moment at={endpoint.createdAt} />
          </dd>
        </div>
      </dl>
    </div>
  )
}
