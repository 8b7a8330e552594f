import { sql } from 'kysely'
import { hashToken } from '#access/session.rules.ts'
import { insertRevocation } from '#access/oauth/client.store.ts'
import type { Store, SystemTransaction } from '#store/store.ts'
import type { Sealer } from '#store/vault.ts'

export interface Artifact {
  [name: string]: unknown
  grantId?: string
  clientId?: string
}

/** How long a grant is remembered as ended: longer than any access token made from it can live. */
export const REVOCATION_KEPT_MS = 60 * 60 * 1000

const contextOf = (model: string, idHash: Buffer) =>
  `oauth_artifacts.sealed:${model}:${idHash.toString('hex')}`

/** Keeps or replaces an artifact. Ids are credentials (codes, refresh tokens): only their hash is kept. */
export async function upsertArtifact(
  tx: SystemTransaction,
  sealer: Sealer,
  model: string,
  id: string,
  payload: Artifact,
  expiresAt: Date | null,
): Promise<void> {
  const idHash = hashToken(id)
  const sealed = sealer.seal(payload, contextOf(model, idHash))
  const grantHash = payload.grantId === undefined ? null : hashToken(payload.grantId)
  await tx.execute(sql`
    insert into oauth_artifacts (model, id_hash, grant_hash, client_id, sealed, expires_at)
    values (${model}, ${idHash}, ${grantHash}, ${payload.clientId ?? null}, ${sealed}, ${expiresAt})
    on conflict (model, id_hash) do update set sealed = excluded.sealed, expires_at = excluded.expires_at, grant_hash = excluded.grant_hash`)
}

export async function findArtifact(
  tx: SystemTransaction,
  sealer: Sealer,
  model: string,
  id: string,
): Promise<Artifact | undefined> {
  const idHash = hashToken(id)
  const row = await tx.find(sql<{ sealed: Buffer; consumedAt: Date | null }>`
    select sealed, consumed_at from oauth_artifacts where model = ${model} and id_hash = ${idHash}`)
  if (!row) return undefined
  const payload = sealer.open<Artifact>(row.sealed, contextOf(model, idHash))
  if (row.consumedAt) payload['consumed'] = Math.floor(row.consumedAt.getTime() / 1000)
  return payload
}

/** Uses an artifact up. Of several at once one gets true; the others come too late. */
export async function consumeArtifact(
  tx: SystemTransaction,
  model: string,
  id: string,
  now: Date,
): Promise<boolean> {
  const touched = await tx.execute(sql`
    update oauth_artifacts set consumed_at = ${now} where model = ${model} and id_hash = ${hashToken(id)} and consumed_at is null`)
  return touched === 1
}

export async function deleteArtifact(
  tx: SystemTransaction,
  model: string,
  id: string,
): Promise<void> {
  await tx.execute(
    sql`delete from oauth_artifacts where model = ${model} and id_hash = ${hashToken(id)}`,
  )
}

/** Ends a grant: its codes and refresh tokens go, and its access tokens are refused from now on. */
export async function revokeGrant(store: Store, grantId: string, now: Date): Promise<void> {
  await store.system(async (tx) => {
    await tx.execute(sql`delete from oauth_artifacts where grant_hash = ${hashToken(grantId)}`)
    await deleteArtifact(tx, 'Grant', grantId)
    await insertRevocation(tx, grantId, new Date(now.getTime() + REVOCATION_KEPT_MS))
  })
}
