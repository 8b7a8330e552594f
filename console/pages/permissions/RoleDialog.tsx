import { TextInput } from '@mantine/core'
import { useState } from 'react'
import { RoleName, type Role } from '#access/permissions/role.schema.ts'
import { AREA, saveRole } from '#console/pages/permissions/access.queries.ts'
import { ScopeSelect } from '#console/pages/permissions/ScopeSelect.tsx'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

/** A role of the workspace’s own: made, or changed under its name. */
export function RoleDialog({ role, onClose }: { role: Role | null; onClose: () => void }) {
  const [fields, setFields] = useState({
    name: role?.name ?? '',
    label: role?.label ?? '',
    scopes: role?.scopes ?? [],
  })
  const change = useChange(AREA)
  const isNamed = RoleName.safeParse(fields.name).success
  return (
    <>
      <ConfirmDialog
        opened
        onClose={onClose}
        title={role === null ? 'Make a role' : `Change the role ${role.label}`}
        confirm={role === null ? 'Make the role' : 'Save'}
        isBusy={change.isBusy}
        isIncomplete={!isNamed || fields.label.trim() === '' || fields.scopes.length === 0}
        onConfirm={() =>
          change.run(
            () => saveRole(fields.name, fields.label.trim(), fields.scopes),
            role === null
              ? 'The role is made; give it to somebody at Users.'
              : 'The role is changed; whoever has it may do so within five seconds.',
            onClose,
          )
        }
      >
        <TextInput
          label="Label"
          description="As people see it"
          required
          maxLength={100}
          value={fields.label}
          onChange={(event) => setFields({ ...fields, label: event.currentTarget.value })}
          data-autofocus
        />
        {role === null && (
          <TextInput
            label="Name"
            description="In the API, for good: small letters, figures, - and _"
            required
            maxLength={40}
            value={fields.name}
            error={fields.name !== '' && !isNamed && 'Begin with a letter; then a-z, 0-9, - and _.'}
            onChange={(event) => setFields({ ...fields, name: event.currentTarget.value })}
          />
        )}
        <ScopeSelect
          label="Scopes"
          description="Only what you have yourself is offered"
          required
          value={fields.scopes}
          onChange={(scopes) => setFields({ ...fields, scopes })}
        />
        {role !== null && (
          <p className={text.text}>It holds at once for everybody who has the role.</p>
        )}
      </ConfirmDialog>
      {change.dialog}
    </>
  )
}
