import { Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { formatWord } from '#console/format.ts'
import { FlipPanel } from '#console/pages/scores/FlipPanel.tsx'
import { Reasons } from '#console/pages/scores/Reasons.tsx'
import { targets } from '#console/pages/scores/score-words.ts'
import {
  leadRulesQuery,
  leadScoreExport,
  leadScoreQuery,
} from '#console/pages/scores/scores.queries.ts'
import { shortId } from '#console/pages/sync/RecordName.tsx'
import { useSession } from '#console/session.ts'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { ExportMenu } from '#console/ui/ExportMenu.tsx'
import { LockedPane } from '#console/ui/LockedPane.tsx'
import { PageHead } from '#console/ui/PageHead.tsx'
import { PageSkeleton } from '#console/ui/PageSkeleton.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'

const route = getRouteApi('/frame/scores/leads/$leadId')

/** Why a lead has its score, by the rules and by what was learned, and what would flip the decision. */
export function LeadScorePage() {
  const { can } = useSession()
  const { leadId } = route.useParams()
  const isOpen = can('leads:read')
  const score = useQuery({ ...leadScoreQuery(leadId), enabled: isOpen })
  if (!isOpen) return <LockedPane what="The score of a lead" scope="leads:read" />
  if (score.isError) return <Problem error={score.error} isPage />
  if (!score.data) return <PageSkeleton />
  const { rules, learned } = score.data
  return (
    <>
      <PageHead
        parent={{ label: 'Learned scores', to: '/scores' }}
        title={`Score of lead ${shortId(leadId)}`}
        subtitle={
          <>
            <Link
              to="/sync/records/$entity/$localId"
              params={{ entity: 'lead', localId: leadId }}
              className="tl-link"
            >
              Its path through sync
            </Link>{' '}
            ·{' '}
            <Link to="/lineage" search={{ record: leadId, field: 'score' }} className="tl-link">
              Lineage of the score
            </Link>
          </>
        }
        actions={<ExportMenu {...leadScoreExport(leadId)} />}
      />
      <FlipPanel leadId={leadId} rules={rules} />
      <RulePoints leadId={leadId} />
      {learned.map((probability) => (
        <Reasons
          key={probability.target}
          title={targets[probability.target]}
          probability={probability}
        />
      ))}
      {learned.length === 0 && (
        <Panel title="What was learned">
          <EmptyState title="No probability">
            No model for leads is in use, or the outcome of this lead has come.
          </EmptyState>
        </Panel>
      )}
    </>
  )
}

function RulePoints({ leadId }: { leadId: string }) {
  const rules = useQuery(leadRulesQuery(leadId))
  return (
    <Panel title="Points by the rules" hint="They sum to the score." flush>
      {rules.isError && <Problem error={rules.error} />}
      {rules.isPending && <Skeleton height={160} m={18} w="auto" />}
      {rules.data && (
        <Table
          caption="Points of the rule score"
          rows={rules.data.contributions}
          columns={columns}
          rowKey={({ part, ruleId }) => `${part} ${ruleId}`}
          empty={
            <EmptyState title="No rule gave points">
              Nothing that the rules ask about is known of this lead.
            </EmptyState>
          }
        />
      )}
    </Panel>
  )
}

interface Points {
  part: string
  label: string
  points: number
  detail: string
}

const columns: Column<Points>[] = [
  { title: 'Rule', isHeader: true, cell: ({ label }) => label },
  { title: 'Part', cell: ({ part }) => formatWord(part) },
  { title: 'Why', cell: ({ detail }) => <span className={text.wrapped}>{detail}</span> },
  {
    title: 'Points',
    align: 'end',
    cell: ({ points }) => (points > 0 ? `+${points}` : points),
  },
]
