import { queryOptions, useSuspenseQuery } from '@tanstack/react-query'
import { CurrentWorkspace } from '#access/workspace.schema.ts'
import { MINUTE_MS } from '#core/time.ts'
import { act, read } from '#console/api.ts'

export const workspaceQuery = queryOptions({
  queryKey: ['workspace'],
  queryFn: ({ signal }) => read(CurrentWorkspace, '/api/v1/workspace', {}, signal),
  staleTime: 5 * MINUTE_MS,
})

export interface Session extends CurrentWorkspace {
  can: (scope: string) => boolean
}

/** The workspace and what the person may do; loaded before any page is shown. */
export function useSession(): Session {
  const { data } = useSuspenseQuery(workspaceQuery)
  return { ...data, can: (scope) => canWith(data, scope) }
}

export function canWith({ principal }: CurrentWorkspace, scope: string): boolean {
  return principal.scopes.includes(scope)
}

export async function signIn(token: string): Promise<void> {
  await act('POST', '/api/v1/session', { token })
}

export async function signOut(): Promise<void> {
  await act('DELETE', '/api/v1/session')
}
