import { useInfiniteQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { formatCount, formatDay, formatShare, formatWord } from '#console/format.ts'
import { lensFields, type ResolvedLens } from '#console/lens.ts'
import {
  disagreementsQuery,
  type Agreement,
  type Dispute,
} from '#console/pages/attribution/attribution.queries.ts'
import { DealLink } from '#console/pages/attribution/DealLink.tsx'
import { SettleSource } from '#console/pages/attribution/SettleSource.tsx'
import { useDealNames } from '#console/pages/campaigns/DealName.tsx'
import { useSession } from '#console/session.ts'
import { Amount } from '#console/ui/Amount.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { FilterSelect } from '#console/ui/Filters.tsx'
import { Meter } from '#console/ui/Meter.tsx'
import { PagedTable } from '#console/ui/PagedTable.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import { NotRead } from '#console/ui/ErrorPane.tsx'

const route = getRouteApi('/frame/attribution')

const voices: Readonly<Record<Agreement['voice'], string>> = {
  model: 'The model',
  crm: 'The CRM',
  customer: 'The customer',
  rep: 'The rep',
}

/** Where the model, the CRM, the customer and the rep say different things of where a deal came from. */
export function Disagreements({ lens }: { lens: ResolvedLens }) {
  const { timeZone } = useSession()
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const { show = 'open' } = search
  const { names, error } = useDealNames(lens)
  const disputes = useInfiniteQuery(disagreementsQuery(lensFields(lens), show))
  const agreement = disputes.data?.pages[0]?.agreement ?? []
  const channels = [
    ...new Set(
      (disputes.data?.pages ?? []).flatMap(({ data }) =>
        data.flatMap(({ model, crm, customer, rep }) =>
          [model, crm, customer, rep].filter((channel) => channel !== null),
        ),
      ),
    ),
  ]
  return (
    <>
      <NotRead what="The names of deals" error={error} />
      <Panel title="How often they agree" hint="Won deals of which both say something." flush>
        <Table
          caption="Agreement of those who are asked where deals came from"
          rows={agreement.filter(({ deals }) => deals > 0)}
          columns={agreementColumns}
          rowKey={({ voice, other }) => `${voice} ${other}`}
          empty={
            <EmptyState title="Nobody else has said anything yet">
              Answers to “How did you hear about us?” and sources of the CRM are held against the
              model here. They come in with <code>PUT /api/v1/attribution/claims</code> and with
              sync.
            </EmptyState>
          }
        />
      </Panel>
      <Panel
        title="Deals in dispute"
        hint="The largest first. What people settle on stands beside the model and changes no credit."
        flush
        actions={
          <FilterSelect
            label="Show"
            value={show}
            options={[
              { value: 'open', label: 'Open' },
              { value: 'resolved', label: 'Settled' },
              { value: 'all', label: 'All' },
            ]}
            onChange={(value) =>
              void navigate({
                search: { ...search, show: value === 'open' ? undefined : value },
                resetScroll: false,
              })
            }
          />
        }
      >
        <PagedTable<Dispute>
          query={disputes}
          caption="Deals of which two say different things"
          what="deals"
          columns={columnsOf(timeZone, names, channels)}
          rowKey={({ opportunityId }) => opportunityId}
          empty={
            <EmptyState title="No deal is in dispute">
              All who say something of a deal in this period say the same.
            </EmptyState>
          }
        />
      </Panel>
    </>
  )
}

const agreementColumns: Column<Agreement>[] = [
  {
    title: 'Between',
    isHeader: true,
    cell: ({ voice, other }) => `${voices[voice]} and ${voices[other].toLowerCase()}`,
  },
  { title: 'Deals', align: 'end', cell: ({ deals }) => formatCount(deals) },
  { title: 'Agree', align: 'end', cell: ({ agree }) => formatCount(agree) },
  {
    title: 'Rate',
    cell: ({ rate }) => (rate === null ? '—' : <Meter share={rate}>{formatShare(rate)}</Meter>),
  },
]

function columnsOf(
  timeZone: string,
  names: ReadonlyMap<string, string>,
  channels: readonly string[],
): Column<Dispute>[] {
  const said = (channel: string | null) => (channel === null ? '—' : formatWord(channel))
  return [
    {
      title: 'Deal',
      isHeader: true,
      cell: ({ opportunityId }) => <DealLink id={opportunityId} name={names.get(opportunityId)} />,
    },
    { title: 'Closed', cell: ({ closedAt }) => formatDay(closedAt, timeZone) },
    {
      title: 'Amount',
      align: 'end',
      cell: ({ amountMinor, currency }) => <Amount minor={amountMinor} currency={currency} />,
    },
    { title: 'Model', cell: ({ model }) => said(model) },
    { title: 'CRM', cell: ({ crm }) => said(crm) },
    { title: 'Customer', cell: ({ customer }) => said(customer) },
    { title: 'Rep', cell: ({ rep }) => said(rep) },
    {
      title: 'Settled on',
      cell: (row) => <SettleSource dispute={row} channels={channels} />,
    },
  ]
}
