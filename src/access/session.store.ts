import { sql } from 'kysely'
import type { SystemTransaction } from '#store/store.ts'

export interface SessionRow {
  id: string
  workspaceId: string
  userId: string
  roles: string[]
  createdAt: Date
  lastSeenAt: Date
  expiresAt: Date
}

/** A session that was not revoked and whose user is active; the caller checks its times. */
export async function findSession(
  tx: SystemTransaction,
  tokenHash: Buffer,
): Promise<SessionRow | null> {
  return tx.find(sql<SessionRow>`
    select s.id, s.workspace_id, s.user_id, u.roles, s.created_at, s.last_seen_at, s.expires_at
    from sessions s join users u on u.id = s.user_id
    where s.token_hash = ${tokenHash} and s.revoked_at is null and u.active`)
}

export async function insertSession(
  tx: SystemTransaction,
  session: Omit<SessionRow, 'roles'>,
  tokenHash: Buffer,
): Promise<void> {
  await tx.execute(sql`
    insert into sessions (id, workspace_id, user_id, token_hash, created_at, last_seen_at, expires_at)
    values (${session.id}, ${session.workspaceId}, ${session.userId}, ${tokenHash}, ${session.createdAt}, ${session.lastSeenAt}, ${session.expiresAt})`)
}

export async function touchSession(
  tx: SystemTransaction,
  sessionId: string,
  now: Date,
): Promise<void> {
  await tx.execute(sql`update sessions set last_seen_at = ${now} where id = ${sessionId}`)
}

export async function revokeSession(
  tx: SystemTransaction,
  tokenHash: Buffer,
  now: Date,
): Promise<void> {
  await tx.execute(
    sql`update sessions set revoked_at = ${now} where token_hash = ${tokenHash} and revoked_at is null`,
  )
}

export async function insertSignInLink(
  tx: SystemTransaction,
  link: { workspaceId: string; userId: string; expiresAt: Date },
  tokenHash: Buffer,
): Promise<void> {
  await tx.execute(sql`
    insert into sign_in_links (token_hash, workspace_id, user_id, expires_at)
    values (${tokenHash}, ${link.workspaceId}, ${link.userId}, ${link.expiresAt})`)
}

/** Uses up a link: of several tries at once only one gets it. */
export async function takeSignInLink(
  tx: SystemTransaction,
  tokenHash: Buffer,
  now: Date,
): Promise<{ workspaceId: string; userId: string } | null> {
  return tx.find(sql<{ workspaceId: string; userId: string }>`
    update sign_in_links set used_at = ${now}
    where token_hash = ${tokenHash} and used_at is null and expires_at > ${now}
    returning workspace_id, user_id`)
}
