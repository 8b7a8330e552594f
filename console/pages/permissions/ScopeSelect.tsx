import { MultiSelect } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ScopeInfo } from '#access/permissions/role.schema.ts'
import { formatWord } from '#console/format.ts'
import { scopesQuery } from '#console/pages/permissions/access.queries.ts'
import { useSession } from '#console/session.ts'
import { NotRead } from '#console/ui/ErrorPane.tsx'

/** Scopes to choose from, by domain. Nobody can give what they do not have: that is not offered. */
export function ScopeSelect({
  label,
  description,
  required = false,
  value,
  onChange,
}: {
  label: string
  description?: string
  required?: boolean
  value: string[]
  onChange: (scopes: string[]) => void
}) {
  const { can } = useSession()
  const scopes = useQuery({ ...scopesQuery, enabled: can('access:read') })
  if (scopes.isError) return <NotRead what="Scopes" error={scopes.error} />
  const offered = (scopes.data ?? []).filter(({ name }) => can(name) || value.includes(name))
  return (
    <MultiSelect
      label={label}
      description={description}
      required={required}
      searchable
      clearable
      maxDropdownHeight={260}
      data={byDomain(offered).map(({ domain, scopes: items }) => ({
        group: formatWord(domain),
        items: items.map(({ name }) => ({ value: name, label: name })),
      }))}
      value={value}
      onChange={onChange}
      nothingFoundMessage="No such scope"
    />
  )
}

/** Scopes in the order of the list, the domains in that of their first scope. */
export function byDomain(
  scopes: readonly ScopeInfo[],
): { domain: string; scopes: readonly ScopeInfo[] }[] {
  return [...Map.groupBy(scopes, ({ domain }) => domain)].map(([domain, members]) => ({
    domain,
    scopes: members,
  }))
}
