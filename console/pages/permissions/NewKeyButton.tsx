import { Button, MultiSelect, NumberInput, Select, TagsInput, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { DAY_MS } from '#core/time.ts'
import { AREA, createKey } from '#console/pages/permissions/access.queries.ts'
import { ScopeSelect } from '#console/pages/permissions/ScopeSelect.tsx'
import { rolesQuery } from '#console/pages/users/user.queries.ts'
import { useSession } from '#console/session.ts'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { NotRead } from '#console/ui/ErrorPane.tsx'
import { SecretDialog } from '#console/ui/SecretDialog.tsx'
import { useChange } from '#console/ui/use-change.ts'

const EMPTY = {
  name: '',
  roles: [] as string[],
  scopes: [] as string[],
  tenants: [] as string[],
  rateLimitPerMinute: 600,
  days: '365',
}

const ends = [
  { value: '30', label: 'after 30 days' },
  { value: '90', label: 'after 90 days' },
  { value: '365', label: 'after a year' },
  { value: '', label: 'never' },
]

/** Making a key of the workspace; it is shown once. */
export function NewKeyButton() {
  const { can } = useSession()
  const [isOpen, dialog] = useDisclosure()
  const [fields, setFields] = useState(EMPTY)
  const [secret, setSecret] = useState<string | null>(null)
  const roles = useQuery({ ...rolesQuery, enabled: isOpen && can('users:read') })
  const change = useChange(AREA)
  const set = (some: Partial<typeof EMPTY>) => setFields({ ...fields, ...some })
  const { days, tenants, ...rest } = fields
  const offered = (roles.data ?? []).filter(({ scopes }) => scopes.every(can))
  return (
    <>
      <Button size="xs" h={30} onClick={dialog.open}>
        Make a key…
      </Button>
      <ConfirmDialog
        opened={isOpen}
        onClose={dialog.close}
        title="Make an API key"
        confirm="Make the key"
        isBusy={change.isBusy}
        isIncomplete={rest.name.trim() === '' || rest.roles.length + rest.scopes.length === 0}
        onConfirm={() =>
          change.run(
            async () =>
              setSecret(
                await createKey({
                  ...rest,
                  name: rest.name.trim(),
                  tenants: tenants.length === 0 ? null : tenants,
                  expiresAt: days === '' ? null : new Date(Date.now() + Number(days) * DAY_MS),
                }),
              ),
            'The key works from now on.',
            () => {
              dialog.close()
              setFields(EMPTY)
            },
          )
        }
      >
        <NotRead what="Roles" error={roles.error} />
        <TextInput
          label="What the key is for"
          required
          maxLength={200}
          value={fields.name}
          onChange={(event) => set({ name: event.currentTarget.value })}
          data-autofocus
        />
        <MultiSelect
          label="Roles"
          description="Only those that hold nothing beyond your own"
          maxValues={10}
          searchable
          data={offered.map(({ name, label }) => ({ value: name, label }))}
          value={fields.roles}
          onChange={(value) => set({ roles: value })}
        />
        <ScopeSelect
          label="Scopes"
          description="Beyond those of the roles"
          value={fields.scopes}
          onChange={(scopes) => set({ scopes })}
        />
        <TagsInput
          label="Only for these customer accounts"
          description="Their ids; Enter after each. None: all"
          maxTags={1000}
          value={tenants}
          onChange={(value) => set({ tenants: value })}
        />
        <NumberInput
          label="Requests a minute"
          min={1}
          max={1_000_000}
          allowDecimal={false}
          thousandSeparator=","
          value={fields.rateLimitPerMinute}
          onChange={(value) => set({ rateLimitPerMinute: Number(value) || 600 })}
        />
        <Select
          label="It ends"
          data={ends}
          value={days}
          allowDeselect={false}
          onChange={(value) => set({ days: value ?? '365' })}
        />
      </ConfirmDialog>
      <SecretDialog title="Your new key" secret={secret} onClose={() => setSecret(null)}>
        Put it where it is used.
      </SecretDialog>
      {change.dialog}
    </>
  )
}
