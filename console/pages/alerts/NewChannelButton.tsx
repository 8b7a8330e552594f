import { Button, MultiSelect, Select, TagsInput, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { createChannel, type ChannelFields } from '#console/pages/alerts/alerts.queries.ts'
import { watchesQuery } from '#console/pages/alerts/mutes.queries.ts'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { SecretDialog } from '#console/ui/SecretDialog.tsx'
import { useChange } from '#console/ui/use-change.ts'
import { NotRead } from '#console/ui/ErrorPane.tsx'

const EMPTY = {
  name: '',
  kind: 'email' as ChannelFields['kind'],
  to: [] as string[],
  url: '',
  minSeverity: 'warning' as ChannelFields['minSeverity'],
  watches: ['*'],
}

const kinds = [
  { value: 'email', label: 'E-mail' },
  { value: 'slack', label: 'Chat, by an incoming webhook' },
  { value: 'webhook', label: 'Signed webhook' },
] as const
const severities = [
  { value: 'info', label: 'All' },
  { value: 'warning', label: 'Warnings and critical ones' },
  { value: 'critical', label: 'Critical ones alone' },
] as const

/** Making a channel; the secret of a signed webhook is shown once. */
export function NewChannelButton() {
  const [isOpen, dialog] = useDisclosure()
  const [fields, setFields] = useState(EMPTY)
  const [secret, setSecret] = useState<string | null>(null)
  const watches = useQuery({ ...watchesQuery, enabled: isOpen })
  const change = useChange('alerts')
  const isMail = fields.kind === 'email'
  const options = [
    { value: '*', label: 'All' },
    ...(watches.data ?? []).map(({ name, title }) => ({ value: name, label: title })),
  ]
  return (
    <>
      <Button size="xs" h={30} onClick={dialog.open}>
        Make a channel…
      </Button>
      <ConfirmDialog
        opened={isOpen}
        onClose={dialog.close}
        title="Make a channel"
        confirm="Make the channel"
        isBusy={change.isBusy}
        isIncomplete={
          fields.watches.length === 0 || (isMail ? fields.to.length === 0 : fields.url === '')
        }
        onConfirm={() =>
          change.run(
            async () => setSecret(await createChannel(fields)),
            'The channel works from now on; send it a test.',
            () => {
              dialog.close()
              setFields(EMPTY)
            },
          )
        }
      >
        <TextInput
          label="Name"
          required
          maxLength={100}
          value={fields.name}
          onChange={(event) => setFields({ ...fields, name: event.currentTarget.value })}
        />
        <Select
          label="Kind"
          data={kinds}
          value={fields.kind}
          allowDeselect={false}
          onChange={(kind) => setFields({ ...fields, kind: kind ?? 'email' })}
        />
        {isMail ? (
          <TagsInput
            label="To"
            description="Addresses; Enter after each"
            maxTags={20}
            value={fields.to}
            onChange={(to) => setFields({ ...fields, to })}
          />
        ) : (
          <TextInput
            label="Address"
            type="url"
            required
            value={fields.url}
            onChange={(event) => setFields({ ...fields, url: event.currentTarget.value })}
          />
        )}
        <Select
          label="Tells"
          data={severities}
          value={fields.minSeverity}
          allowDeselect={false}
          onChange={(value) => setFields({ ...fields, minSeverity: value ?? 'warning' })}
        />
        <NotRead what="The watches" error={watches.error} />
        <MultiSelect
          label="Of"
          data={options}
          value={fields.watches}
          onChange={(chosen) => setFields({ ...fields, watches: chosen })}
        />
      </ConfirmDialog>
      <SecretDialog
        title="The secret for checking signatures"
        secret={secret}
        onClose={() => setSecret(null)}
      >
        Give it to the receiver.
      </SecretDialog>
      {change.dialog}
    </>
  )
}
