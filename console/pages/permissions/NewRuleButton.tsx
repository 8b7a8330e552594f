import { Button, Checkbox, MultiSelect, Select, TagsInput, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import {
  AREA,
  createRule,
  scopesQuery,
  type Rule,
  type RuleFields,
} from '#console/pages/permissions/access.queries.ts'
import { devices, weekdays } from '#console/pages/permissions/rule-words.ts'
import { rolesQuery } from '#console/pages/users/user.queries.ts'
import { useSession } from '#console/session.ts'
import { ConfirmDialog } from '#console/ui/ConfirmDialog.tsx'
import { NotRead } from '#console/ui/ErrorPane.tsx'
import { useChange } from '#console/ui/use-change.ts'
import text from '#console/ui/Text.module.css'

const EMPTY = {
  name: '',
  effect: 'deny' as RuleFields['effect'],
  scopes: [] as string[],
  roles: [] as string[],
  dataClass: 'any' as 'any' | 'personal',
  networks: [] as string[],
  purposes: [] as string[],
  devices: null as Rule['devices'],
  isTimed: false,
  days: ['1', '2', '3', '4', '5'],
  from: '08:00',
  to: '18:00',
}

/** Making a rule: which scopes, whose, which data; from where, when, for what and on which device. */
export function NewRuleButton() {
  const { can, timeZone } = useSession()
  const [isOpen, dialog] = useDisclosure()
  const [fields, setFields] = useState(EMPTY)
  const scopes = useQuery({ ...scopesQuery, enabled: isOpen })
  const roles = useQuery({ ...rolesQuery, enabled: isOpen && can('users:read') })
  const change = useChange(AREA)
  const set = (some: Partial<typeof EMPTY>) => setFields({ ...fields, ...some })
  const { isTimed, days, from, to, ...rest } = fields
  const body: RuleFields = {
    ...rest,
    name: rest.name.trim(),
    hours: isTimed ? { days: days.map(Number), from, to, timeZone } : null,
  }
  const asksAlways =
    !isTimed && rest.networks.length === 0 && rest.purposes.length === 0 && rest.devices === null
  return (
    <>
      <Button size="xs" h={30} onClick={dialog.open}>
        Make a rule…
      </Button>
      <ConfirmDialog
        opened={isOpen}
        onClose={dialog.close}
        title="Tie scopes to circumstances"
        confirm="Make the rule"
        isGrave={rest.effect === 'deny'}
        isBusy={change.isBusy}
        isIncomplete={
          body.name === '' || rest.scopes.length === 0 || (isTimed && days.length === 0)
        }
        onConfirm={() =>
          change.run(
            () => createRule(body),
            'The rule holds within five seconds.',
            () => {
              dialog.close()
              setFields(EMPTY)
            },
          )
        }
      >
        <NotRead what="Scopes and roles" error={scopes.error ?? roles.error} />
        <TextInput
          label="Name"
          required
          maxLength={100}
          value={fields.name}
          onChange={(event) => set({ name: event.currentTarget.value })}
          data-autofocus
        />
        <TagsInput
          label="Scopes"
          description="Or patterns such as leads:*; Enter after each"
          required
          maxTags={50}
          data={(scopes.data ?? []).map(({ name }) => name)}
          value={fields.scopes}
          onChange={(value) => set({ scopes: value })}
        />
        <MultiSelect
          label="Roles"
          description="None: everybody"
          data={(roles.data ?? []).map(({ name, label }) => ({ value: name, label }))}
          value={fields.roles}
          onChange={(value) => set({ roles: value })}
        />
        <Select
          label="Data"
          data={[
            { value: 'any', label: 'All answers' },
            { value: 'personal', label: 'Only answers with personal values' },
          ]}
          value={fields.dataClass}
          allowDeselect={false}
          onChange={(value) => set({ dataClass: value ?? 'any' })}
        />
        <TagsInput
          label="Only from these networks"
          description="Addresses or networks, 10.0.0.0/8; none: from anywhere"
          maxTags={50}
          value={fields.networks}
          onChange={(value) => set({ networks: value })}
        />
        <Checkbox
          label="Only at certain times"
          checked={isTimed}
          onChange={(event) => set({ isTimed: event.currentTarget.checked })}
        />
        {isTimed && (
          <>
            <MultiSelect
              label="Days"
              data={weekdays.map(({ value, label }) => ({ value: String(value), label }))}
              value={days}
              onChange={(value) => set({ days: value })}
            />
            <div className={text.row}>
              <TextInput
                label="From"
                type="time"
                value={from}
                onChange={(event) => set({ from: event.currentTarget.value })}
              />
              <TextInput
                label="To"
                description={timeZone}
                type="time"
                value={to}
                onChange={(event) => set({ to: event.currentTarget.value })}
              />
            </div>
          </>
        )}
        <TagsInput
          label="Only for these purposes"
          description="As the caller states in X-Purpose; none: for any"
          maxTags={20}
          value={fields.purposes}
          onChange={(value) => set({ purposes: value })}
        />
        <Select
          label="Only on these devices"
          description="Asked of people, their own keys and applications that act for them; not of the workspace’s keys and clients"
          data={devices.map(({ value, label }) => ({ value, label }))}
          value={fields.devices ?? 'any'}
          allowDeselect={false}
          onChange={(value) =>
            set({ devices: value === 'known' || value === 'confirmed' ? value : null })
          }
        />
        <Select
          label="Otherwise"
          data={[
            { value: 'deny', label: 'Refuse the call' },
            { value: 'step_up', label: 'Ask to confirm who it is' },
          ]}
          value={fields.effect}
          allowDeselect={false}
          onChange={(value) => set({ effect: value ?? 'deny' })}
        />
        {asksAlways && (
          <p className={text.text}>No circumstance is stated: the rule applies to every call.</p>
        )}
      </ConfirmDialog>
      {change.dialog}
    </>
  )
}
