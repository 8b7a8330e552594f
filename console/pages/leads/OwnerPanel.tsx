import { Button } from '@mantine/core'
import { useState } from 'react'
import { LeadOwner } from '#console/pages/leads/LeadOwner.tsx'
import type { LeadWhole } from '#console/pages/leads/leads.queries.ts'
import { RerouteDialog } from '#console/pages/leads/RerouteDialog.tsx'
import { useSession } from '#console/session.ts'
import { Panel } from '#console/ui/Panel.tsx'
import { Permitted } from '#console/ui/Permitted.tsx'
import text from '#console/ui/Text.module.css'

/** Who works the lead, and why they do. */
export function OwnerPanel({ lead }: { lead: LeadWhole }) {
  const { can } = useSession()
  const [isOpen, setOpen] = useState(false)
  const mayWrite = can('leads:write')
  const { ownerId, routing } = lead
  return (
    <Panel
      title="Owner"
      actions={
        <Permitted isPermitted={mayWrite} scope="leads:write">
          <Button size="xs" variant="default" disabled={!mayWrite} onClick={() => setOpen(true)}>
            Re-route…
          </Button>
        </Permitted>
      }
    >
      <dl className={text.facts}>
        <div>
          <dt>Owner</dt>
          <dd>
            <LeadOwner ownerId={ownerId} />
          </dd>
        </div>
        <div>
          <dt>Why this owner</dt>
          <dd>{routing?.why ?? 'The CRM says so, or nobody has routed it yet.'}</dd>
        </div>
        <div>
          <dt>Rule</dt>
          <dd>
            {routing === null || routing.ruleId === null
              ? 'None'
              : `${routing.ruleId}, version ${routing.ruleVersion}`}
          </dd>
        </div>
      </dl>
      <RerouteDialog lead={isOpen ? lead : null} onClose={() => setOpen(false)} />
    </Panel>
  )
}
