import { useInfiniteQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { formatFraction, formatShare, formatWord } from '#console/format.ts'
import { lensFields, describeModel, resolveLens, type LensSearch } from '#console/lens.ts'
import {
  campaignsExport,
  campaignsQuery,
  type CampaignRow,
  type CampaignsAnswer,
} from '#console/pages/campaigns/campaign.queries.ts'
import { LensFilters } from '#console/pages/campaigns/LensFilters.tsx'
import { ModelRange } from '#console/pages/campaigns/ModelRange.tsx'
import { useSession } from '#console/session.ts'
import { Amount } from '#console/ui/Amount.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { ExportMenu } from '#console/ui/ExportMenu.tsx'
import { Figure, Figures } from '#console/ui/Figures.tsx'
import { FreshnessBadge } from '#console/ui/FreshnessBadge.tsx'
import { LockedPane } from '#console/ui/LockedPane.tsx'
import { MoreRows } from '#console/ui/MoreRows.tsx'
import { PageHead } from '#console/ui/PageHead.tsx'
import { PageSkeleton } from '#console/ui/PageSkeleton.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import classes from './Campaigns.module.css'

const route = getRouteApi('/frame/campaigns')

/** Campaigns by the revenue that the chosen model credits them with; together with the rest they are all that was won. */
export function CampaignsPage() {
  const { timeZone, can } = useSession()
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const lens = resolveLens(search, timeZone)
  const isOpen = can('attribution:read')
  const campaigns = useInfiniteQuery({ ...campaignsQuery(lensFields(lens)), enabled: isOpen })
  const first = campaigns.data?.pages[0]
  const rows = campaigns.data?.pages.flatMap(({ data }) => data) ?? []
  return (
    <>
      <PageHead
        title="Campaigns"
        subtitle={`${describeModel(lens.model).label}: ${describeModel(lens.model).rule}`}
        badges={
          first && (
            <FreshnessBadge freshness={first.freshness} isFetching={campaigns.isRefetching} />
          )
        }
        actions={isOpen && <ExportMenu {...campaignsExport(lensFields(lens))} />}
        filters={
          isOpen && (
            <LensFilters
              lens={lens}
              onChange={(fields) =>
                void navigate({ search: { ...search, ...fields }, resetScroll: false })
              }
            />
          )
        }
      />
      {!isOpen && <LockedPane what="Revenue by campaign" scope="attribution:read" />}
      {campaigns.isError && <Problem error={campaigns.error} />}
      {isOpen && campaigns.isPending && <PageSkeleton />}
      {first && (
        <>
          <Totals page={first} />
          <Panel
            title="By credited revenue"
            hint={`Weeks and days in ${first.timeZone}. Amounts in ${first.currency}; nothing is converted.`}
            flush
          >
            <Table
              caption={`Campaigns by credited revenue, ${describeModel(lens.model).label}`}
              rows={rows}
              columns={columnsOf(first.currency, first.workspace.wonMinor, rows, search)}
              rowKey={(row) => row.campaignId ?? 'none'}
              empty={
                <EmptyState title="No campaigns yet">
                  Send leads or touches with <code>utm_campaign</code>, or create campaigns through
                  the API. <a href="/docs">See the API documentation.</a>
                </EmptyState>
              }
            />
            <MoreRows
              count={rows.length}
              what="rows"
              hasNextPage={campaigns.hasNextPage}
              isFetchingNextPage={campaigns.isFetchingNextPage}
              fetchNextPage={campaigns.fetchNextPage}
            />
          </Panel>
        </>
      )}
    </>
  )
}

function Totals({ page }: { page: CampaignsAnswer }) {
  const { workspace: won, currency } = page
  return (
    <Figures>
      <Figure
        label="Won"
        definition="Amount of all deals that closed as won in the period"
        more={`${won.wonDeals} deals`}
      >
        <Amount minor={won.wonMinor} currency={currency} />
      </Figure>
      <Figure
        label="Credited"
        definition="Won with at least one touch in the window; divided among the rows below"
        more={`${won.creditedDeals} deals`}
      >
        <Amount minor={won.creditedMinor} currency={currency} />
      </Figure>
      <Figure
        label="Uncredited"
        definition="Won without any touch in the window"
        more={`${won.uncreditedDeals} deals · ${formatShare(won.uncreditedShare)} of what was won`}
      >
        <Amount minor={won.uncreditedMinor} currency={currency} />
      </Figure>
    </Figures>
  )
}

function columnsOf(
  currency: string,
  wonMinor: number,
  rows: readonly CampaignRow[],
  search: LensSearch,
): Column<CampaignRow>[] {
  const most = Math.max(1, ...rows.flatMap((row) => Object.values(row.creditedByModel)))
  return [
    {
      title: 'Campaign',
      isHeader: true,
      cell: ({ campaignId, name, isDeleted }) =>
        campaignId === null || isDeleted ? (
          <span className={classes.plain}>
            {name}
            {isDeleted && ' (deleted)'}
          </span>
        ) : (
          <Link
            to="/campaigns/$campaignId"
            params={{ campaignId }}
            search={{ ...search }}
            data-row-link
          >
            {name}
          </Link>
        ),
    },
    {
      title: 'Channel',
      cell: ({ channel }) => (channel === null ? '—' : formatWord(channel)),
    },
    {
      title: 'Revenue',
      align: 'end',
      hint: 'Won amount that the model credits',
      cell: ({ creditedMinor }) => <Amount minor={creditedMinor} currency={currency} />,
    },
    {
      title: 'Share',
      align: 'end',
      hint: 'Of all that was won in the period',
      cell: ({ creditedMinor }) => formatShare(wonMinor === 0 ? null : creditedMinor / wonMinor),
    },
    {
      title: 'Over the models',
      hint: 'From the least to the most that any of the five models credits; the dot is the chosen one',
      cell: ({ creditedByModel, creditedMinor }) => (
        <ModelRange
          values={Object.values(creditedByModel)}
          chosen={creditedMinor}
          most={most}
          currency={currency}
        />
      ),
    },
    {
      title: 'Deals',
      align: 'end',
      hint: 'Won deals in fractions: the shares of credit added up',
      cell: ({ deals }) => formatFraction(deals),
    },
    {
      title: 'n',
      align: 'end',
      hint: 'Won deals with credit, each counted once',
      cell: ({ n }) => n,
    },
    {
      title: 'Cost',
      align: 'end',
      hint: 'The part of the budget that falls into the period',
      cell: ({ costMinor, costReason }) =>
        costMinor === null ? (
          <span
            className={classes.plain}
            title={costReason === null ? undefined : formatWord(costReason)}
          >
            {costReason === null ? '—' : formatWord(costReason)}
          </span>
        ) : (
          <Amount minor={costMinor} currency={currency} />
        ),
    },
    {
      title: 'Return',
      align: 'end',
      hint: '(credited − cost) ⁄ cost',
      cell: ({ roi }) => formatShare(roi),
    },
  ]
}
