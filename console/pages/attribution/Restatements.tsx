import { Button } from '@mantine/core'
import { IconX } from '@tabler/icons-react'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import {
  formatCount,
  formatDate,
  formatExact,
  formatFraction,
  formatWord,
} from '#console/format.ts'
import type { ResolvedLens } from '#console/lens.ts'
import {
  restatementsQuery,
  type Restatement,
} from '#console/pages/attribution/attribution.queries.ts'
import { DealLink } from '#console/pages/attribution/DealLink.tsx'
import { campaignNamesQuery } from '#console/pages/campaigns/campaign.queries.ts'
import { useSession } from '#console/session.ts'
import { Amount } from '#console/ui/Amount.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { PagedTable } from '#console/ui/PagedTable.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import type { Column } from '#console/ui/Table.tsx'
import { NotRead } from '#console/ui/ErrorPane.tsx'
import text from '#console/ui/Text.module.css'

const route = getRouteApi('/frame/attribution')
const SHOWN_DEALS = 3

/** What moved the figures of weeks that had ended, and why; the newest first. */
export function Restatements({ lens }: { lens: ResolvedLens }) {
  const { currency } = useSession()
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const { campaignId } = search
  const campaigns = useQuery(campaignNamesQuery)
  const names = new Map(campaigns.data?.map((row) => [row.campaignId, row.name]))
  const restatements = useInfiniteQuery(
    restatementsQuery({ model: lens.model, window: lens.window, campaignId }),
  )
  const total = restatements.data?.pages[0]?.total
  return (
    <Panel
      title="What moved after the week had ended"
      hint={
        total &&
        `${formatCount(total.rows)} restatements, ${currency} ${formatExact(total.deltaMinor, currency)} together, of the chosen model and window.`
      }
      flush
      actions={
        campaignId !== undefined && (
          <Button
            size="xs"
            h={30}
            variant="default"
            rightSection={<IconX size={13} aria-hidden />}
            aria-label="Remove the filter for the campaign"
            onClick={() =>
              void navigate({ search: { ...search, campaignId: undefined }, resetScroll: false })
            }
          >
            {campaignId === 'none' ? 'No campaign' : (names.get(campaignId) ?? campaignId)}
          </Button>
        )
      }
    >
      <NotRead what="The names of campaigns" error={campaigns.error} />
      <PagedTable<Restatement>
        query={restatements}
        caption="Restatements of ended weeks"
        what="restatements"
        columns={columnsOf(names)}
        rowKey={({ id }) => id}
        empty={
          <EmptyState title="No figure of an ended week moved">
            A late deal, a changed amount or a touch that came in late would stand here with what it
            moved.
          </EmptyState>
        }
      />
    </Panel>
  )
}

function columnsOf(names: ReadonlyMap<string, string>): Column<Restatement>[] {
  return [
    { title: 'When', isHeader: true, cell: ({ restatedAt }) => <Moment at={restatedAt} /> },
    { title: 'Week of', cell: ({ week }) => formatDate(week) },
    { title: 'Figure', cell: (row) => <Where row={row} names={names} /> },
    { title: 'Why', cell: ({ cause }) => formatWord(cause) },
    {
      title: 'Amount',
      align: 'end',
      cell: ({ deltaMinor, currency }) => (
        <>
          {deltaMinor > 0 && '+'}
          <Amount minor={deltaMinor} currency={currency} exact />
        </>
      ),
    },
    {
      title: 'Deals',
      align: 'end',
      cell: ({ deltaDeals }) => `${deltaDeals > 0 ? '+' : ''}${formatFraction(deltaDeals)}`,
    },
    {
      title: 'Receipts',
      cell: ({ opportunityIds }) => (
        <>
          {opportunityIds.slice(0, SHOWN_DEALS).map((id, i) => (
            <span key={id}>
              {i > 0 && ', '}
              <DealLink id={id} name={undefined} isRow={false} />
            </span>
          ))}
          {opportunityIds.length > SHOWN_DEALS && (
            <span className={text.soft}>
              {' '}
              and {formatCount(opportunityIds.length - SHOWN_DEALS)} more
            </span>
          )}
        </>
      ),
    },
  ]
}

function Where({ row, names }: { row: Restatement; names: ReadonlyMap<string, string> }) {
  const { bucket, campaignId } = row
  if (bucket === 'baseline') return 'Would have come anyway'
  if (bucket === 'uncredited') return 'Uncredited'
  const id = bucket === 'no_campaign' || campaignId === null ? 'none' : campaignId
  return (
    <Link
      from="/attribution"
      to="/attribution"
      search={(search) => ({ ...search, campaignId: id })}
      resetScroll={false}
      className="tl-link"
    >
      {id === 'none' ? 'Touches without a campaign' : (names.get(id) ?? 'A deleted campaign')}
    </Link>
  )
}
