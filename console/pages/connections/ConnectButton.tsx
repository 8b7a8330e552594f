import { Button, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { AREA, connect, type Connector } from '#console/pages/connections/connections.queries.ts'
import {
  filledOf,
  isLacking,
  SettingsForm,
  type SettingValues,
} from '#console/pages/connections/SettingsForm.tsx'
import { useSession } from '#console/session.ts'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { Permitted } from '#console/ui/Permitted.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

/** Connecting a system: its credentials are tried at once and kept only when they work. */
export function ConnectButton({ connector }: { connector: Connector }) {
  const { can } = useSession()
  const navigate = useNavigate()
  const [isOpen, dialog] = useDisclosure()
  const [name, setName] = useState('')
  const [endOn, setEndOn] = useState('')
  const [login, setLogin] = useState(0)
  const [values, setValues] = useState<SettingValues>({})
  const change = useChange(AREA)
  const may = can('connections:write')
  const close = () => {
    dialog.close()
    setValues({})
  }
  const { vendor, label } = connector
  return (
    <>
      <Permitted isPermitted={may} scope="connections:write">
        <Button size="xs" disabled={!may} onClick={dialog.open}>
          Connect {label}…
        </Button>
      </Permitted>
      <ConfirmDialog
        opened={isOpen}
        onClose={close}
        title={`Connect ${label}`}
        confirm="Try and connect"
        isBusy={change.isBusy}
        isIncomplete={name.trim() === '' || isLacking(connector, login, values)}
        onConfirm={() =>
          change.run(async () => {
            const settings = filledOf(connector, login, values)
            const credentialsEndOn = endOn === '' ? null : endOn
            const id = await connect({ vendor, name: name.trim(), settings, credentialsEndOn })
            close()
            await navigate({ to: '/connections/$connectionId', params: { connectionId: id } })
          }, `${label} is connected. The first run starts within a minute, once every domain has signed.`)
        }
      >
        <TextInput
          label="Name"
          description="As it is called here, such as Sales CRM"
          required
          maxLength={200}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          data-autofocus
        />
        <SettingsForm
          connector={connector}
          login={login}
          values={values}
          onLogin={setLogin}
          onChange={setValues}
        />
        <TextInput
          type="date"
          label="Credentials end on"
          description="Where they do: you are told two weeks before"
          value={endOn}
          onChange={(event) => setEndOn(event.currentTarget.value)}
        />
        <p className={text.soft}>
          They are tried with one call, kept sealed, and never shown again. Nothing is written there
          yet.
        </p>
      </ConfirmDialog>
      {change.dialog}
    </>
  )
}
