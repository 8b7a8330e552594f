import type { Sealer } from '#store/vault.ts'

/** What is known of a user as a person. */
export interface UserPersonal {
  name: string
  email: string | null
}

const personalContext = (userId: string) => `users.personal:${userId}`

export function sealPersonal(sealer: Sealer, userId: string, personal: UserPersonal): Buffer {
  return sealer.seal(personal, personalContext(userId))
}

export function openPersonal(sealer: Sealer, userId: string, sealed: Buffer): UserPersonal {
  const { name, email } = sealer.open<{ name: string; email?: string | null }>(
    sealed,
    personalContext(userId),
  )
  return { name, email: email ?? null }
}
