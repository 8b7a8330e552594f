import { sql } from 'kysely'
import type { ApiKey } from '#access/api-key.schema.ts'
import type { Queries, SystemTransaction, Transaction } from '#store/store.ts'

const columns = sql`id, name, prefix, roles, scopes, rate_limit_per_minute, created_at, expires_at, revoked_at, rotated_to, last_used_at, tenants, owner_id`

export interface KeyRow extends ApiKey {
  workspaceId: string
  secretHash: Buffer
  /** Of a person's own key: their roles now; null once their access has ended. */
  ownerRoles: string[] | null
}

/** The key with this prefix in whichever workspace; null when there is none. */
export async function findKeyByPrefix(
  tx: SystemTransaction,
  prefix: string,
): Promise<KeyRow | null> {
  return tx.find(
    sql<KeyRow>`
      select ${columns}, workspace_id, secret_hash,
        (select u.roles from users u where u.id = api_keys.owner_id and u.active) as owner_roles
      from api_keys where prefix = ${prefix}`,
  )
}

export async function insertKey(
  tx: Queries,
  workspaceId: string,
  key: ApiKey,
  secretHash: Buffer,
  createdBy: string,
): Promise<void> {
  await tx.execute(sql`
    insert into api_keys (id, workspace_id, name, prefix, secret_hash, roles, scopes, rate_limit_per_minute, created_at, created_by, expires_at, tenants, owner_id)
    values (${key.id}, ${workspaceId}, ${key.name}, ${key.prefix}, ${secretHash}, ${key.roles}, ${key.scopes}, ${key.rateLimitPerMinute},
      ${key.createdAt}, ${createdBy}, ${key.expiresAt}, ${key.tenants}, ${key.ownerId})`)
}

export async function listKeys(
  tx: Transaction,
  limit: number,
  before: string | null,
): Promise<ApiKey[]> {
  return tx.query(sql<ApiKey>`
    select ${columns} from api_keys where ${before}::text is null or id < ${before} order by id desc limit ${limit + 1}`)
}

export async function lockKey(tx: Transaction, keyId: string): Promise<ApiKey | null> {
  return tx.find(sql<ApiKey>`select ${columns} from api_keys where id = ${keyId} for update`)
}

export async function revokeKey(tx: Transaction, keyId: string, now: Date): Promise<ApiKey | null> {
  return tx.find(sql<ApiKey>`
    update api_keys set revoked_at = coalesce(revoked_at, ${now}) where id = ${keyId} returning ${columns}`)
}

/** The newest of a person's own keys, ended ones among them. */
export async function listOwnKeys(
  tx: Transaction,
  ownerId: string,
  limit: number,
): Promise<ApiKey[]> {
  return tx.query(
    sql<ApiKey>`select ${columns} from api_keys where owner_id = ${ownerId} order by id desc limit ${limit}`,
  )
}

export async function countLiveOwnKeys(
  tx: Transaction,
  ownerId: string,
  now: Date,
): Promise<number> {
  const row = await tx.find(sql<{ n: number }>`
    select count(*)::int as n from api_keys where owner_id = ${ownerId} and revoked_at is null and expires_at > ${now}`)
  return row?.n ?? 0
}

export async function revokeOwnKey(
  tx: Transaction,
  ownerId: string,
  keyId: string,
  now: Date,
): Promise<ApiKey | null> {
  return tx.find(sql<ApiKey>`
    update api_keys set revoked_at = coalesce(revoked_at, ${now})
    where id = ${keyId} and owner_id = ${ownerId} returning ${columns}`)
}

/** Ends all keys of a person, for good: nobody who comes back finds an old key at work. */
export async function revokeOwnKeys(tx: Transaction, ownerId: string, now: Date): Promise<void> {
  await tx.execute(
    sql`update api_keys set revoked_at = ${now} where owner_id = ${ownerId} and revoked_at is null`,
  )
}

export async function markRotated(
  tx: Transaction,
  keyId: string,
  rotatedTo: string,
  expiresAt: Date,
): Promise<void> {
  await tx.execute(sql`
    update api_keys set rotated_to = ${rotatedTo}, expires_at = least(coalesce(expires_at, ${expiresAt}), ${expiresAt}) where id = ${keyId}`)
}

/** Notes when keys were last used, all in one statement. */
export async function touchKeys(
  tx: SystemTransaction,
  used: { id: string; at: Date }[],
): Promise<void> {
  await tx.execute(sql`
    update api_keys k set last_used_at = greatest(k.last_used_at, r.at)
    from jsonb_to_recordset(${JSON.stringify(used)}::jsonb) as r(id text, at timestamptz) where k.id = r.id`)
}
