import { sql } from 'kysely'
import type { PasskeyRow } from '#access/sign-in/user.store.ts'
import type { Transaction } from '#store/store.ts'

export interface Account {
  personal: Buffer
  workspaceName: string
  hasPassword: boolean
  standsAlone: boolean
  hasTotp: boolean
  recoveryCodesLeft: number
}

export async function findAccount(tx: Transaction, userId: string): Promise<Account | null> {
  return tx.find(sql<Account>`
    select u.personal, w.name as workspace_name, p.user_id is not null as has_password, coalesce(p.stands_alone, true) as stands_alone,
      exists (select from user_totp t where t.user_id = u.id and t.confirmed_at is not null) as has_totp,
      (select count(*)::int from user_recovery_codes c where c.user_id = u.id and c.used_at is null) as recovery_codes_left
    from users u join workspaces w on w.id = u.workspace_id left join user_passwords p on p.user_id = u.id
    where u.id = ${userId}`)
}

export async function savePassword(
  tx: Transaction,
  userId: string,
  hash: string,
  standsAlone: boolean,
  now: Date,
): Promise<void> {
  await tx.execute(sql`
    insert into user_passwords (user_id, workspace_id, hash, stands_alone, changed_at)
    values (${userId}, ${tx.workspaceId}, ${hash}, ${standsAlone}, ${now})
    on conflict (user_id) do update set hash = excluded.hash, stands_alone = excluded.stands_alone, changed_at = excluded.changed_at`)
}

/** Keeps a secret that is not confirmed yet; false when a confirmed one is there. */
export async function saveTotpDraft(
  tx: Transaction,
  userId: string,
  secret: Buffer,
  now: Date,
): Promise<boolean> {
  const touched = await tx.execute(sql`
    insert into user_totp as t (user_id, workspace_id, secret, created_at) values (${userId}, ${tx.workspaceId}, ${secret}, ${now})
    on conflict (user_id) do update set secret = excluded.secret, created_at = excluded.created_at where t.confirmed_at is null`)
  return touched === 1
}

export async function findTotpDraft(tx: Transaction, userId: string): Promise<Buffer | null> {
  const row = await tx.find(sql<{ secret: Buffer }>`
    select secret from user_totp where user_id = ${userId} and confirmed_at is null for update`)
  return row?.secret ?? null
}

export async function confirmTotp(
  tx: Transaction,
  userId: string,
  step: number,
  now: Date,
): Promise<void> {
  await tx.execute(
    sql`update user_totp set confirmed_at = ${now}, last_step = ${step} where user_id = ${userId}`,
  )
}

export async function deleteTotp(tx: Transaction, userId: string): Promise<void> {
  await tx.execute(sql`delete from user_totp where user_id = ${userId}`)
  await tx.execute(sql`delete from user_recovery_codes where user_id = ${userId}`)
}

export async function listPasskeys(tx: Transaction, userId: string): Promise<PasskeyRow[]> {
  return tx.query(sql<PasskeyRow>`
    select id, workspace_id, user_id, credential_id, public_key, counter, transports, name, created_at, last_used_at
    from user_passkeys where user_id = ${userId} order by id limit 50`)
}

export async function insertPasskey(
  tx: Transaction,
  row: Omit<PasskeyRow, 'workspaceId' | 'lastUsedAt'>,
): Promise<void> {
  await tx.execute(sql`
    insert into user_passkeys (id, workspace_id, user_id, credential_id, public_key, counter, transports, name, created_at)
    values (${row.id}, ${tx.workspaceId}, ${row.userId}, ${row.credentialId}, ${row.publicKey}, ${row.counter}, ${row.transports},
      ${row.name}, ${row.createdAt})`)
}

export async function deletePasskey(tx: Transaction, userId: string, id: string): Promise<boolean> {
  const touched = await tx.execute(
    sql`delete from user_passkeys where id = ${id} and user_id = ${userId}`,
  )
  return touched === 1
}
