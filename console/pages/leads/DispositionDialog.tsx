import { Select } from '@mantine/core'
import { useState } from 'react'
import { dispositions } from '#domains/sales/disposition.schema.ts'
import {
  AREA,
  disposeLead,
  type LeadRow,
  type Verdict,
} from '#console/pages/leads/leads.queries.ts'
import { nameOf } from '#console/pages/people/PersonName.tsx'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

/** Taking a lead or turning it down, with a reason that reports count by; open while there is a lead. */
export function DispositionDialog({
  lead,
  verdict,
  onClose,
}: {
  lead: Pick<LeadRow, 'id' | 'email' | 'firstName' | 'lastName'> | null
  verdict: Verdict
  onClose: () => void
}) {
  const [chosen, setChosen] = useState<string | null>(null)
  const change = useChange(AREA)
  const reasons = Object.entries<string>(dispositions[verdict])
  const reason = reasons.some(([value]) => value === chosen) ? chosen : null
  const isAccept = verdict === 'accept'
  const name = lead === null ? '' : nameOf(lead, 'Lead')
  return (
    <>
      <ConfirmDialog
        opened={lead !== null}
        onClose={onClose}
        title={isAccept ? `Accept ${name}` : `Reject ${name}`}
        confirm={isAccept ? 'Accept the lead' : 'Reject the lead'}
        isBusy={change.isBusy}
        isIncomplete={reason === null}
        onConfirm={() =>
          change.run(
            () => disposeLead(lead?.id ?? '', verdict, reason ?? ''),
            isAccept ? `${name} is being worked.` : `${name} is rejected.`,
            () => {
              setChosen(null)
              onClose()
            },
          )
        }
      >
        <p className={text.text}>
          {isAccept
            ? 'The lead counts as being worked, and its follow-up is done. CRMs learn of it with the next run.'
            : 'The lead is disqualified, and its follow-up ends. The person stays, and so does what they did. It can be accepted later.'}
        </p>
        <Select
          label="Reason"
          placeholder="Choose a reason"
          required
          data={reasons.map(([value, label]) => ({ value, label }))}
          value={reason}
          onChange={setChosen}
          data-autofocus
        />
      </ConfirmDialog>
      {change.dialog}
    </>
  )
}
