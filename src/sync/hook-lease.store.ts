import { sql } from 'kysely'
import type { Transaction } from '#store/store.ts'

/**
 * Takes the right to look after the connection's webhooks, which a run and a change of its settings both do. Times are the database's.
 * @returns false while somebody else has it, or the connection is gone.
 */
export async function takeHooks(
  tx: Transaction,
  connectionId: string,
  heldMs: number,
): Promise<boolean> {
  const rows = await tx.execute(sql`
    update sync_leases set hooks_held_until = clock_timestamp() + ${heldMs} * interval '1 ms'
    where connection_id = ${connectionId} and (hooks_held_until is null or hooks_held_until < clock_timestamp())`)
  return rows === 1
}

/** Gives it back. To be called by who has it alone. */
export async function releaseHooks(tx: Transaction, connectionId: string): Promise<void> {
  await tx.execute(sql`
    update sync_leases set hooks_held_until = null where connection_id = ${connectionId}`)
}

/**
 * Keeps everybody from beginning until the transaction ends, in which the connection goes.
 * @returns for how many milliseconds somebody may still be at it.
 */
export async function closeHooks(tx: Transaction, connectionId: string): Promise<number> {
  const lease = await tx.find(sql<{ heldMs: number }>`
    select greatest(0, coalesce(ceil(extract(epoch from hooks_held_until - clock_timestamp()) * 1000), 0))::float8 as held_ms
    from sync_leases where connection_id = ${connectionId} for update`)
  return lease?.heldMs ?? 0
}
