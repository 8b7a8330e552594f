import { Skeleton } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { formatShare } from '#console/format.ts'
import type { Period } from '#console/filters.ts'
import { describeModel, modelOptions, type LensFields } from '#console/lens.ts'
import { campaignsQuery, type CampaignRow } from '#console/pages/campaigns/campaign.queries.ts'
import { Amount } from '#console/ui/Amount.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { FilterSelect, PeriodFilter } from '#console/ui/Filters.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import classes from './HomePage.module.css'

const route = getRouteApi('/frame/')
const SHOWN = 7

/** Campaigns by revenue; what no campaign is credited with stands below, so that the list adds up. */
export function TopCampaigns({ lens, period }: { lens: LensFields; period: Period }) {
  const navigate = route.useNavigate()
  const search = route.useSearch()
  const campaigns = useInfiniteQuery(campaignsQuery(lens))
  const first = campaigns.data?.pages[0]
  return (
    <Panel
      title="Campaigns by revenue"
      hint={describeModel(lens.model).rule}
      flush
      actions={
        <>
          <PeriodFilter
            period={period}
            onChange={(fields) =>
              void navigate({ search: { ...search, ...fields }, replace: true, resetScroll: false })
            }
          />
          <FilterSelect
            label="Model"
            value={lens.model}
            options={modelOptions}
            onChange={(model) =>
              void navigate({ search: { ...search, model }, replace: true, resetScroll: false })
            }
          />
        </>
      }
    >
      {campaigns.isError && <Problem error={campaigns.error} />}
      {campaigns.isPending && <Skeleton height={280} m={18} w="auto" />}
      {first && (
        <Bars
          rows={first.data}
          wonMinor={first.workspace.wonMinor}
          uncreditedMinor={first.workspace.uncreditedMinor}
          currency={first.currency}
        />
      )}
      <div className={classes.notes}>
        <Link to="/campaigns" search={{ ...search }} className="tl-link">
          All campaigns
        </Link>
      </div>
    </Panel>
  )
}

function Bars({
  rows,
  wonMinor,
  uncreditedMinor,
  currency,
}: {
  rows: readonly CampaignRow[]
  wonMinor: number
  uncreditedMinor: number
  currency: string
}) {
  const search = route.useSearch()
  const credited = rows.filter(({ creditedMinor }) => creditedMinor > 0)
  if (credited.length === 0 && uncreditedMinor === 0) {
    return (
      <EmptyState title="No revenue in this period">
        Choose a longer period, or connect a CRM so that won deals come in.
      </EmptyState>
    )
  }
  const named = credited.filter(({ campaignId }) => campaignId !== null).slice(0, SHOWN)
  const without = credited.find(({ campaignId }) => campaignId === null)
  const most = Math.max(uncreditedMinor, ...credited.map((row) => row.creditedMinor))
  const bar = (minor: number) => ({ minor, currency, most, wonMinor })
  return (
    <ol className={classes.bars}>
      {named.map(({ campaignId, name, creditedMinor }) => (
        <Bar key={campaignId} {...bar(creditedMinor)}>
          <Link
            to="/campaigns/$campaignId"
            params={{ campaignId: campaignId ?? '' }}
            search={{ ...search }}
            data-row-link
          >
            {name}
          </Link>
        </Bar>
      ))}
      {without && (
        <Bar {...bar(without.creditedMinor)} isPlain>
          Touches without a campaign
        </Bar>
      )}
      {uncreditedMinor > 0 && (
        <Bar {...bar(uncreditedMinor)} isPlain>
          No touch in the window
        </Bar>
      )}
    </ol>
  )
}

function Bar({
  minor,
  currency,
  most,
  wonMinor,
  isPlain,
  children,
}: {
  minor: number
  currency: string
  most: number
  wonMinor: number
  isPlain?: boolean
  children: React.ReactNode
}) {
  return (
    <li className={classes.bar}>
      <span className={classes.barName}>{children}</span>
      <span>
        <Amount minor={minor} currency={currency} />
        <span className={classes.barShare}>
          {formatShare(wonMinor === 0 ? null : minor / wonMinor)}
        </span>
      </span>
      <span className={classes.track} aria-hidden>
        <span
          className={classes.fill}
          {...(isPlain ? { 'data-plain': true } : {})}
          style={{ display: 'block', width: `${(100 * minor) / Math.max(1, most)}%` }}
        />
      </span>
    </li>
  )
}
