import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import type { CampaignReport } from '#reports/campaign-report.schema.ts'
import {
  formatCount,
  formatDate,
  formatFraction,
  formatShare,
  formatWord,
} from '#console/format.ts'
import { lensFields, describeModel, resolveLens } from '#console/lens.ts'
import { campaignExport, campaignQuery } from '#console/pages/campaigns/campaign.queries.ts'
import { LensFilters } from '#console/pages/campaigns/LensFilters.tsx'
import { ModelCompare } from '#console/pages/campaigns/ModelCompare.tsx'
import { ReceiptDrawer } from '#console/pages/campaigns/ReceiptDrawer.tsx'
import { ReceiptLink } from '#console/pages/campaigns/ReceiptLink.tsx'
import { Weeks } from '#console/pages/campaigns/Weeks.tsx'
import { WholeShare } from '#console/pages/campaigns/WholeShare.tsx'
import { useSession } from '#console/session.ts'
import { Amount } from '#console/ui/Amount.tsx'
import { Badge } from '#console/ui/Badge.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { ExportMenu } from '#console/ui/ExportMenu.tsx'
import { Figure, Figures } from '#console/ui/Figures.tsx'
import { FilterSelect } from '#console/ui/Filters.tsx'
import { FreshnessBadge } from '#console/ui/FreshnessBadge.tsx'
import { LockedPane } from '#console/ui/LockedPane.tsx'
import { PageHead } from '#console/ui/PageHead.tsx'
import { PageSkeleton } from '#console/ui/PageSkeleton.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import classes from './Campaigns.module.css'

const route = getRouteApi('/frame/campaigns/$campaignId')

const units = [
  { value: 'revenue', label: 'Revenue' },
  { value: 'deals', label: 'Deals' },
] as const

/** One campaign under one model, next to all models; every amount on it opens to deals and touches. */
export function CampaignPage() {
  const { timeZone, can } = useSession()
  const { campaignId } = route.useParams()
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const lens = resolveLens(search, timeZone)
  const unit = search.unit ?? 'revenue'
  const isOpen = can('attribution:read')
  const report = useQuery({
    ...campaignQuery(campaignId, lensFields(lens), unit),
    enabled: isOpen,
    placeholderData: (previous) => (previous?.campaign.id === campaignId ? previous : undefined),
  })
  const filter = (fields: object) =>
    void navigate({
      search: { ...search, receipt: undefined, deal: undefined, ...fields },
      resetScroll: false,
    })
  if (!isOpen) return <LockedPane what="Revenue by campaign" scope="attribution:read" />
  if (report.isError) return <Problem error={report.error} isPage />
  const { data } = report
  if (!data) return <PageSkeleton />
  const { campaign } = data
  return (
    <>
      <PageHead
        parent={{ label: 'Campaigns', to: '/campaigns' }}
        title={campaign.name}
        subtitle={describe(campaign)}
        badges={
          <>
            <Badge tone={campaign.status === 'active' ? 'good' : 'plain'}>
              {formatWord(campaign.status)}
            </Badge>
            <FreshnessBadge
              freshness={data.freshness}
              isFetching={report.isFetching && !report.isLoading}
            />
          </>
        }
        actions={<ExportMenu {...campaignExport(campaignId, lensFields(lens), unit)} />}
        filters={
          <>
            <LensFilters lens={lens} onChange={filter} />
            <FilterSelect
              label="Unit"
              value={unit}
              options={units}
              onChange={(value) => filter({ unit: value })}
            />
          </>
        }
      />
      <Totals report={data} />
      <ModelCompare report={data} />
      <Weeks report={data} />
      <div className={classes.columns}>
        <WholeShare report={data} />
        <Panel title="How to read this">
          <ul className={classes.notes}>
            <li>
              {describeModel(data.model).label}: {describeModel(data.model).rule}
            </li>
            {data.notes.map((note) => (
              <li key={note}>{note}</li>
            ))}
          </ul>
        </Panel>
      </div>
      <ReceiptDrawer report={data} lens={lens} />
    </>
  )
}

function describe({ channel, startsOn, endsOn, key }: CampaignReport['campaign']): string {
  const days =
    startsOn === null
      ? 'no dates set'
      : `${formatDate(startsOn)} – ${endsOn === null ? 'open end' : formatDate(endsOn)}`
  return `${formatWord(channel)} · ${days} · utm_campaign=${key}`
}

function Totals({ report }: { report: CampaignReport }) {
  const { totals, currency, cost, reach, workspace: won } = report
  const share = won.wonMinor === 0 ? null : totals.creditedMinor / won.wonMinor
  return (
    <Figures>
      <Figure
        label="Revenue credited"
        definition="Won amount that the model credits to this campaign; opens to the deals"
        more={`${formatShare(share)} of what was won · n = ${formatCount(totals.n)}`}
      >
        <ReceiptLink receipt="total">
          <Amount minor={totals.creditedMinor} currency={currency} />
        </ReceiptLink>
      </Figure>
      <Figure
        label="Deals credited"
        definition="Won deals in fractions: the shares of credit added up"
        more={`${formatCount(totals.n)} deals touched`}
      >
        {formatFraction(totals.deals)}
      </Figure>
      <Figure
        label="Cost"
        definition="The budget spread evenly over the campaign’s days, as far as they fall into the period"
        more={cost.reason === null ? 'Share of the budget' : formatWord(cost.reason)}
      >
        <Amount minor={cost.costMinor} currency={currency} />
      </Figure>
      <Figure
        label="Return"
        definition="(credited − cost) ⁄ cost"
        more={cost.roi === null ? 'Needs a cost' : 'on the cost'}
      >
        {formatShare(cost.roi)}
      </Figure>
      <Figure
        label="Reach"
        definition="All touches of the campaign, whenever they happened"
        more={`${formatCount(reach.people)} people`}
      >
        {formatCount(reach.touches)} <span className={classes.unit}>touches</span>
      </Figure>
    </Figures>
  )
}
