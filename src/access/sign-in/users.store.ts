import { sql } from 'kysely'
import type { Queries, Transaction } from '#store/store.ts'

export interface UserRow {
  id: string
  personal: Buffer
  roles: string[]
  active: boolean
  hasPassword: boolean
  hasSecondFactor: boolean
  createdAt: Date
}

const columns = sql`
  u.id, u.personal, u.roles, u.active, u.created_at,
  exists (select from user_passwords p where p.user_id = u.id) as has_password,
  (exists (select from user_totp t where t.user_id = u.id and t.confirmed_at is not null)
    or exists (select from user_passkeys k where k.user_id = u.id)) as has_second_factor`

export async function listUsers(
  tx: Transaction,
  limit: number,
  before: string | null,
): Promise<UserRow[]> {
  return tx.query(sql<UserRow>`
    select ${columns} from users u where ${before}::text is null or u.id < ${before} order by u.id desc limit ${limit + 1}`)
}

export async function lockUser(tx: Transaction, userId: string): Promise<UserRow | null> {
  return tx.find(
    sql<UserRow>`select ${columns} from users u where u.id = ${userId} for update of u`,
  )
}

/** Adds a user; false when another one has the address, in whichever workspace. */
export async function insertUser(
  tx: Queries,
  user: {
    id: string
    workspaceId: string
    personal: Buffer
    emailIndex: Buffer | null
    roles: readonly string[]
    createdAt: Date
  },
): Promise<boolean> {
  const touched = await tx.execute(sql`
    insert into users (id, workspace_id, personal, email_index, roles, created_at)
    values (${user.id}, ${user.workspaceId}, ${user.personal}, ${user.emailIndex}, ${user.roles}, ${user.createdAt})
    on conflict (email_index) where email_index is not null do nothing`)
  return touched === 1
}

export async function updateUser(
  tx: Transaction,
  userId: string,
  change: { roles: readonly string[]; active: boolean },
): Promise<void> {
  await tx.execute(
    sql`update users set roles = ${change.roles}, active = ${change.active} where id = ${userId}`,
  )
}

/**
 * Whether somebody other than this user is an active administrator. The rows are locked, so that two administrators cannot
 * remove each other at the same moment.
 */
export async function hasOtherAdmin(tx: Transaction, userId: string): Promise<boolean> {
  const rows = await tx.query(sql<{ id: string }>`
    select id from users where active and 'admin' = any(roles) order by id limit 1000 for update`)
  return rows.some((row) => row.id !== userId)
}

/** Takes a user's password and factors away, so that only a new link lets them in. */
export async function deleteCredentials(tx: Transaction, userId: string): Promise<void> {
  await tx.execute(sql`delete from user_passwords where user_id = ${userId}`)
  await tx.execute(sql`delete from user_totp where user_id = ${userId}`)
  await tx.execute(sql`delete from user_passkeys where user_id = ${userId}`)
  await tx.execute(sql`delete from user_recovery_codes where user_id = ${userId}`)
}
