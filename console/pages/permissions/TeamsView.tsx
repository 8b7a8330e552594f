import { Button, MultiSelect, TagsInput, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { RoleName } from '#access/permissions/role.schema.ts'
import {
  AREA,
  deleteTeam,
  ownersQuery,
  saveTeam,
  teamsQuery,
  type TeamRow,
} from '#console/pages/permissions/access.queries.ts'
import { RowActions } from '#console/pages/permissions/RowActions.tsx'
import { shortId } from '#console/pages/sync/RecordName.tsx'
import { useSession } from '#console/session.ts'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { NotRead } from '#console/ui/ErrorPane.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { QueryTable } from '#console/ui/QueryTable.tsx'
import type { Column } from '#console/ui/Table.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

/** Teams: a record belongs to the teams of its owner. */
export function TeamsView() {
  const { can } = useSession()
  const teams = useQuery(teamsQuery)
  const owners = useQuery({ ...ownersQuery, enabled: can('owners:read') })
  const [edited, setEdited] = useState<TeamRow | 'new' | null>(null)
  const mayWrite = can('access:write')
  const names = new Map((owners.data ?? []).map(({ id, name }) => [id as string, name]))
  return (
    <Panel
      title="Teams"
      hint="A record belongs to the teams of its owner; rights and denials can be given at a team."
      flush
      actions={
        mayWrite && (
          <Button size="xs" h={30} onClick={() => setEdited('new')}>
            Make a team…
          </Button>
        )
      }
    >
      <NotRead what="Names of owners" error={owners.error} />
      <QueryTable
        query={teams}
        caption="Teams and their owners"
        columns={columnsFor(names, mayWrite, setEdited)}
        rowKey={({ name }) => name}
        empty={
          <EmptyState title="No team yet">
            Make one of the people who own leads and deals; then give rights at it.
          </EmptyState>
        }
      />
      {edited !== null && (
        <TeamDialog
          team={edited === 'new' ? null : edited}
          names={names}
          onClose={() => setEdited(null)}
        />
      )}
    </Panel>
  )
}

function columnsFor(
  names: ReadonlyMap<string, string>,
  mayWrite: boolean,
  onEdit: (team: TeamRow) => void,
): Column<TeamRow>[] {
  return [
    { title: 'Team', isHeader: true, cell: ({ name }) => <span className={text.id}>{name}</span> },
    {
      title: 'Owners',
      cell: ({ ownerIds }) => (
        <span className={text.wrapped}>
          {ownerIds.length === 0
            ? 'Nobody'
            : ownerIds.map((id) => names.get(id) ?? shortId(id)).join(', ')}
        </span>
      ),
    },
    ...(mayWrite
      ? [
          {
            title: 'Change',
            align: 'end' as const,
            cell: (team: TeamRow) => <TeamActions team={team} onEdit={onEdit} />,
          },
        ]
      : []),
  ]
}

function TeamActions({ team, onEdit }: { team: TeamRow; onEdit: (team: TeamRow) => void }) {
  const { name } = team
  return (
    <RowActions
      kind="team"
      name={name}
      onEdit={() => onEdit(team)}
      onDelete={() => deleteTeam(name)}
    >
      <p className={text.text}>
        Rights and denials at <code>team:{name}</code> stay and reach nothing any more: also a
        denial, so that what it hid shows again to whoever has the scope.
      </p>
    </RowActions>
  )
}

function TeamDialog({
  team,
  names,
  onClose,
}: {
  team: TeamRow | null
  names: ReadonlyMap<string, string>
  onClose: () => void
}) {
  const [fields, setFields] = useState({ name: team?.name ?? '', ownerIds: team?.ownerIds ?? [] })
  const change = useChange(AREA)
  const isNamed = RoleName.safeParse(fields.name).success
  const choose = (ownerIds: string[]) => setFields({ ...fields, ownerIds })
  const known = new Set([...names.keys(), ...fields.ownerIds])
  return (
    <>
      <ConfirmDialog
        opened
        onClose={onClose}
        title={team === null ? 'Make a team' : `Change the team ${team.name}`}
        confirm={team === null ? 'Make the team' : 'Save'}
        isBusy={change.isBusy}
        isIncomplete={!isNamed}
        onConfirm={() =>
          change.run(
            () => saveTeam(fields.name, fields.ownerIds),
            team === null ? 'The team is made.' : 'The team is changed.',
            onClose,
          )
        }
      >
        {team === null && (
          <TextInput
            label="Name"
            description="Small letters, figures, - and _"
            required
            maxLength={40}
            value={fields.name}
            error={fields.name !== '' && !isNamed && 'Begin with a letter; then a-z, 0-9, - and _.'}
            onChange={(event) => setFields({ ...fields, name: event.currentTarget.value })}
            data-autofocus
          />
        )}
        {names.size > 0 ? (
          <MultiSelect
            label="Owners"
            searchable
            maxDropdownHeight={240}
            data={[...known].map((id) => ({ value: id, label: names.get(id) ?? id }))}
            value={fields.ownerIds}
            onChange={choose}
          />
        ) : (
          <TagsInput
            label="Owners"
            description="Their ids, own_…; Enter after each"
            value={fields.ownerIds}
            onChange={choose}
          />
        )}
      </ConfirmDialog>
      {change.dialog}
    </>
  )
}
