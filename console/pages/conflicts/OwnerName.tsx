import { useQuery } from '@tanstack/react-query'
import { usersQuery } from '#console/pages/users/user.queries.ts'
import { useSession } from '#console/session.ts'
import classes from '#console/ui/Text.module.css'

/** Who has it: by name for those who may see the people of the workspace, else by id. */
export function OwnerName({
  owner,
  verb = 'with',
}: {
  owner: string | null
  verb?: 'with' | 'by'
}) {
  const { can, principal } = useSession()
  const isPerson = owner !== null && owner !== 'system'
  const users = useQuery({ ...usersQuery, enabled: isPerson && can('users:read') })
  if (owner === null) return <span>nobody has it</span>
  if (owner === 'system') return <span>{verb} the hub</span>
  if (owner === principal.id) return <span>{verb} you</span>
  const name = users.data?.data.find(({ id }) => id === owner)?.name
  return name === undefined ? (
    <span title={users.error ? `The name could not be read: ${users.error.message}` : undefined}>
      {verb} <span className={classes.id}>{owner}</span>
      {users.isError && ' (name not read)'}
    </span>
  ) : (
    <span>
      {verb} {name}
    </span>
  )
}
