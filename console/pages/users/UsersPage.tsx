import { Button, Group, MultiSelect, Stack, TextInput } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useQueryClient, useSuspenseQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Invitation, type User } from '#access/sign-in/user.schema.ts'
import { act } from '#console/api.ts'
import { rolesQuery, usersQuery } from '#console/pages/users/user.queries.ts'
import { useSession } from '#console/session.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { LockedPane } from '#console/ui/LockedPane.tsx'
import { PageHead } from '#console/ui/PageHead.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { useStepUp } from '#console/ui/StepUp.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'

/** Who may sign in, and what for. */
export function UsersPage() {
  const { can } = useSession()
  return can('users:read') ? <Users /> : <LockedPane what="Users" scope="users:read" />
}

function Users() {
  const { can, principal } = useSession()
  const { data: page } = useSuspenseQuery(usersQuery)
  const { data: roles } = useSuspenseQuery(rolesQuery)
  const queryClient = useQueryClient()
  const { run, isBusy, dialog } = useStepUp()
  const mayWrite = can('users:write')
  const change = (user: User, fields: object, done: string) =>
    run(async () => {
      await act('PATCH', `/api/v1/users/${user.id}`, fields)
      notifications.show({ color: 'green', message: done })
      await queryClient.invalidateQueries({ queryKey: ['users'] })
    })
  const options = roles.map(({ name, label }) => ({ value: name, label }))
  const columns = columnsOf({ ownId: principal.id, mayWrite, isBusy, options, change })
  return (
    <>
      <PageHead title="Users" subtitle="Who may sign in to this workspace, and what for." />
      <Stack gap="md">
        {mayWrite && <Invite options={options} run={run} isBusy={isBusy} />}
        <Panel title="People" flush>
          <Table
            caption="Who may sign in"
            rows={page.data}
            columns={columns}
            rowKey={(user) => user.id}
            empty={null}
          />
          {page.nextCursor !== null && <p>The newest {page.data.length} are shown.</p>}
        </Panel>
      </Stack>
      {dialog}
    </>
  )
}

interface RowParts {
  ownId: string
  mayWrite: boolean
  isBusy: boolean
  options: { value: string; label: string }[]
  change: (user: User, fields: object, done: string) => void
}

function columnsOf({ ownId, mayWrite, isBusy, options, change }: RowParts): Column<User>[] {
  return [
    { title: 'Name', isHeader: true, cell: (user) => user.name },
    { title: 'E-mail', cell: (user) => user.email ?? '–' },
    {
      title: 'Roles',
      cell: (user) =>
        mayWrite && user.active ? (
          <MultiSelect
            size="xs"
            aria-label={`Roles of ${user.name}`}
            data={options}
            value={user.roles}
            disabled={isBusy}
            onChange={(next) => {
              if (next.length > 0) change(user, { roles: next }, `${user.name} must sign in anew.`)
            }}
          />
        ) : (
          user.roles.join(', ')
        ),
    },
    {
      title: 'Sign-in',
      cell: (user) =>
        !user.active ? (
          <Badge tone="bad">ended</Badge>
        ) : user.hasSecondFactor ? (
          <Badge tone="good">second factor</Badge>
        ) : (
          <Badge tone="warn">{user.hasPassword ? 'password only' : 'by link'}</Badge>
        ),
    },
    {
      title: 'Access',
      align: 'end',
      cell: (user) =>
        mayWrite && user.id !== ownId ? (
          <Button
            size="xs"
            variant="subtle"
            color={user.active ? 'red' : 'gray'}
            onClick={() =>
              change(
                user,
                { active: !user.active },
                user.active ? 'Access has ended.' : 'They may sign in again.',
              )
            }
          >
            {user.active ? 'End access' : 'Give access'}
          </Button>
        ) : null,
    },
  ]
}

function Invite({
  options,
  run,
  isBusy,
}: {
  options: { value: string; label: string }[]
  run: (work: () => Promise<void>) => void
  isBusy: boolean
}) {
  const queryClient = useQueryClient()
  const [fields, setFields] = useState({ name: '', email: '', roles: ['viewer'] })
  const [link, setLink] = useState<string | null>(null)
  return (
    <Panel
      title="Invite somebody"
      hint="The link signs in once, within three days. Send it yourself."
    >
      <form
        onSubmit={(event) => {
          event.preventDefault()
          run(async () => {
            const answer = await act('POST', '/api/v1/users', fields)
            setLink(Invitation.parse(answer).link)
            setFields({ name: '', email: '', roles: ['viewer'] })
            await queryClient.invalidateQueries({ queryKey: ['users'] })
          })
        }}
      >
        <Group align="flex-end">
          <TextInput
            label="Name"
            required
            value={fields.name}
            onChange={(event) => setFields({ ...fields, name: event.currentTarget.value })}
          />
          <TextInput
            label="E-mail"
            type="email"
            required
            value={fields.email}
            onChange={(event) => setFields({ ...fields, email: event.currentTarget.value })}
          />
          <MultiSelect
            label="Roles"
            data={options}
            value={fields.roles}
            onChange={(roles) => setFields({ ...fields, roles })}
          />
          <Button type="submit" loading={isBusy} disabled={fields.roles.length === 0}>
            Make a link
          </Button>
        </Group>
      </form>
      {link !== null && (
        <p>
          Their link: <code>{link}</code>
        </p>
      )}
    </Panel>
  )
}
