import { Button } from '@mantine/core'
import { IconSend } from '@tabler/icons-react'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import type { Endpoint } from '#webhooks/webhook.schema.ts'
import { EndpointDialog } from '#console/pages/webhooks/EndpointDialog.tsx'
import {
  AREA,
  changeEndpoint,
  deleteEndpoint,
  rotateSecret,
  testEndpoint,
} from '#console/pages/webhooks/webhooks.queries.ts'
import { useSession } from '#console/session.ts'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { Permitted } from '#console/ui/Permitted.tsx'
import { SecretDialog } from '#console/ui/SecretDialog.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

/** What can be done with an endpoint: try it, change it, switch it, give it another secret, delete it. */
export function EndpointActions({ endpoint }: { endpoint: Endpoint }) {
  const { can } = useSession()
  const navigate = useNavigate()
  const [asked, setAsked] = useState<'edit' | 'rotate' | 'delete' | null>(null)
  const [secret, setSecret] = useState<string | null>(null)
  const change = useChange(AREA)
  const close = () => setAsked(null)
  const { id, url, description, events, format } = endpoint
  const isOff = endpoint.state === 'disabled'
  const mayWrite = can('webhooks:write')
  if (!mayWrite)
    return (
      <Permitted isPermitted={false} scope="webhooks:write">
        <Button size="xs" variant="default" disabled>
          Send a test
        </Button>
      </Permitted>
    )
  return (
    <>
      <Button
        size="xs"
        variant="default"
        leftSection={<IconSend size={14} />}
        disabled={isOff}
        onClick={() => change.run(() => testEndpoint(id), 'A test goes out within seconds.')}
      >
        Send a test
      </Button>
      <Button size="xs" variant="default" onClick={() => setAsked('edit')}>
        Edit…
      </Button>
      <Button
        size="xs"
        variant="default"
        onClick={() =>
          change.run(
            () => changeEndpoint(id, { state: isOff ? 'enabled' : 'disabled' }),
            isOff ? 'It is told again, also what waited.' : 'It is off; what comes waits.',
          )
        }
      >
        {isOff ? 'Switch on' : 'Switch off'}
      </Button>
      <Button size="xs" variant="default" onClick={() => setAsked('rotate')}>
        Another secret…
      </Button>
      <Button size="xs" variant="subtle" color="red" onClick={() => setAsked('delete')}>
        Delete…
      </Button>
      {asked === 'edit' && (
        <EndpointDialog
          opened
          onClose={close}
          title="Change the endpoint"
          confirm="Save"
          initial={{ url, description, events, format }}
          isNew={false}
          isBusy={change.isBusy}
          onConfirm={({ format: _kept, ...fields }) =>
            change.run(() => changeEndpoint(id, fields), 'The endpoint is changed.', close)
          }
        />
      )}
      <ConfirmDialog
        opened={asked === 'rotate'}
        onClose={close}
        title="Give it another secret"
        confirm="Make another secret"
        isBusy={change.isBusy}
        onConfirm={() =>
          change.run(
            async () => setSecret(await rotateSecret(id)),
            'Messages are signed by both secrets for a day.',
            close,
          )
        }
      >
        <p className={text.text}>
          For a day messages carry signatures by the old secret and the new one, so that the
          receiver can change over and refuses none.
        </p>
      </ConfirmDialog>
      <ConfirmDialog
        opened={asked === 'delete'}
        onClose={close}
        title="Delete the endpoint"
        confirm="Delete the endpoint"
        isGrave
        isBusy={change.isBusy}
        onConfirm={() =>
          change.run(
            async () => {
              await deleteEndpoint(id)
              await navigate({ to: '/webhooks' })
            },
            'The endpoint is deleted.',
            close,
          )
        }
      >
        <p className={text.text}>
          {url} is told nothing more. What it is still owed, and the record of what it was told, go
          with it.
        </p>
      </ConfirmDialog>
      <SecretDialog
        title="The new secret for checking signatures"
        secret={secret}
        onClose={() => setSecret(null)}
      >
        Give it to the receiver within a day.
      </SecretDialog>
      {change.dialog}
    </>
  )
}
