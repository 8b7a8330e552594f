import { sql } from 'kysely'
import type { OAuthClient } from '#access/oauth/client.schema.ts'
import type { SystemTransaction, Transaction } from '#store/store.ts'

const columns = sql`id, name, kind, authentication, redirect_uris, scopes, rate_limit_per_minute, created_at, revoked_at`

export interface ClientRow extends OAuthClient {
  workspaceId: string
  secretHash: Buffer | null
  oldSecretHash: Buffer | null
  oldSecretUntil: Date | null
}

/** The client in whichever workspace, unless it was revoked. */
export async function findClient(tx: SystemTransaction, id: string): Promise<ClientRow | null> {
  return tx.find(sql<ClientRow>`
    select ${columns}, workspace_id, secret_hash, old_secret_hash, old_secret_until
    from oauth_clients where id = ${id} and revoked_at is null`)
}

export async function insertClient(
  tx: Transaction,
  client: OAuthClient,
  secretHash: Buffer | null,
  createdBy: string,
): Promise<void> {
  await tx.execute(sql`
    insert into oauth_clients (id, workspace_id, name, kind, secret_hash, authentication, redirect_uris, scopes, rate_limit_per_minute, created_at, created_by)
    values (${client.id}, ${tx.workspaceId}, ${client.name}, ${client.kind}, ${secretHash}, ${client.authentication}, ${client.redirectUris},
      ${client.scopes}, ${client.rateLimitPerMinute}, ${client.createdAt}, ${createdBy})`)
}

export async function listClients(
  tx: Transaction,
  limit: number,
  before: string | null,
): Promise<OAuthClient[]> {
  return tx.query(sql<OAuthClient>`
    select ${columns} from oauth_clients where ${before}::text is null or id < ${before} order by id desc limit ${limit + 1}`)
}

/** Ends the client; its tokens end with it, because each is checked against the client. */
export async function revokeClient(
  tx: Transaction,
  id: string,
  now: Date,
): Promise<OAuthClient | null> {
  return tx.find(sql<OAuthClient>`
    update oauth_clients set revoked_at = coalesce(revoked_at, ${now}) where id = ${id} returning ${columns}`)
}

/** Gives the client a new secret; the old one goes on until the moment given. Null when it has none or was revoked. */
export async function rotateSecret(
  tx: Transaction,
  id: string,
  secretHash: Buffer,
  oldUntil: Date,
): Promise<OAuthClient | null> {
  return tx.find(sql<OAuthClient>`
    update oauth_clients set old_secret_hash = secret_hash, old_secret_until = ${oldUntil}, secret_hash = ${secretHash}
    where id = ${id} and revoked_at is null and secret_hash is not null returning ${columns}`)
}

/** Who a token speaks for, as things stand now; null when client or person is gone, or the token or its grant was revoked. */
export interface TokenBearer {
  workspaceId: string
  scopes: string[]
  rateLimitPerMinute: number
  roles: string[] | null
}

export async function findTokenBearer(
  tx: SystemTransaction,
  token: { clientId: string; userId: string | null; ids: string[] },
): Promise<TokenBearer | null> {
  return tx.find(sql<TokenBearer>`
    select c.workspace_id, c.scopes, c.rate_limit_per_minute, u.roles
    from oauth_clients c
    left join users u on u.id = ${token.userId} and u.workspace_id = c.workspace_id and u.active
    where c.id = ${token.clientId} and c.revoked_at is null and (${token.userId}::text is null or u.id is not null)
      and not exists (select from oauth_revocations r where r.id = any(${token.ids}))`)
}

/** Notes access tokens or grants as ended. */
export async function insertRevocation(
  tx: SystemTransaction,
  id: string,
  expiresAt: Date,
): Promise<void> {
  await tx.execute(sql`
    insert into oauth_revocations (id, expires_at) values (${id}, ${expiresAt}) on conflict (id) do nothing`)
}
