import { Button } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useState } from 'react'
import { Captures } from '#console/pages/leads/Captures.tsx'
import { DispositionDialog } from '#console/pages/leads/DispositionDialog.tsx'
import { describeDisposition, leadStates, verdictsOf } from '#console/pages/leads/lead-words.ts'
import { LeadAtCrms } from '#console/pages/leads/LeadAtCrms.tsx'
import { LeadFacts } from '#console/pages/leads/LeadFacts.tsx'
import { LeadScore } from '#console/pages/leads/LeadScore.tsx'
import { LeadTasks } from '#console/pages/leads/LeadTasks.tsx'
import {
  leadExport,
  leadQuery,
  type LeadWhole,
  type Verdict,
} from '#console/pages/leads/leads.queries.ts'
import { OwnerPanel } from '#console/pages/leads/OwnerPanel.tsx'
import { DealsOfPerson } from '#console/pages/people/DealsOfPerson.tsx'
import { nameOf } from '#console/pages/people/PersonName.tsx'
import { TouchesOfPerson } from '#console/pages/people/TouchesOfPerson.tsx'
import { useSession } from '#console/session.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { ExportMenu } from '#console/ui/ExportMenu.tsx'
import { LockedNote, LockedPane } from '#console/ui/LockedPane.tsx'
import { PageHead } from '#console/ui/PageHead.tsx'
import { PageSkeleton } from '#console/ui/PageSkeleton.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Permitted } from '#console/ui/Permitted.tsx'
import text from '#console/ui/Text.module.css'

const route = getRouteApi('/frame/leads/$leadId')

/** One lead from its first submission to the deal: score, owner, follow-up, CRMs, touches. */
export function LeadPage() {
  const { can } = useSession()
  const { leadId } = route.useParams()
  const isOpen = can('leads:read')
  const lead = useQuery({ ...leadQuery(leadId), enabled: isOpen })
  if (!isOpen) return <LockedPane what="Leads" scope="leads:read" />
  if (lead.isError) return <Problem error={lead.error} isPage />
  const { data } = lead
  if (!data) return <PageSkeleton />
  const { personId, captures } = data
  return (
    <>
      <Head lead={data} />
      <LeadScore lead={data} />
      <OwnerPanel lead={data} />
      <LeadTasks leadId={leadId} />
      <LeadAtCrms leadId={leadId} />
      <Panel title="Deals" flush={can('opportunities:read')}>
        {can('opportunities:read') ? (
          <DealsOfPerson personId={personId} />
        ) : (
          <LockedNote what="Deals" scope="opportunities:read" />
        )}
      </Panel>
      <LeadFacts lead={data} />
      <Captures captures={captures} />
      <Panel
        title="Touches"
        hint="What the person did, the newest first."
        flush={can('people:read')}
      >
        {can('people:read') ? (
          <TouchesOfPerson personId={personId} />
        ) : (
          <LockedNote what="What they did" scope="people:read" />
        )}
      </Panel>
    </>
  )
}

function Head({ lead }: { lead: LeadWhole }) {
  const { id, personId, status, mqlAt, isCustomer, disposition } = lead
  return (
    <PageHead
      parent={{ label: 'Leads', to: '/leads' }}
      title={nameOf(lead, 'Lead')}
      subtitle={
        <>
          <Link to="/people/$personId" params={{ personId }} className="tl-link">
            The person
          </Link>{' '}
          ·{' '}
          <Link to="/scores/leads/$leadId" params={{ leadId: id }} className="tl-link">
            Learned score
          </Link>{' '}
          ·{' '}
          <Link to="/lineage" search={{ record: id }} className="tl-link">
            Lineage of a field
          </Link>{' '}
          · <code className={text.id}>{id}</code>
        </>
      }
      badges={
        <>
          <Badge tone={leadStates[status].tone}>
            {disposition === null ? leadStates[status].label : describeDisposition(disposition)}
          </Badge>
          {mqlAt !== null && <Badge tone="good">Qualified by score</Badge>}
          {isCustomer && <Badge tone="info">Customer</Badge>}
        </>
      }
      actions={
        <>
          <Decide lead={lead} />
          <ExportMenu {...leadExport(id)} />
        </>
      }
    />
  )
}

function Decide({ lead }: { lead: LeadWhole }) {
  const { can } = useSession()
  const [verdict, setVerdict] = useState<Verdict | null>(null)
  const mayWrite = can('leads:write')
  const verdicts = verdictsOf(lead.status)
  return (
    <>
      {verdicts.map((one) => (
        <Permitted key={one} isPermitted={mayWrite} scope="leads:write">
          <Button
            size="xs"
            h={30}
            variant={one === 'accept' ? 'filled' : 'default'}
            disabled={!mayWrite}
            onClick={() => setVerdict(one)}
          >
            {one === 'accept' ? 'Accept…' : 'Reject…'}
          </Button>
        </Permitted>
      ))}
      <DispositionDialog
        lead={verdict === null ? null : lead}
        verdict={verdict ?? 'accept'}
        onClose={() => setVerdict(null)}
      />
    </>
  )
}
