import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import type { ExperimentDetail } from '#reports/experiment.schema.ts'
import { today } from '#console/filters.ts'
import { formatDate, formatWord } from '#console/format.ts'
import { OwnerName } from '#console/pages/conflicts/OwnerName.tsx'
import { Effects } from '#console/pages/experiments/Effects.tsx'
import {
  describeDesign,
  lastDayOf,
  standingOf,
} from '#console/pages/experiments/experiment-words.ts'
import { ExperimentActions } from '#console/pages/experiments/ExperimentActions.tsx'
import {
  experimentExport,
  experimentQuery,
} from '#console/pages/experiments/experiments.queries.ts'
import { Outcome } from '#console/pages/experiments/Outcome.tsx'
import { SpokeForIt } from '#console/pages/experiments/SpokeForIt.tsx'
import { useSession } from '#console/session.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { ExportMenu } from '#console/ui/ExportMenu.tsx'
import { LockedPane } from '#console/ui/LockedPane.tsx'
import { Moment, useNowMs } from '#console/ui/Moment.tsx'
import { PageHead } from '#console/ui/PageHead.tsx'
import { PageSkeleton } from '#console/ui/PageSkeleton.tsx'
import { Panel } from '#console/ui/Panel.tsx'

const route = getRouteApi('/frame/experiments/$experimentId')

/** One experiment: what spoke for it, what came of it, and what its result made of the credit. */
export function ExperimentPage() {
  const { can } = useSession()
  const { experimentId } = route.useParams()
  const isOpen = can('attribution:read')
  const experiment = useQuery({ ...experimentQuery(experimentId), enabled: isOpen })
  if (!isOpen) return <LockedPane what="Experiments" scope="attribution:read" />
  if (experiment.isError) return <Problem error={experiment.error} isPage />
  return experiment.data ? <Whole experiment={experiment.data} /> : <PageSkeleton />
}

function Whole({ experiment }: { experiment: ExperimentDetail }) {
  const { timeZone } = useSession()
  const nowMs = useNowMs()
  const { id, channel, state, startsOn, createdAt, createdBy, result } = experiment
  const { label, tone } = standingOf(experiment, today(timeZone, new Date(nowMs)))
  return (
    <>
      <PageHead
        parent={{ label: 'Experiments', to: '/experiments' }}
        title={`Test of ${formatWord(channel)}`}
        badges={<Badge tone={tone}>{label}</Badge>}
        subtitle={
          <>
            {describeDesign(experiment)}, {formatDate(startsOn)} –{' '}
            {formatDate(lastDayOf(experiment))}. Planned <Moment at={createdAt} />{' '}
            <OwnerName owner={createdBy} verb="by" />.
          </>
        }
        actions={
          <>
            {state === 'planned' && <ExperimentActions experiment={experiment} />}
            <ExportMenu {...experimentExport(id)} />
          </>
        }
      />
      {result !== null && (
        <>
          <Outcome experiment={experiment} result={result} />
          <Effects experiment={experiment} />
        </>
      )}
      {state === 'planned' && (
        <Panel title="Result">
          <EmptyState title="No result yet">
            When the last day is over, count people and conversions on both sides and record them
            here. Counts before that may be recorded too, but they end the experiment.
          </EmptyState>
        </Panel>
      )}
      {state === 'cancelled' && (
        <Panel title="Result">
          <EmptyState title="It was given up">
            It has no result, and nothing moved by it. The channel can be tested again.
          </EmptyState>
        </Panel>
      )}
      <SpokeForIt experiment={experiment} />
    </>
  )
}
