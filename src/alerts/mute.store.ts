import { sql } from 'kysely'
import type { Transaction } from '#store/store.ts'
import type { Mute } from './alert.schema.ts'

/** Mutes that hold now or later, by their making. */
export function listMutes(
  tx: Transaction,
  after: string,
  limit: number,
  now: Date,
): Promise<Mute[]> {
  return tx.query(sql<Mute>`
    select id, watch, key, until, note, created_by, created_at from alert_mutes
    where until > ${now} and id > ${after} order by id limit ${limit}`)
}

export async function countMutes(tx: Transaction, now: Date): Promise<number> {
  const row = await tx.find(sql<{ mutes: number }>`
    select count(*)::int as mutes from alert_mutes where until > ${now}`)
  return row?.mutes ?? 0
}

export async function insertMute(tx: Transaction, mute: Mute): Promise<void> {
  await tx.execute(sql`
    insert into alert_mutes (id, watch, key, until, note, created_by, created_at)
    values (${mute.id}, ${mute.watch}, ${mute.key}, ${mute.until}, ${mute.note}, ${mute.createdBy}, ${mute.createdAt})`)
}

/** False when there is none of this id. */
export async function deleteMute(tx: Transaction, id: string): Promise<boolean> {
  return (await tx.execute(sql`delete from alert_mutes where id = ${id}`)) > 0
}
