import { Button, Group } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import {
  AREA,
  clientsQuery,
  revokeClient,
  rotateClient,
  type Client,
} from '#console/pages/permissions/access.queries.ts'
import { clientKinds } from '#console/pages/permissions/client-words.ts'
import { NewClientButton } from '#console/pages/permissions/NewClientButton.tsx'
import { RotateDialog } from '#console/pages/permissions/RotateDialog.tsx'
import { useSession } from '#console/session.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { PagedTable } from '#console/ui/PagedTable.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { SecretDialog } from '#console/ui/SecretDialog.tsx'
import type { Column } from '#console/ui/Table.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

/** Applications that act for themselves, or for people who agreed. */
export function ClientsView() {
  const { can } = useSession()
  const clients = useInfiniteQuery(clientsQuery)
  return (
    <Panel
      title="OAuth clients"
      hint="Applications that get tokens: for themselves, or for people who agreed. A client’s scopes are the most that its tokens can ever have."
      flush
      actions={can('keys:write') && <NewClientButton />}
    >
      <PagedTable<Client>
        query={clients}
        caption="OAuth clients, the newest first"
        what="clients"
        columns={columnsFor(can('keys:write'))}
        rowKey={({ id }) => id}
        empty={
          <EmptyState title="No application is registered yet">
            Register one that signs people in, or that acts by itself with short-lived tokens.
          </EmptyState>
        }
      />
    </Panel>
  )
}

function columnsFor(mayWrite: boolean): Column<Client>[] {
  return [
    {
      title: 'Client',
      isHeader: true,
      cell: ({ name, id }) => (
        <>
          {name}
          <span className={`${text.line} ${text.id}`}>{id}</span>
        </>
      ),
    },
    { title: 'Acts', cell: ({ kind }) => clientKinds[kind] },
    {
      title: 'State',
      cell: ({ revokedAt }) =>
        revokedAt === null ? (
          <Badge tone="good">In use</Badge>
        ) : (
          <Badge tone="bad">
            Revoked <Moment at={revokedAt} />
          </Badge>
        ),
    },
    {
      title: 'Scopes',
      cell: ({ scopes }) => <span className={text.wrapped}>{scopes.join(', ')}</span>,
    },
    { title: 'Made', cell: ({ createdAt }) => <Moment at={createdAt} /> },
    ...(mayWrite
      ? [
          {
            title: 'Change',
            align: 'end' as const,
            cell: (client: Client) =>
              client.revokedAt === null && <ClientActions client={client} />,
          },
        ]
      : []),
  ]
}

function ClientActions({ client: { id, name, kind } }: { client: Client }) {
  const [asked, setAsked] = useState<'rotate' | 'revoke' | null>(null)
  const [secret, setSecret] = useState<string | null>(null)
  const change = useChange(AREA)
  const close = () => setAsked(null)
  return (
    <Group gap={4} justify="flex-end" wrap="nowrap">
      {kind !== 'native' && (
        <Button
          size="xs"
          variant="subtle"
          color="gray"
          onClick={() => setAsked('rotate')}
          aria-label={`Give ${name} a new secret`}
        >
          New secret…
        </Button>
      )}
      <Button
        size="xs"
        variant="subtle"
        color="red"
        onClick={() => setAsked('revoke')}
        aria-label={`Revoke ${name}`}
      >
        Revoke…
      </Button>
      <RotateDialog
        opened={asked === 'rotate'}
        onClose={close}
        title={`Give ${name} a new secret`}
        what="secret"
        isBusy={change.isBusy}
        onConfirm={(overlapHours) =>
          change.run(
            async () => setSecret(await rotateClient(id, overlapHours)),
            'The client has a new secret.',
            close,
          )
        }
      />
      <ConfirmDialog
        opened={asked === 'revoke'}
        onClose={close}
        title={`Revoke ${name}`}
        confirm="Revoke the client"
        isGrave
        isBusy={change.isBusy}
        onConfirm={() =>
          change.run(() => revokeClient(id), 'The client ends within five seconds.', close)
        }
      >
        <p className={text.text}>
          It and all tokens made for it stop working within five seconds, everywhere. This cannot be
          undone.
        </p>
      </ConfirmDialog>
      <SecretDialog
        title={`The new secret of ${name}`}
        secret={secret}
        onClose={() => setSecret(null)}
      >
        Put it where the application reads it.
      </SecretDialog>
      {change.dialog}
    </Group>
  )
}
