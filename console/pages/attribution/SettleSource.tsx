import { Button, Select } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useState } from 'react'
import { formatWord } from '#console/format.ts'
import { AREA, putClaim, type Dispute } from '#console/pages/attribution/attribution.queries.ts'
import { useSession } from '#console/session.ts'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

/** What people agreed on about a deal, or the button to note it. */
export function SettleSource({
  dispute,
  channels,
}: {
  dispute: Dispute
  /** Those that somebody named. */
  channels: readonly string[]
}) {
  const { can } = useSession()
  const [isOpen, dialog] = useDisclosure()
  const [channel, setChannel] = useState<string | null>(null)
  const change = useChange(AREA)
  if (!can('claims:write')) return dispute.resolved === null ? '—' : formatWord(dispute.resolved)
  return (
    <>
      {dispute.resolved !== null && `${formatWord(dispute.resolved)} `}
      <Button size="xs" variant="subtle" color="gray" onClick={dialog.open}>
        {dispute.resolved === null ? 'Settle…' : 'Change…'}
      </Button>
      <ConfirmDialog
        opened={isOpen}
        onClose={dialog.close}
        title="Settle where the deal came from"
        confirm="Note it"
        isBusy={change.isBusy}
        isIncomplete={channel === null}
        onConfirm={() =>
          change.run(
            () => putClaim(dispute.opportunityId, channel ?? ''),
            'Noted with your name.',
            dialog.close,
          )
        }
      >
        <p className={text.text}>
          It is kept beside what the model, the CRM, the customer and the rep say, with your name.
          No credit moves.
        </p>
        <Select
          label="Channel"
          required
          data={channels.map((value) => ({ value, label: formatWord(value) }))}
          value={channel}
          onChange={setChannel}
        />
      </ConfirmDialog>
      {change.dialog}
    </>
  )
}
