/** A HubSpot owner. HubSpot docs: owners API. */
export interface Owner {
  id: string
  email: string
  type: 'PERSON' | 'QUEUE'
  firstName: string
  lastName: string
  userId: number
  teams: { id: string; name: string; primary: boolean }[]
  archived: boolean
  createdAtMs: number
  updatedAtMs: number
}

/** The wire form. A deactivated user keeps only `userIdIncludingInactive`. */
export function renderOwner(owner: Owner) {
  const { createdAtMs, updatedAtMs, userId, teams, ...rest } = owner
  return {
    ...rest,
    ...(owner.archived ? {} : { userId }),
    userIdIncludingInactive: userId,
    createdAt: new Date(createdAtMs).toISOString(),
    updatedAt: new Date(updatedAtMs).toISOString(),
    ...(teams.length > 0 ? { teams } : {}),
  }
}
