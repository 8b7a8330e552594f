import { Autocomplete } from '@mantine/core'
import type { PrincipalName } from '#console/pages/permissions/principals.ts'

const groups = [
  { kind: 'person', group: 'People' },
  { kind: 'key', group: 'API keys' },
  { kind: 'client', group: 'OAuth clients' },
] as const

const nameOf = ({ name, id }: PrincipalName) => `${name} (${id})`

/** Who it is about: chosen by name among those one may see, or written as an id. */
export function PrincipalInput({
  label,
  description,
  principals,
  roles = [],
  value,
  onChange,
}: {
  label: string
  description: string
  principals: readonly PrincipalName[]
  /** Roles that it may be about too. */
  roles?: readonly string[]
  value: string
  onChange: (id: string) => void
}) {
  const known = principals.find(({ id }) => id === value)
  const data = [
    ...groups.map(({ kind, group }) => ({
      group,
      items: principals.filter((one) => one.kind === kind).map(nameOf),
    })),
    { group: 'Roles', items: roles.map((role) => `role:${role}`) },
  ].filter(({ items }) => items.length > 0)
  return (
    <Autocomplete
      label={label}
      description={description}
      required
      maxLength={300}
      limit={100}
      maxDropdownHeight={260}
      data={data}
      value={known ? nameOf(known) : value}
      onChange={(typed) => onChange(principals.find((one) => nameOf(one) === typed)?.id ?? typed)}
    />
  )
}
