import { sql } from 'kysely'
import { expiryOf } from '#access/device.rules.ts'
import type { Queries, SystemTransaction, Transaction } from '#store/store.ts'

export interface SessionRow {
  id: string
  workspaceId: string
  userId: string
  roles: string[]
  createdAt: Date
  lastSeenAt: Date
  expiresAt: Date
  authenticatedAt: Date
  methods: string[]
  deviceId: string | null
  deviceHash: Buffer | null
  deviceBoundAt: Date | null
  deviceFirstSeenAt: Date | null
  deviceConfirmedAt: Date | null
}

export type NewSession = Omit<
  SessionRow,
  'roles' | 'deviceHash' | 'deviceFirstSeenAt' | 'deviceConfirmedAt'
>

/** A session that was not revoked, whose user is active and whose device was not forgotten; the caller checks its times. */
export async function findSession(
  tx: SystemTransaction,
  tokenHash: Buffer,
): Promise<SessionRow | null> {
  return tx.find(sql<SessionRow>`
    select s.id, s.workspace_id, s.user_id, u.roles, s.created_at, s.last_seen_at, s.expires_at, s.authenticated_at, s.methods,
      s.device_id, s.device_bound_at, d.token_hash as device_hash, d.created_at as device_first_seen_at, d.confirmed_at as device_confirmed_at
    from sessions s join users u on u.id = s.user_id left join user_devices d on d.id = s.device_id
    where s.token_hash = ${tokenHash} and s.revoked_at is null and u.active and (s.device_id is null or d.id is not null)`)
}

export async function insertSession(
  tx: SystemTransaction,
  session: NewSession,
  tokenHash: Buffer,
  place: Buffer,
): Promise<void> {
  await tx.execute(sql`
    insert into sessions (id, workspace_id, user_id, token_hash, created_at, last_seen_at, expires_at, authenticated_at, methods, place, device_id, device_bound_at)
    values (${session.id}, ${session.workspaceId}, ${session.userId}, ${tokenHash}, ${session.createdAt}, ${session.lastSeenAt},
      ${session.expiresAt}, ${session.authenticatedAt}, ${session.methods}, ${place}, ${session.deviceId}, ${session.deviceBoundAt})`)
}

/** Notes that a session was used, and with it the device that it is bound to. */
export async function touchSession(
  tx: SystemTransaction,
  sessionId: string,
  now: Date,
): Promise<void> {
  await tx.execute(sql`
    with touched as (
      update sessions set last_seen_at = ${now} where id = ${sessionId} returning device_id, device_bound_at)
    update user_devices d set last_seen_at = ${now}, expires_at = ${expiryOf(now)}
    from touched t where d.id = t.device_id and t.device_bound_at is not null`)
}

/** From now on the session is worth nothing without the cookie of its device. */
export async function bindSession(
  tx: SystemTransaction,
  sessionId: string,
  now: Date,
): Promise<void> {
  await tx.execute(
    sql`update sessions set device_bound_at = ${now} where id = ${sessionId} and device_bound_at is null`,
  )
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
  tx: Queries,
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

/** Gives a session a new token after its person proved themselves once more; the old token ends. */
export async function renewSession(
  tx: Queries,
  sessionId: string,
  tokenHash: Buffer,
  methods: readonly string[],
  now: Date,
): Promise<void> {
  await tx.execute(sql`
    update sessions set token_hash = ${tokenHash}, authenticated_at = ${now}, last_seen_at = ${now}, methods = ${methods}
    where id = ${sessionId} and revoked_at is null`)
}

/** Ends the sessions of a user, all or all but one. */
export async function revokeSessions(
  tx: Queries,
  userId: string,
  exceptId: string | null,
  now: Date,
): Promise<void> {
  await tx.execute(sql`
    update sessions set revoked_at = ${now}
    where user_id = ${userId} and revoked_at is null and (${exceptId}::text is null or id <> ${exceptId})`)
}

/** Changes only the token of a session: what it may do has changed, so the old token ends. */
export async function rotateSession(
  tx: Queries,
  sessionId: string,
  tokenHash: Buffer,
): Promise<{ expiresAt: Date } | null> {
  return tx.find(sql<{ expiresAt: Date }>`
    update sessions set token_hash = ${tokenHash} where id = ${sessionId} and revoked_at is null returning expires_at`)
}

export interface OpenSession {
  id: string
  deviceId: string | null
  place: Buffer | null
  methods: string[]
  createdAt: Date
  lastSeenAt: Date
  expiresAt: Date
}

/** The sessions of a user that could still be used, newest first. */
export async function listSessions(
  tx: Transaction,
  userId: string,
  idleSince: Date,
  now: Date,
): Promise<OpenSession[]> {
  return tx.query(sql<OpenSession>`
    select id, device_id, place, methods, created_at, last_seen_at, expires_at from sessions
    where user_id = ${userId} and revoked_at is null and expires_at > ${now} and last_seen_at > ${idleSince}
    order by id desc limit 100`)
}

export async function endSessionsOn(tx: Transaction, deviceId: string, now: Date): Promise<void> {
  await tx.execute(
    sql`update sessions set revoked_at = ${now} where device_id = ${deviceId} and revoked_at is null`,
  )
}

export async function endSession(
  tx: Transaction,
  userId: string,
  sessionId: string,
  now: Date,
): Promise<boolean> {
  const touched = await tx.execute(sql`
    update sessions set revoked_at = ${now} where id = ${sessionId} and user_id = ${userId} and revoked_at is null`)
  return touched === 1
}
