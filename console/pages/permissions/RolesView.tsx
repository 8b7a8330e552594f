import { Button, Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { Role } from '#access/permissions/role.schema.ts'
import { formatCount } from '#console/format.ts'
import { deleteRole, scopesQuery } from '#console/pages/permissions/access.queries.ts'
import { RoleDialog } from '#console/pages/permissions/RoleDialog.tsx'
import { RoleMatrix } from '#console/pages/permissions/RoleMatrix.tsx'
import { RowActions } from '#console/pages/permissions/RowActions.tsx'
import { rolesQuery } from '#console/pages/users/user.queries.ts'
import { useSession } from '#console/session.ts'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { LockedPane } from '#console/ui/LockedPane.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'

/** Roles of the workspace’s own, and what every role lets its bearer do. */
export function RolesView() {
  const { can } = useSession()
  return can('users:read') ? <Roles /> : <LockedPane what="Roles" scope="users:read" />
}

function Roles() {
  const { can } = useSession()
  const roles = useQuery(rolesQuery)
  const scopes = useQuery(scopesQuery)
  const [edited, setEdited] = useState<Role | 'new' | null>(null)
  const mayWrite = can('access:write')
  const error = roles.error ?? scopes.error
  if (error !== null) return <Problem error={error} />
  if (!roles.data || !scopes.data) return <Skeleton height={420} />
  const own = roles.data.filter(({ builtIn }) => !builtIn)
  return (
    <>
      <Panel
        title="Own roles"
        hint="Beside the built-in ones, which stay as they are. Nobody can put more into a role than they have themselves."
        flush
        actions={
          mayWrite && (
            <Button size="xs" h={30} onClick={() => setEdited('new')}>
              Make a role…
            </Button>
          )
        }
      >
        <Table
          caption="Roles of your own"
          rows={own}
          columns={columnsFor(mayWrite, setEdited)}
          rowKey={({ name }) => name}
          empty={
            <EmptyState title="No role of your own yet">
              Where no built-in role fits, make one with just the scopes that somebody needs.
            </EmptyState>
          }
        />
      </Panel>
      <Panel
        title="Roles and scopes"
        hint="What each role lets its bearer do. Who has several roles may do what any of them allows."
        flush
      >
        <RoleMatrix roles={roles.data} scopes={scopes.data} />
      </Panel>
      {edited !== null && (
        <RoleDialog role={edited === 'new' ? null : edited} onClose={() => setEdited(null)} />
      )}
    </>
  )
}

function columnsFor(mayWrite: boolean, onEdit: (role: Role) => void): Column<Role>[] {
  return [
    {
      title: 'Role',
      isHeader: true,
      cell: ({ label, name }) => (
        <>
          {label} <span className={text.id}>{name}</span>
        </>
      ),
    },
    { title: 'Scopes', align: 'end', cell: ({ scopes }) => formatCount(scopes.length) },
    {
      title: 'Which',
      cell: ({ scopes }) => <span className={text.wrapped}>{scopes.join(', ')}</span>,
    },
    ...(mayWrite
      ? [
          {
            title: 'Change',
            align: 'end' as const,
            cell: (role: Role) => <RoleActions role={role} onEdit={onEdit} />,
          },
        ]
      : []),
  ]
}

function RoleActions({ role, onEdit }: { role: Role; onEdit: (role: Role) => void }) {
  const { name, label } = role
  return (
    <RowActions
      kind="role"
      name={label}
      onEdit={() => onEdit(role)}
      onDelete={() => deleteRole(name)}
    >
      <p className={text.text}>
        Whoever has it loses its scopes within five seconds. Grants for <code>role:{name}</code>{' '}
        stay and give nothing.
      </p>
    </RowActions>
  )
}
