import { sql } from 'kysely'
import type { Queries, SystemTransaction, Transaction } from '#store/store.ts'

/** What a sign-in needs to know of a user. */
export interface SignInUser {
  id: string
  workspaceId: string
  personal: Buffer
  passwordHash: string | null
  totpSecret: Buffer | null
  passkeys: number
}

const signInColumns = sql`
  u.id, u.workspace_id, u.personal, p.hash as password_hash, t.secret as totp_secret,
  (select count(*)::int from user_passkeys k where k.user_id = u.id) as passkeys
  from users u
  left join user_passwords p on p.user_id = u.id
  left join user_totp t on t.user_id = u.id and t.confirmed_at is not null`

/** The active user with this address, in whichever workspace. */
export async function findUserByEmail(
  tx: SystemTransaction,
  emailIndex: Buffer,
): Promise<SignInUser | null> {
  return tx.find(
    sql<SignInUser>`select ${signInColumns} where u.email_index = ${emailIndex} and u.active`,
  )
}

export async function findSignInUser(tx: Queries, userId: string): Promise<SignInUser | null> {
  return tx.find(sql<SignInUser>`select ${signInColumns} where u.id = ${userId} and u.active`)
}

/** Takes a step of the clock for a code; false when that step or a later one was taken before. */
export async function takeTotpStep(tx: Queries, userId: string, step: number): Promise<boolean> {
  const touched = await tx.execute(
    sql`update user_totp set last_step = ${step} where user_id = ${userId} and last_step < ${step}`,
  )
  return touched === 1
}

/** Uses a recovery code up; false when it is no unused one of this user. */
export async function takeRecoveryCode(
  tx: Queries,
  userId: string,
  codeHash: Buffer,
  now: Date,
): Promise<boolean> {
  const touched = await tx.execute(sql`
    update user_recovery_codes set used_at = ${now}
    where user_id = ${userId} and code_hash = ${codeHash} and used_at is null`)
  return touched === 1
}

export async function replaceRecoveryCodes(
  tx: Transaction,
  userId: string,
  hashes: readonly Buffer[],
): Promise<void> {
  await tx.execute(sql`delete from user_recovery_codes where user_id = ${userId}`)
  await tx.execute(sql`
    insert into user_recovery_codes (user_id, workspace_id, code_hash)
    select ${userId}, ${tx.workspaceId}, decode(h, 'hex') from unnest(${hashes.map((hash) => hash.toString('hex'))}::text[]) as h`)
}

export interface PasskeyRow {
  id: string
  workspaceId: string
  userId: string
  credentialId: string
  publicKey: Buffer
  counter: number
  transports: string[]
  name: string
  createdAt: Date
  lastUsedAt: Date | null
}

/** The passkey of an active user, locked: its counter is compared and moved by one sign-in at a time. */
export async function lockPasskey(
  tx: SystemTransaction,
  credentialId: string,
): Promise<PasskeyRow | null> {
  return tx.find(sql<PasskeyRow>`
    select k.id, k.workspace_id, k.user_id, k.credential_id, k.public_key, k.counter, k.transports, k.name, k.created_at, k.last_used_at
    from user_passkeys k join users u on u.id = k.user_id and u.active
    where k.credential_id = ${credentialId} for update of k`)
}

export async function touchPasskey(
  tx: SystemTransaction,
  id: string,
  counter: number,
  now: Date,
): Promise<void> {
  await tx.execute(
    sql`update user_passkeys set counter = ${counter}, last_used_at = ${now} where id = ${id}`,
  )
}
