import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { Reasons } from '#console/pages/scores/Reasons.tsx'
import { dealScoreExport, dealScoreQuery } from '#console/pages/scores/scores.queries.ts'
import { dealQuery } from '#console/pages/campaigns/campaign.queries.ts'
import { DealName } from '#console/pages/campaigns/DealName.tsx'
import { shortId } from '#console/pages/sync/RecordName.tsx'
import { useSession } from '#console/session.ts'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { NotRead, Problem } from '#console/ui/ErrorPane.tsx'
import { ExportMenu } from '#console/ui/ExportMenu.tsx'
import { LockedPane } from '#console/ui/LockedPane.tsx'
import { PageHead } from '#console/ui/PageHead.tsx'
import { PageSkeleton } from '#console/ui/PageSkeleton.tsx'
import { Panel } from '#console/ui/Panel.tsx'

const route = getRouteApi('/frame/scores/deals/$opportunityId')

/** Why an open deal has its win probability. */
export function DealScorePage() {
  const { can } = useSession()
  const { opportunityId } = route.useParams()
  const isOpen = can('opportunities:read')
  const score = useQuery({ ...dealScoreQuery(opportunityId), enabled: isOpen })
  const deal = useQuery({ ...dealQuery(opportunityId), enabled: isOpen })
  if (!isOpen) return <LockedPane what="The chance of a deal" scope="opportunities:read" />
  if (score.isError) return <Problem error={score.error} isPage />
  if (!score.data) return <PageSkeleton />
  const { learned } = score.data
  return (
    <>
      <PageHead
        parent={{ label: 'Learned scores', to: '/scores' }}
        title={`Chance of deal ${shortId(opportunityId)}`}
        subtitle={
          <>
            <DealName id={opportunityId} name={deal.data?.name} /> ·{' '}
            <Link to="/attribution" search={{ deal: opportunityId }} className="tl-link">
              its touches
            </Link>
          </>
        }
        actions={<ExportMenu {...dealScoreExport(opportunityId)} />}
      />
      <NotRead what="The name of the deal" error={deal.error} />
      {learned === null ? (
        <Panel title="Win probability">
          <EmptyState title="No probability">
            No model for deals is in use, or this deal is closed.
          </EmptyState>
        </Panel>
      ) : (
        <Reasons title="It is won" probability={learned} />
      )}
    </>
  )
}
