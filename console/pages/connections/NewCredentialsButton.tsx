import { Button, Skeleton, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconKey } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import {
  AREA,
  changeConnection,
  connectorsQuery,
  type Connection,
} from '#console/pages/connections/connections.queries.ts'
import {
  filledOf,
  isLacking,
  othersOf,
  SettingsForm,
  type SettingValues,
} from '#console/pages/connections/SettingsForm.tsx'
import { useSession } from '#console/session.ts'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { Permitted } from '#console/ui/Permitted.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

/** New credentials in the place of the old ones: tried first, so that no run meets ones that do not work. */
export function NewCredentialsButton({ connection }: { connection: Connection }) {
  const { can } = useSession()
  const [isOpen, dialog] = useDisclosure()
  const connectors = useQuery({ ...connectorsQuery, enabled: isOpen })
  const connector = connectors.data?.find(({ vendor }) => vendor === connection.vendor)
  const [login, setLogin] = useState(0)
  const [values, setValues] = useState<SettingValues | null>(null)
  const [endOn, setEndOn] = useState('')
  const change = useChange(AREA)
  const may = can('connections:write')
  const filled = values ?? shownOf(connection)
  const close = () => {
    dialog.close()
    setValues(null)
  }
  return (
    <>
      <Permitted isPermitted={may} scope="connections:write">
        <Button
          size="xs"
          variant="default"
          leftSection={<IconKey size={14} />}
          disabled={!may}
          onClick={dialog.open}
        >
          New credentials…
        </Button>
      </Permitted>
      <ConfirmDialog
        opened={isOpen}
        onClose={close}
        title={`New credentials for ${connection.name}`}
        confirm="Try and keep"
        isBusy={change.isBusy}
        isIncomplete={!connector || isLacking(connector, login, filled)}
        onConfirm={() => {
          if (!connector) return
          // What the old way to sign in took is let go of.
          const others = othersOf(connector, login).map((name) => [name, null] as const)
          const settings = { ...Object.fromEntries(others), ...filledOf(connector, login, filled) }
          change.run(
            () =>
              changeConnection(connection.id, {
                settings,
                credentialsEndOn: endOn === '' ? null : endOn,
              }),
            'The new credentials work and are kept. Runs under way end with the old ones.',
            close,
          )
        }}
      >
        {connectors.isError && <Problem error={connectors.error} />}
        {connectors.isPending && isOpen && <Skeleton height={160} />}
        {connector && (
          <SettingsForm
            connector={connector}
            login={login}
            values={filled}
            onLogin={setLogin}
            onChange={setValues}
          />
        )}
        <TextInput
          type="date"
          label="They end on"
          description="Where they do: you are told two weeks before"
          value={endOn}
          onChange={(event) => setEndOn(event.currentTarget.value)}
        />
        <p className={text.soft}>
          They are tried with one call first and kept only when they work; the old ones stay until
          then.
        </p>
      </ConfirmDialog>
      {change.dialog}
    </>
  )
}

/** The settings that are set and no secret: of secrets only that they are set is known, and that is no value. */
function shownOf({ settings }: Connection): SettingValues {
  const values: Record<string, string | number | boolean> = {}
  for (const [name, value] of Object.entries(settings)) {
    if (typeof value === 'string' || typeof value === 'number') values[name] = value
  }
  return values
}
