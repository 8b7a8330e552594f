import { Button, NumberInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useState } from 'react'
import { AREA, overrideScore, type LeadWhole } from '#console/pages/leads/leads.queries.ts'
import { useSession } from '#console/session.ts'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { Permitted } from '#console/ui/Permitted.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

const DAYS = 30

/** Setting a score by hand for some days, with the reason that stays with it. */
export function OverrideButton({ lead: { id, score } }: { lead: LeadWhole }) {
  const { can } = useSession()
  const [isOpen, dialog] = useDisclosure()
  const [points, setPoints] = useState<number | string>(score)
  const [days, setDays] = useState<number | string>(DAYS)
  const change = useChange(AREA)
  const isPermitted = can('scoring:write')
  return (
    <>
      <Permitted isPermitted={isPermitted} scope="scoring:write">
        <Button size="xs" variant="default" disabled={!isPermitted} onClick={dialog.open}>
          Set by hand…
        </Button>
      </Permitted>
      <ConfirmDialog
        opened={isOpen}
        onClose={dialog.close}
        title="Set the score by hand"
        confirm="Set the score"
        reason={{
          label: 'Reason',
          description: 'At least three letters, shown with the score. No personal data.',
          required: true,
        }}
        isBusy={change.isBusy}
        isIncomplete={typeof points !== 'number' || typeof days !== 'number'}
        onConfirm={(reason) =>
          change.run(
            () => overrideScore(id, { score: Number(points), reason, days: Number(days) }),
            'The score counts from now on. Routing and follow-up go by it.',
            dialog.close,
          )
        }
      >
        <p className={text.text}>
          It counts in place of the computed score, which goes on beside it, until the days are over
          or the override is removed.
        </p>
        <NumberInput
          label="Score"
          required
          min={0}
          max={100}
          clampBehavior="strict"
          allowDecimal={false}
          value={points}
          onChange={setPoints}
        />
        <NumberInput
          label="For how many days"
          required
          min={1}
          max={365}
          clampBehavior="strict"
          allowDecimal={false}
          value={days}
          onChange={setDays}
        />
      </ConfirmDialog>
      {change.dialog}
    </>
  )
}
