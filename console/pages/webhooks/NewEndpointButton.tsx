import { Button } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { EndpointDialog, type EndpointForm } from '#console/pages/webhooks/EndpointDialog.tsx'
import { AREA, createEndpoint } from '#console/pages/webhooks/webhooks.queries.ts'
import { SecretDialog } from '#console/ui/SecretDialog.tsx'
import { useChange } from '#console/ui/use-change.ts'

const EMPTY: EndpointForm = { url: '', description: '', format: 'standard', events: [] }

/** Making an endpoint; once its secret is put away, its page opens. */
export function NewEndpointButton() {
  const navigate = useNavigate()
  const [isOpen, dialog] = useDisclosure()
  const [made, setMade] = useState<{ id: string; secret: string } | null>(null)
  const change = useChange(AREA)
  return (
    <>
      <Button size="xs" h={30} onClick={dialog.open}>
        Make an endpoint…
      </Button>
      {isOpen && (
        <EndpointDialog
          opened
          onClose={dialog.close}
          title="Make an endpoint"
          confirm="Make the endpoint"
          initial={EMPTY}
          isNew
          isBusy={change.isBusy}
          onConfirm={(fields) =>
            change.run(
              async () => setMade(await createEndpoint(fields)),
              'The endpoint is told from now on; send it a test.',
              dialog.close,
            )
          }
        />
      )}
      <SecretDialog
        title="The secret for checking signatures"
        secret={made?.secret ?? null}
        onClose={() => {
          const endpointId = made?.id ?? ''
          setMade(null)
          void navigate({ to: '/webhooks/$endpointId', params: { endpointId } })
        }}
      >
        Give it to the receiver, which checks each message by it.
      </SecretDialog>
      {change.dialog}
    </>
  )
}
