import { Button, Group } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import {
  AREA,
  keysQuery,
  revokeKey,
  rotateKey,
  type Key,
} from '#console/pages/permissions/access.queries.ts'
import { NewKeyButton } from '#console/pages/permissions/NewKeyButton.tsx'
import { RotateDialog } from '#console/pages/permissions/RotateDialog.tsx'
import { useSession } from '#console/session.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Moment, useNowMs } from '#console/ui/Moment.tsx'
import { PagedTable } from '#console/ui/PagedTable.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { SecretDialog } from '#console/ui/SecretDialog.tsx'
import type { Column } from '#console/ui/Table.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

/** The keys of the workspace, with what they may do and when they were last used. */
export function KeysView() {
  const { can } = useSession()
  const keys = useInfiniteQuery(keysQuery)
  return (
    <Panel
      title="API keys"
      hint="Keys themselves are shown once, when they are made. People’s own keys stand here too, and can be revoked."
      flush
      actions={can('keys:write') && <NewKeyButton />}
    >
      <PagedTable<Key>
        query={keys}
        caption="API keys, the newest first"
        what="keys"
        columns={columnsFor(can('keys:write'))}
        rowKey={({ id }) => id}
        empty={
          <EmptyState title="No key yet">
            Make one for a form, a script or another system, with just the scopes that it needs.
          </EmptyState>
        }
      />
    </Panel>
  )
}

function columnsFor(mayWrite: boolean): Column<Key>[] {
  return [
    {
      title: 'Key',
      isHeader: true,
      cell: ({ name, prefix, ownerId }) => (
        <>
          {name}
          <span className={text.line}>
            <span className={text.id}>tl_{prefix}…</span>
            {ownerId !== null && ' a person’s own'}
          </span>
        </>
      ),
    },
    { title: 'State', cell: (key) => <State apiKey={key} /> },
    {
      title: 'May',
      cell: ({ roles, scopes, tenants }) => (
        <span className={text.wrapped}>
          {[...roles.map((role) => `role ${role}`), ...scopes].join(', ')}
          {tenants !== null && (
            <span className={text.line}>only accounts {tenants.join(', ')}</span>
          )}
        </span>
      ),
    },
    { title: 'Last used', cell: ({ lastUsedAt }) => <Moment at={lastUsedAt} none="Never" /> },
    { title: 'Ends', cell: ({ expiresAt }) => <Moment at={expiresAt} none="Never" /> },
    ...(mayWrite
      ? [
          {
            title: 'Change',
            align: 'end' as const,
            cell: (key: Key) => key.revokedAt === null && <KeyActions apiKey={key} />,
          },
        ]
      : []),
  ]
}

function State({ apiKey: { revokedAt, expiresAt, rotatedTo } }: { apiKey: Key }) {
  const nowMs = useNowMs()
  if (revokedAt !== null)
    return (
      <Badge tone="bad">
        Revoked <Moment at={revokedAt} />
      </Badge>
    )
  if (expiresAt !== null && expiresAt.getTime() <= nowMs) return <Badge tone="bad">Ended</Badge>
  if (rotatedTo !== null) return <Badge tone="warn">Replaced, works until its end</Badge>
  return <Badge tone="good">In use</Badge>
}

function KeyActions({ apiKey: { id, name, ownerId, rotatedTo } }: { apiKey: Key }) {
  const [asked, setAsked] = useState<'rotate' | 'revoke' | null>(null)
  const [secret, setSecret] = useState<string | null>(null)
  const change = useChange(AREA)
  const close = () => setAsked(null)
  return (
    <Group gap={4} justify="flex-end" wrap="nowrap">
      {ownerId === null && rotatedTo === null && (
        <Button
          size="xs"
          variant="subtle"
          color="gray"
          onClick={() => setAsked('rotate')}
          aria-label={`Replace the key ${name}`}
        >
          Replace…
        </Button>
      )}
      <Button
        size="xs"
        variant="subtle"
        color="red"
        onClick={() => setAsked('revoke')}
        aria-label={`Revoke the key ${name}`}
      >
        Revoke…
      </Button>
      <RotateDialog
        opened={asked === 'rotate'}
        onClose={close}
        title={`Replace the key ${name}`}
        what="key"
        isBusy={change.isBusy}
        onConfirm={(overlapHours) =>
          change.run(
            async () => setSecret(await rotateKey(id, overlapHours)),
            'There is a new key with the same rights.',
            close,
          )
        }
      />
      <ConfirmDialog
        opened={asked === 'revoke'}
        onClose={close}
        title={`Revoke the key ${name}`}
        confirm="Revoke the key"
        isGrave
        isBusy={change.isBusy}
        onConfirm={() =>
          change.run(() => revokeKey(id), 'The key ends within five seconds.', close)
        }
      >
        <p className={text.text}>
          Whatever uses it is refused within five seconds, everywhere. This cannot be undone.
        </p>
      </ConfirmDialog>
      <SecretDialog title={`The new key ${name}`} secret={secret} onClose={() => setSecret(null)}>
        Put it in place of the old one.
      </SecretDialog>
      {change.dialog}
    </Group>
  )
}
