import { queryOptions, useQuery } from '@tanstack/react-query'
import { ApiKey } from '#access/api-key.schema.ts'
import { OAuthClient } from '#access/oauth/client.schema.ts'
import { Page } from '#core/page.ts'
import { read } from '#console/api.ts'
import { usersQuery } from '#console/pages/users/user.queries.ts'
import { useSession } from '#console/session.ts'

/** Whoever can act: a person, a key or a client. */
export interface PrincipalName {
  id: string
  name: string
  kind: 'person' | 'key' | 'client'
}

/** The newest 200 of each, for names beside ids; a workspace with more shows the ids of the others. */
const namedKeysQuery = queryOptions({
  queryKey: ['access', 'named keys'],
  queryFn: async ({ signal }) =>
    (await read(Page(ApiKey), '/api/v1/keys', { limit: 200 }, signal)).data,
})

const namedClientsQuery = queryOptions({
  queryKey: ['access', 'named clients'],
  queryFn: async ({ signal }) =>
    (await read(Page(OAuthClient), '/api/v1/oauth/clients', { limit: 200 }, signal)).data,
})

/** Who can act, as far as one may see them: without a scope, or while names are on their way, there are none. */
export function usePrincipals(): PrincipalName[] {
  const { can } = useSession()
  const users = useQuery({ ...usersQuery, enabled: can('users:read') })
  const keys = useQuery({ ...namedKeysQuery, enabled: can('keys:read') })
  const clients = useQuery({ ...namedClientsQuery, enabled: can('keys:read') })
  return [
    ...(users.data?.data ?? [])
      .filter(({ active }) => active)
      .map(({ id, name }) => ({ id, name, kind: 'person' as const })),
    ...(keys.data ?? [])
      .filter(({ revokedAt }) => revokedAt === null)
      .map(({ id, name }) => ({ id, name, kind: 'key' as const })),
    ...(clients.data ?? [])
      .filter(({ revokedAt }) => revokedAt === null)
      .map(({ id, name }) => ({ id, name, kind: 'client' as const })),
  ]
}
