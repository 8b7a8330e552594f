import { useQuery } from '@tanstack/react-query'
import { ownersQuery } from '#console/pages/leads/leads.queries.ts'
import { shortId } from '#console/pages/sync/RecordName.tsx'
import { useSession } from '#console/session.ts'
import { FieldValue } from '#console/ui/FieldValue.tsx'
import text from '#console/ui/Text.module.css'

/** Who works it: by name for those who may see owners, else by id. */
export function LeadOwner({ ownerId }: { ownerId: string | null }) {
  const { can } = useSession()
  const owners = useQuery({ ...ownersQuery, enabled: ownerId !== null && can('owners:read') })
  if (ownerId === null) return <span className={text.soft}>Nobody</span>
  const name = owners.data?.find(({ id }) => id === ownerId)?.name
  return name === undefined ? (
    <span className={text.id} title={ownerId}>
      {shortId(ownerId)}
    </span>
  ) : (
    <FieldValue value={name} />
  )
}
