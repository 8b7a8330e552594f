import { Button, Select, TagsInput, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useState } from 'react'
import { AREA, createClient, type ClientFields } from '#console/pages/permissions/access.queries.ts'
import { clientKinds } from '#console/pages/permissions/client-words.ts'
import { ScopeSelect } from '#console/pages/permissions/ScopeSelect.tsx'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { SecretDialog } from '#console/ui/SecretDialog.tsx'
import { useChange } from '#console/ui/use-change.ts'

const EMPTY: ClientFields = { name: '', kind: 'service', redirectUris: [], scopes: [] }

const kinds = (['service', 'web', 'native'] as const).map((value) => ({
  value,
  label: clientKinds[value],
}))

/** Registering an application; its secret is shown once. */
export function NewClientButton() {
  const [isOpen, dialog] = useDisclosure()
  const [fields, setFields] = useState(EMPTY)
  const [secret, setSecret] = useState<string | null>(null)
  const change = useChange(AREA)
  const isService = fields.kind === 'service'
  return (
    <>
      <Button size="xs" h={30} onClick={dialog.open}>
        Register a client…
      </Button>
      <ConfirmDialog
        opened={isOpen}
        onClose={dialog.close}
        title="Register a client"
        confirm="Register the client"
        isBusy={change.isBusy}
        isIncomplete={
          fields.name.trim() === '' ||
          fields.scopes.length === 0 ||
          (!isService && fields.redirectUris.length === 0)
        }
        onConfirm={() =>
          change.run(
            async () => setSecret(await createClient({ ...fields, name: fields.name.trim() })),
            'The client is registered.',
            () => {
              dialog.close()
              setFields(EMPTY)
            },
          )
        }
      >
        <TextInput
          label="Name"
          description="People see it when they are asked to agree"
          required
          maxLength={200}
          value={fields.name}
          onChange={(event) => setFields({ ...fields, name: event.currentTarget.value })}
          data-autofocus
        />
        <Select
          label="It acts"
          data={kinds}
          value={fields.kind}
          allowDeselect={false}
          onChange={(kind) => setFields({ ...fields, kind: kind ?? 'service', redirectUris: [] })}
        />
        {!isService && (
          <TagsInput
            label="Addresses to return to"
            description="Whole and exact, https; Enter after each"
            required
            maxTags={10}
            value={fields.redirectUris}
            onChange={(redirectUris) => setFields({ ...fields, redirectUris })}
          />
        )}
        <ScopeSelect
          label="Scopes"
          description="The most that its tokens can ever have"
          required
          value={fields.scopes}
          onChange={(scopes) => setFields({ ...fields, scopes })}
        />
      </ConfirmDialog>
      <SecretDialog title="The client’s secret" secret={secret} onClose={() => setSecret(null)}>
        Put it where the application reads it.
      </SecretDialog>
      {change.dialog}
    </>
  )
}
