import { Button, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useState } from 'react'
import { AREA, liftSuppression } from '#console/pages/privacy/privacy.queries.ts'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { useChange } from '#console/ui/use-change.ts'

/** Lets an erased address in again; the address has to be given, since none is kept. */
export function LiftSuppressionButton() {
  const [isOpen, dialog] = useDisclosure()
  const [email, setEmail] = useState('')
  const change = useChange(AREA)
  return (
    <>
      <Button size="xs" h={30} onClick={dialog.open}>
        Lift one…
      </Button>
      <ConfirmDialog
        opened={isOpen}
        onClose={dialog.close}
        title="Let an address in again"
        confirm="Let it in again"
        reason={{
          label: 'Reason',
          description:
            'Why the person may be kept again. No personal data: it outlives an erasure.',
          required: true,
        }}
        isBusy={change.isBusy}
        isIncomplete={email.trim() === ''}
        onConfirm={(reason) =>
          change.run(
            () => liftSuppression(email.trim(), reason),
            'Imports and syncs may bring the address again.',
            () => {
              setEmail('')
              dialog.close()
            },
          )
        }
      >
        <TextInput
          label="Address"
          description="Only a hash is kept, so that it has to be given."
          type="email"
          required
          maxLength={254}
          value={email}
          onChange={(event) => setEmail(event.currentTarget.value)}
        />
      </ConfirmDialog>
      {change.dialog}
    </>
  )
}
