import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { LensSearch } from '#console/lens.ts'
import { AttributionSearch } from '#console/pages/attribution/attribution.search.ts'
import { HomeSearch } from '#console/pages/home/home.queries.ts'
import { CampaignSearch } from '#console/pages/campaigns/campaign.search.ts'
import { ExperimentsSearch } from '#console/pages/experiments/experiments.search.ts'
import { LeadsSearch } from '#console/pages/leads/leads.search.ts'
import { PlanSearch } from '#console/pages/plans/plans.search.ts'
import { PeopleSearch, PersonSearch } from '#console/pages/people/people.search.ts'
import { WeeklySearch } from '#console/pages/weekly/weekly.search.ts'
import { PipelineSearch } from '#console/pages/pipeline/pipeline.search.ts'
import { ScoresSearch } from '#console/pages/scores/scores.search.ts'
import { frameRoute } from '#console/frame.routes.tsx'

const homeRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/',
  validateSearch: HomeSearch,
  component: lazyRouteComponent(() => import('#console/pages/home/HomePage.tsx'), 'HomePage'),
})

const campaignsRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/campaigns',
  validateSearch: LensSearch,
  component: lazyRouteComponent(
    () => import('#console/pages/campaigns/CampaignsPage.tsx'),
    'CampaignsPage',
  ),
})

const campaignRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/campaigns/$campaignId',
  validateSearch: CampaignSearch,
  component: lazyRouteComponent(
    () => import('#console/pages/campaigns/CampaignPage.tsx'),
    'CampaignPage',
  ),
})

const attributionRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/attribution',
  validateSearch: AttributionSearch,
  component: lazyRouteComponent(
    () => import('#console/pages/attribution/AttributionPage.tsx'),
    'AttributionPage',
  ),
})

const experimentsRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/experiments',
  validateSearch: ExperimentsSearch,
  component: lazyRouteComponent(
    () => import('#console/pages/experiments/ExperimentsPage.tsx'),
    'ExperimentsPage',
  ),
})

const experimentRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/experiments/$experimentId',
  component: lazyRouteComponent(
    () => import('#console/pages/experiments/ExperimentPage.tsx'),
    'ExperimentPage',
  ),
})

const scoresRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/scores',
  validateSearch: ScoresSearch,
  component: lazyRouteComponent(() => import('#console/pages/scores/ScoresPage.tsx'), 'ScoresPage'),
})

const pipelineRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/pipeline',
  validateSearch: PipelineSearch,
  component: lazyRouteComponent(
    () => import('#console/pages/pipeline/PipelinePage.tsx'),
    'PipelinePage',
  ),
})

const modelRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/scores/$modelId',
  component: lazyRouteComponent(() => import('#console/pages/scores/ModelPage.tsx'), 'ModelPage'),
})

const leadScoreRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/scores/leads/$leadId',
  component: lazyRouteComponent(
    () => import('#console/pages/scores/LeadScorePage.tsx'),
    'LeadScorePage',
  ),
})

const dealScoreRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/scores/deals/$opportunityId',
  component: lazyRouteComponent(
    () => import('#console/pages/scores/DealScorePage.tsx'),
    'DealScorePage',
  ),
})

const leadsRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/leads',
  validateSearch: LeadsSearch,
  component: lazyRouteComponent(() => import('#console/pages/leads/LeadsPage.tsx'), 'LeadsPage'),
})

const leadRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/leads/$leadId',
  component: lazyRouteComponent(() => import('#console/pages/leads/LeadPage.tsx'), 'LeadPage'),
})

const weekliesRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/reports/weekly',
  component: lazyRouteComponent(
    () => import('#console/pages/weekly/WeekliesPage.tsx'),
    'WeekliesPage',
  ),
})

const weeklyRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/reports/weekly/$reportId',
  validateSearch: WeeklySearch,
  component: lazyRouteComponent(() => import('#console/pages/weekly/WeeklyPage.tsx'), 'WeeklyPage'),
})

const plansRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/reports/plans',
  component: lazyRouteComponent(() => import('#console/pages/plans/PlansPage.tsx'), 'PlansPage'),
})

const planRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/reports/plans/$quarter',
  validateSearch: PlanSearch,
  component: lazyRouteComponent(() => import('#console/pages/plans/PlanPage.tsx'), 'PlanPage'),
})

const peopleRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/people',
  validateSearch: PeopleSearch,
  component: lazyRouteComponent(() => import('#console/pages/people/PeoplePage.tsx'), 'PeoplePage'),
})

const personRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/people/$personId',
  validateSearch: PersonSearch,
  component: lazyRouteComponent(() => import('#console/pages/people/PersonPage.tsx'), 'PersonPage'),
})

/** Home, and what marketing and sales look at. */
export const revenueRoutes = [
  homeRoute,
  campaignsRoute,
  campaignRoute,
  attributionRoute,
  experimentsRoute,
  experimentRoute,
  scoresRoute,
  pipelineRoute,
  modelRoute,
  leadScoreRoute,
  dealScoreRoute,
  leadsRoute,
  leadRoute,
  weekliesRoute,
  weeklyRoute,
  plansRoute,
  planRoute,
  peopleRoute,
  personRoute,
] as const
