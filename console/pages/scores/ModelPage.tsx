import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { formatCount, formatDate, formatShare } from '#console/format.ts'
import { BackTest } from '#console/pages/scores/BackTest.tsx'
import { Importance } from '#console/pages/scores/Importance.tsx'
import { Leaks } from '#console/pages/scores/Leaks.tsx'
import { ModelActions } from '#console/pages/scores/ModelActions.tsx'
import {
  formatAuc,
  formatLift,
  kinds,
  statuses,
  targets,
} from '#console/pages/scores/score-words.ts'
import { modelExport, modelQuery, type ModelReport } from '#console/pages/scores/scores.queries.ts'
import { useSession } from '#console/session.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { ExportMenu } from '#console/ui/ExportMenu.tsx'
import { Figure, Figures } from '#console/ui/Figures.tsx'
import { LockedPane } from '#console/ui/LockedPane.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { PageHead } from '#console/ui/PageHead.tsx'
import { PageSkeleton } from '#console/ui/PageSkeleton.tsx'
import { Panel } from '#console/ui/Panel.tsx'

const route = getRouteApi('/frame/scores/$modelId')

/** One learned model: what it promises on cases it has not seen, what it must not have seen, and the decision to use it. */
export function ModelPage() {
  const { can } = useSession()
  const { modelId } = route.useParams()
  const isOpen = can('scoring:read')
  const model = useQuery({ ...modelQuery(modelId), enabled: isOpen })
  if (!isOpen) return <LockedPane what="Learned scores" scope="scoring:read" />
  if (model.isError) return <Problem error={model.error} isPage />
  const { data } = model
  if (!data) return <PageSkeleton />
  const { target, horizonDays, status, report, refusal, trainedAt, promotedAt } = data
  return (
    <>
      <PageHead
        parent={{ label: 'Learned scores', to: '/scores' }}
        title={`${targets[target]}${horizonDays === null ? '' : ` within ${horizonDays} days`}`}
        badges={<Badge tone={statuses[status].tone}>{statuses[status].label}</Badge>}
        subtitle={
          <>
            {report ? kinds[report.choice.kind] : 'Without a result yet'} · trained{' '}
            <Moment at={trainedAt} none="not yet" />
            {promotedAt && (
              <>
                {' '}
                · put into use <Moment at={promotedAt} />
              </>
            )}
          </>
        }
        actions={
          <>
            <ExportMenu {...modelExport(modelId)} />
            <ModelActions model={data} />
          </>
        }
      />
      {report ? (
        <>
          <Quality report={report} />
          <Leaks report={report} />
          <BackTest report={report} />
          <Importance report={report} />
        </>
      ) : (
        <Panel title="Back-test">
          <EmptyState title={status === 'training' ? 'It is being trained' : 'There is no model'}>
            {refusal ?? 'The result stands here within minutes.'}
          </EmptyState>
        </Panel>
      )}
    </>
  )
}

function Quality({ report }: { report: ModelReport }) {
  const { backTest, rows, positives, fromAt, toAt } = report
  const { quality, rules } = backTest
  return (
    <Figures>
      <Figure
        label="Cases"
        definition="Past cases whose outcome is known"
        more={`${formatCount(positives)} came to the outcome · ${formatDate(fromAt.slice(0, 10))} – ${formatDate(toAt.slice(0, 10))}`}
      >
        {formatCount(rows)}
      </Figure>
      <Figure
        label="Rank quality"
        definition="AUC on cases after the cut: 0.5 is chance, 1 is perfect"
        more={
          rules
            ? `rule score: ${formatAuc(rules.auc)} on the same cases`
            : 'no rule score to compare'
        }
      >
        {formatAuc(quality.auc)}
      </Figure>
      <Figure
        label="Top tenth"
        definition="Rate among the highest tenth over the rate of all"
        more={rules ? `rule score: ${formatLift(rules.topDecileLift)}` : undefined}
      >
        {formatLift(quality.topDecileLift)}
      </Figure>
      <Figure
        label="Off by"
        definition="Mean distance of predicted and observed, by ten bins"
        more={`Brier ${quality.brier.toFixed(3)}`}
      >
        {formatShare(quality.calibrationError)}
      </Figure>
    </Figures>
  )
}
