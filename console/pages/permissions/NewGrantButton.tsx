import { Autocomplete, Button, SegmentedControl, Select, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import {
  AREA,
  createGrant,
  scopesQuery,
  teamsQuery,
  type GrantFields,
} from '#console/pages/permissions/access.queries.ts'
import { levels, type Level } from '#console/pages/permissions/grant-tree.ts'
import { PrincipalInput } from '#console/pages/permissions/PrincipalInput.tsx'
import type { PrincipalName } from '#console/pages/permissions/principals.ts'
import { rolesQuery } from '#console/pages/users/user.queries.ts'
import { useSession } from '#console/session.ts'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { NotRead } from '#console/ui/ErrorPane.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

const EMPTY = {
  subject: '',
  effect: 'allow' as GrantFields['effect'],
  scope: '',
  level: 'domain' as Level,
  name: '',
}

const levelOptions = levels.map(({ prefix, label }) => ({ value: prefix, label }))

/** Giving or denying something at a place. */
export function NewGrantButton({ principals }: { principals: readonly PrincipalName[] }) {
  const { can } = useSession()
  const [isOpen, dialog] = useDisclosure()
  const [fields, setFields] = useState(EMPTY)
  const scopes = useQuery({ ...scopesQuery, enabled: isOpen })
  const roles = useQuery({ ...rolesQuery, enabled: isOpen && can('users:read') })
  const change = useChange(AREA)
  const { subject, effect, scope, level, name } = fields
  const resources = new Set((scopes.data ?? []).map((one) => `${one.name.split(':')[0]}:*`))
  const node = level === 'org' ? 'org' : `${level}:${name.trim()}`
  return (
    <>
      <Button size="xs" h={30} onClick={dialog.open}>
        Give or deny…
      </Button>
      <ConfirmDialog
        opened={isOpen}
        onClose={dialog.close}
        title="Give or deny at a place"
        confirm={effect === 'allow' ? 'Give the right' : 'Deny it'}
        isGrave={effect === 'deny'}
        isBusy={change.isBusy}
        isIncomplete={subject === '' || scope === '' || (level !== 'org' && name.trim() === '')}
        onConfirm={() =>
          change.run(
            () => createGrant({ subject: subject.trim(), effect, scope: scope.trim(), node }),
            effect === 'allow' ? 'The right holds within five seconds.' : 'It is denied.',
            () => {
              dialog.close()
              setFields(EMPTY)
            },
          )
        }
      >
        <NotRead what="Scopes and roles" error={scopes.error ?? roles.error} />
        <PrincipalInput
          label="For"
          description="A person, key or client, or a role as role:sales"
          principals={principals}
          roles={(roles.data ?? []).map((role) => role.name)}
          value={subject}
          onChange={(value) => setFields({ ...fields, subject: value })}
        />
        <div>
          <SegmentedControl
            aria-label="Effect"
            value={effect}
            data={[
              { value: 'allow', label: 'Give' },
              { value: 'deny', label: 'Deny' },
            ]}
            onChange={(value) => setFields({ ...fields, effect: value })}
          />
        </div>
        <Autocomplete
          label="Scope"
          description="One scope, or a pattern: leads:*, *:read, *"
          required
          maxLength={61}
          limit={100}
          maxDropdownHeight={220}
          data={[...(scopes.data ?? []).map((one) => one.name), ...resources]}
          value={scope}
          onChange={(value) => setFields({ ...fields, scope: value })}
        />
        <Select
          label="Where"
          data={levelOptions}
          value={level}
          allowDeselect={false}
          onChange={(value) => setFields({ ...fields, level: value ?? 'org', name: '' })}
        />
        <PlaceInput
          level={level}
          name={name}
          domains={[...new Set((scopes.data ?? []).map(({ domain }) => domain))]}
          onChange={(value) => setFields({ ...fields, name: value })}
        />
        {effect === 'deny' && (
          <p className={text.text}>A denial wins over every right, also over those of roles.</p>
        )}
      </ConfirmDialog>
      {change.dialog}
    </>
  )
}

function PlaceInput({
  level,
  name,
  domains,
  onChange,
}: {
  level: Level
  name: string
  domains: string[]
  onChange: (name: string) => void
}) {
  const teams = useQuery({ ...teamsQuery, enabled: level === 'team' })
  if (level === 'org') return null
  if (teams.isError) return <NotRead what="Teams" error={teams.error} />
  if (level === 'record')
    return (
      <TextInput
        label="Record"
        description="Its id, such as lead_…"
        required
        maxLength={64}
        value={name}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
    )
  const options = level === 'domain' ? domains : (teams.data ?? []).map((team) => team.name)
  return (
    <Select
      label={level === 'domain' ? 'Domain' : 'Team'}
      required
      data={options}
      value={name === '' ? null : name}
      nothingFoundMessage="Make a team first"
      searchable
      onChange={(value) => onChange(value ?? '')}
    />
  )
}
