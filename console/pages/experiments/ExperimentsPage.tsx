import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { modelsQuery } from '#console/pages/attribution/attribution.queries.ts'
import { ExperimentList } from '#console/pages/experiments/ExperimentList.tsx'
import {
  experimentsQuery,
  proposalsExport,
  proposalsQuery,
} from '#console/pages/experiments/experiments.queries.ts'
import type { ExperimentsSearch } from '#console/pages/experiments/experiments.search.ts'
import { PlanButton } from '#console/pages/experiments/PlanButton.tsx'
import { ProposalsPanel } from '#console/pages/experiments/ProposalsPanel.tsx'
import { useSession } from '#console/session.ts'
import { ExportMenu } from '#console/ui/ExportMenu.tsx'
import { FilterSelect } from '#console/ui/Filters.tsx'
import { LockedPane } from '#console/ui/LockedPane.tsx'
import { PageHead } from '#console/ui/PageHead.tsx'

const route = getRouteApi('/frame/experiments')

const lengths = [
  { value: '4', label: '4 weeks' },
  { value: '8', label: '8 weeks' },
  { value: '12', label: '12 weeks' },
  { value: '26', label: '26 weeks' },
  { value: '52', label: '52 weeks' },
] as const

const shares = [
  { value: '0.05', label: '5 % of people' },
  { value: '0.1', label: '10 % of people' },
  { value: '0.2', label: '20 % of people' },
  { value: '0.35', label: '35 % of people' },
  { value: '0.5', label: '50 % of people' },
] as const

/** Which test is worth most next, and what came of those that were made. */
export function ExperimentsPage() {
  const { can } = useSession()
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const isOpen = can('attribution:read')
  const models = useQuery({ ...modelsQuery, enabled: isOpen })
  const isFitted = models.data?.some((one) => one.method === 'data_driven' && one.isFitted) === true
  const proposals = useQuery({ ...proposalsQuery(search), enabled: isOpen && isFitted })
  const experiments = useInfiniteQuery({ ...experimentsQuery(search), enabled: isOpen })
  if (!isOpen) return <LockedPane what="Experiments" scope="attribution:read" />
  const change = (fields: Partial<ExperimentsSearch>) =>
    void navigate({ search: { ...search, ...fields }, resetScroll: false })
  return (
    <>
      <PageHead
        title="Experiments"
        subtitle="What no bookkeeping decides, a test does: some people are left out of a channel, and what is missing then is what it brings. The result narrows the data-driven model."
        actions={
          <>
            <PlanButton />
            {proposals.data && <ExportMenu {...proposalsExport(search)} />}
          </>
        }
        filters={
          <>
            <FilterSelect
              label="At most"
              value={search.weeks ?? '12'}
              options={lengths}
              onChange={(weeks) => change({ weeks: weeks === '12' ? undefined : weeks })}
            />
            <FilterSelect
              label="Leave out at most"
              value={search.holdout ?? '0.2'}
              options={shares}
              onChange={(share) => change({ holdout: share === '0.2' ? undefined : share })}
            />
          </>
        }
      />
      <ProposalsPanel models={models} query={proposals} />
      <ExperimentList
        query={experiments}
        state={search.state}
        onState={(state) => change({ state })}
      />
    </>
  )
}
