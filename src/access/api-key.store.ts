import { sql } from 'kysely'
import type { ApiKey } from '#access/api-key.schema.ts'
import type { Queries, SystemTransaction, Transaction } from '#store/store.ts'

const columns = sql`id, name, prefix, roles, scopes, rate_limit_per_minute, created_at, expires_at, revoked_at, rotated_to, last_used_at, tenants`

export interface KeyRow extends ApiKey {
  workspaceId: string
  secretHash: Buffer
}

/** The key with this prefix in whichever workspace; null when there is none. */
export async function findKeyByPrefix(
  tx: SystemTransaction,
  prefix: string,
): Promise<KeyRow | null> {
  return tx.find(
    sql<KeyRow>`select ${columns}, workspace_id, secret_hash from api_keys where prefix = ${prefix}`,
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
    insert into api_keys (id, workspace_id, name, prefix, secret_hash, roles, scopes, rate_limit_per_minute, created_at, created_by, expires_at, tenants)
    values (${key.id}, ${workspaceId}, ${key.name}, ${key.prefix}, ${secretHash}, ${key.roles}, ${key.scopes}, ${key.rateLimitPerMinute},
      ${key.createdAt}, ${createdBy}, ${key.expiresAt}, ${key.tenants})`)
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
