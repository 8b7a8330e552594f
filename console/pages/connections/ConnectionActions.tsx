import { Button, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconPlayerPause, IconPlayerPlay, IconPlugConnected } from '@tabler/icons-react'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { formatCount } from '#console/format.ts'
import {
  AREA,
  changeConnection,
  deleteConnection,
  testConnection,
  type Connection,
} from '#console/pages/connections/connections.queries.ts'
import { NewCredentialsButton } from '#console/pages/connections/NewCredentialsButton.tsx'
import { useSession } from '#console/session.ts'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { Permitted } from '#console/ui/Permitted.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'
import classes from './Connections.module.css'

/** What can be done with a connection as a whole. */
export function ConnectionActions({ connection }: { connection: Connection }) {
  const { can } = useSession()
  const change = useChange(AREA)
  const test = useChange(AREA)
  const { id, name, state } = connection
  const may = can('connections:write')
  const next = state === 'paused' ? 'active' : 'paused'
  return (
    <div className={classes.actions}>
      <Permitted isPermitted={may} scope="connections:write">
        <Button
          size="xs"
          variant="default"
          leftSection={<IconPlugConnected size={14} />}
          disabled={!may}
          loading={test.isBusy}
          onClick={() =>
            test.run(
              () => testConnection(id),
              ({ account, durationMs }) =>
                `${name} works: ${account} answered in ${formatCount(durationMs)} ms.`,
            )
          }
        >
          Test
        </Button>
      </Permitted>
      <NewCredentialsButton connection={connection} />
      <Permitted isPermitted={may} scope="connections:write">
        <Button
          size="xs"
          variant="default"
          leftSection={
            next === 'paused' ? <IconPlayerPause size={14} /> : <IconPlayerPlay size={14} />
          }
          disabled={!may}
          loading={change.isBusy}
          onClick={() =>
            change.run(
              () => changeConnection(id, { state: next }),
              next === 'paused'
                ? `${name} is paused. Changes wait and are not lost.`
                : `${name} runs again.`,
            )
          }
        >
          {next === 'paused' ? 'Pause' : 'Resume'}
        </Button>
      </Permitted>
      <DeleteButton connection={connection} />
      {test.dialog}
      {change.dialog}
    </div>
  )
}

function DeleteButton({ connection: { id, name } }: { connection: Connection }) {
  const { can } = useSession()
  const navigate = useNavigate()
  const [isOpen, dialog] = useDisclosure()
  const [typed, setTyped] = useState('')
  const change = useChange(AREA)
  const may = can('connections:write')
  return (
    <>
      <Permitted isPermitted={may} scope="connections:write">
        <Button size="xs" variant="subtle" color="gray" disabled={!may} onClick={dialog.open}>
          Delete…
        </Button>
      </Permitted>
      <ConfirmDialog
        opened={isOpen}
        onClose={dialog.close}
        title={`Delete ${name}`}
        confirm="Delete the connection"
        isGrave
        isBusy={change.isBusy}
        isIncomplete={typed !== name}
        onConfirm={() =>
          change.run(
            async () => {
              await deleteConnection(id)
              await navigate({ to: '/connections' })
            },
            `${name} is deleted.`,
            dialog.close,
          )
        }
      >
        <p className={text.text}>
          Its runs, mappings, links between records, conflicts and backfills go with it, and cannot
          be brought back. Records here stay, and no record is deleted in the connected system.
          Webhooks that the hub made there are taken away after it.
        </p>
        <TextInput
          label={`Type ${name} to confirm`}
          required
          autoComplete="off"
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          data-autofocus
        />
      </ConfirmDialog>
      {change.dialog}
    </>
  )
}
