import { Button, Group, Stack, TextInput } from '@mantine/core'
import { useState } from 'react'
import { act } from '#console/api.ts'
import type { AccountParts } from '#console/pages/account/account.queries.ts'
import { addPasskey, passkeyHint } from '#console/webauthn.ts'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'

type Passkey = AccountParts['data']['passkeys'][number]

/** Passkeys sign in alone: they hold both factors, and no page can trick them away. */
export function PasskeysPanel({ data, change, isBusy }: AccountParts) {
  const [name, setName] = useState('')
  const hint = passkeyHint()
  return (
    <Panel
      title="Passkeys"
      hint="Sign in by fingerprint, face or security key, without a password."
    >
      <Stack gap="sm">
        <Table
          caption="Your passkeys"
          rows={data.passkeys}
          columns={columnsOf(change)}
          rowKey={(passkey) => passkey.id}
          empty={
            <EmptyState title="No passkeys yet">Add this device or a security key.</EmptyState>
          }
        />
        {hint === null ? (
          <form
            onSubmit={(event) => {
              event.preventDefault()
              change(() => addPasskey(name), 'The passkey is added.')
              setName('')
            }}
          >
            <Group align="flex-end">
              <TextInput
                label="Name of this device"
                required
                maxLength={100}
                value={name}
                onChange={(event) => setName(event.currentTarget.value)}
              />
              <Button type="submit" loading={isBusy}>
                Add a passkey
              </Button>
            </Group>
          </form>
        ) : (
          <p>{hint}</p>
        )}
      </Stack>
    </Panel>
  )
}

function columnsOf(change: AccountParts['change']): Column<Passkey>[] {
  return [
    { title: 'Name', cell: (passkey) => passkey.name, isHeader: true },
    { title: 'Added', cell: (passkey) => <Moment at={passkey.createdAt} /> },
    {
      title: 'Last used',
      cell: ({ lastUsedAt }) => (lastUsedAt === null ? 'Never' : <Moment at={lastUsedAt} />),
    },
    {
      title: 'Remove',
      align: 'end',
      cell: (passkey) => (
        <Button
          size="xs"
          variant="subtle"
          color="red"
          aria-label={`Remove the passkey ${passkey.name}`}
          onClick={() =>
            change(
              () => act('DELETE', `/api/v1/account/passkeys/${passkey.id}`),
              'The passkey is removed.',
            )
          }
        >
          Remove
        </Button>
      ),
    },
  ]
}
