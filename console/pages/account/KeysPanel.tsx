import { Button, Code, CopyButton, Group, NativeSelect, Stack, TextInput } from '@mantine/core'
import { useState } from 'react'
import { IssuedApiKey } from '#access/api-key.schema.ts'
import { act } from '#console/api.ts'
import type { AccountParts } from '#console/pages/account/account.queries.ts'
import { useSession } from '#console/session.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'

type OwnKey = AccountParts['data']['keys'][number]

/** Keys by which one's own scripts and spreadsheets call the API; they never do more than their person may. */
export function KeysPanel({ data, change, isBusy }: AccountParts) {
  const { principal } = useSession()
  const [name, setName] = useState('')
  const [days, setDays] = useState('90')
  const [part, setPart] = useState('read')
  const [key, setKey] = useState<string | null>(null)
  const make = () =>
    change(async () => {
      const reading = principal.scopes.filter((scope) => scope.endsWith(':read'))
      const answer = await act('POST', '/api/v1/account/keys', {
        name,
        expiresInDays: Number(days),
        ...(part === 'read' ? { scopes: reading } : {}),
      })
      setKey(IssuedApiKey.parse(answer).key)
      setName('')
    }, 'Your key is made.')
  return (
    <Panel
      title="API keys of your own"
      hint="For your scripts and spreadsheets. A key does at most what you may when it is used, and ends with your access."
    >
      <Stack gap="sm">
        {key !== null && <NewKey value={key} onClose={() => setKey(null)} />}
        <Table
          caption="Your API keys"
          rows={data.keys}
          columns={columnsOf(change)}
          rowKey={(one) => one.id}
          empty={<EmptyState title="No keys yet">Make one for each thing that uses it.</EmptyState>}
        />
        <form
          onSubmit={(event) => {
            event.preventDefault()
            make()
          }}
        >
          <Group align="flex-end">
            <TextInput
              label="What the key is for"
              required
              maxLength={200}
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
            />
            <NativeSelect
              label="It may"
              value={part}
              onChange={(event) => setPart(event.currentTarget.value)}
              data={[
                { value: 'read', label: 'read what I may' },
                { value: 'all', label: 'read and write what I may' },
              ]}
            />
            <NativeSelect
              label="It ends after"
              value={days}
              onChange={(event) => setDays(event.currentTarget.value)}
              data={[
                { value: '7', label: '7 days' },
                { value: '90', label: '90 days' },
                { value: '365', label: 'a year' },
              ]}
            />
            <Button type="submit" loading={isBusy}>
              Make a key
            </Button>
          </Group>
        </form>
      </Stack>
    </Panel>
  )
}

function NewKey({ value, onClose }: { value: string; onClose: () => void }) {
  return (
    <section aria-label="Your new key">
      <p>Copy it now: it is shown this once.</p>
      <Group>
        <Code>{value}</Code>
        <CopyButton value={value}>
          {({ copied, copy }) => (
            <Button size="xs" variant="default" onClick={copy}>
              {copied ? 'Copied' : 'Copy'}
            </Button>
          )}
        </CopyButton>
        <Button size="xs" variant="subtle" onClick={onClose}>
          I have it
        </Button>
      </Group>
    </section>
  )
}

function badgeOf({ revokedAt, expiresAt }: OwnKey): { tone: 'good' | 'bad'; text: string } {
  if (revokedAt !== null) return { tone: 'bad', text: 'revoked' }
  if (expiresAt !== null && expiresAt <= new Date()) return { tone: 'bad', text: 'ended' }
  return { tone: 'good', text: 'in use' }
}

function columnsOf(change: AccountParts['change']): Column<OwnKey>[] {
  return [
    { title: 'Name', cell: ({ name }) => name, isHeader: true },
    { title: 'Begins with', cell: ({ prefix }) => <Code>{`tl_${prefix}`}</Code> },
    {
      title: 'State',
      cell: (key) => {
        const { tone, text } = badgeOf(key)
        return <Badge tone={tone}>{text}</Badge>
      },
    },
    {
      title: 'Last used',
      cell: ({ lastUsedAt }) => (lastUsedAt === null ? 'Never' : <Moment at={lastUsedAt} />),
    },
    {
      title: 'Ends',
      cell: ({ expiresAt }) => (expiresAt === null ? 'Never' : <Moment at={expiresAt} />),
    },
    {
      title: 'Revoke',
      align: 'end',
      cell: ({ id, name, revokedAt }) =>
        revokedAt === null ? (
          <Button
            size="xs"
            variant="subtle"
            color="red"
            aria-label={`Revoke the key ${name}`}
            onClick={() =>
              change(() => act('DELETE', `/api/v1/account/keys/${id}`), 'The key has ended.')
            }
          >
            Revoke
          </Button>
        ) : null,
    },
  ]
}
