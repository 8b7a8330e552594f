import { Select } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { ownersQuery } from '#console/pages/leads/leads.queries.ts'
import { useSession } from '#console/session.ts'
import { LockedNote } from '#console/ui/LockedPane.tsx'
import { NotRead } from '#console/ui/ErrorPane.tsx'

/** An owner of the workspace, or nobody. */
export function OwnerSelect({
  label,
  value,
  onChange,
}: {
  label: string
  value: string | null
  onChange: (ownerId: string | null) => void
}) {
  const { can } = useSession()
  const isOpen = can('owners:read')
  const owners = useQuery({ ...ownersQuery, enabled: isOpen })
  if (!isOpen) return <LockedNote what="The list of owners" scope="owners:read" />
  return (
    <>
      <NotRead what="Owners" error={owners.error} />
      <Select
        label={label}
        placeholder="Nobody"
        clearable
        searchable
        clearButtonProps={{ 'aria-label': 'Nobody' }}
        nothingFoundMessage="No such owner"
        data={(owners.data ?? [])
          .filter(({ active }) => active)
          .map(({ id, name }) => ({ value: id, label: name }))}
        value={value}
        onChange={onChange}
      />
    </>
  )
}
