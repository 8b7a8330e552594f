import { sql } from 'kysely'
import type { Transaction } from '#store/store.ts'
import { openMergeBase, sealBase } from './base.ts'
import type { ReadBack } from './connection.schema.ts'
import { markDue } from './merged-page.ts'
import type { OutcomePlace } from './outcome.store.ts'
import { withoutLost, type Agreed, type Believed } from './prove.rules.ts'

export type ProofScope = 'written' | 'whole'

type Before = Record<string, Agreed>

function context(connectionId: string, entity: string, localId: string): string {
  return `sync_unproved.before:${connectionId}:${entity}:${localId}`
}

/** What was agreed on before writes that were not read back yet, by record. */
export async function listBefore(
  tx: Transaction,
  connectionId: string,
  entity: string,
  localIds: readonly string[],
): Promise<Map<string, Before | null>> {
  const rows = await tx.query(sql<{ localId: string; before: Buffer | null }>`
    select local_id, before from sync_unproved
    where connection_id = ${connectionId} and entity = ${entity} and local_id = any(${localIds}::text[])`)
  const open = (localId: string, before: Buffer | null) =>
    before && tx.sealer.open<Before>(before, context(connectionId, entity, localId))
  return new Map(rows.map(({ localId, before }) => [localId, open(localId, before)]))
}

/**
 * Notes that these records are to be read back. One statement.
 * @param records  `before` null: new there. One that is new there and not read back yet stays so.
 */
export async function noteUnproved(
  tx: Transaction,
  connectionId: string,
  entity: string,
  records: readonly { localId: string; before: Before | null }[],
): Promise<void> {
  if (records.length === 0) return
  const rows = records.map(({ localId, before }) => ({
    localId,
    before:
      before &&
      `\\x${tx.sealer.seal(before, context(connectionId, entity, localId)).toString('hex')}`,
  }))
  await tx.execute(sql`
    insert into sync_unproved as known (connection_id, entity, local_id, before)
    select ${connectionId}, ${entity}, r."localId", r.before
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r("localId" text, before bytea)
    on conflict (connection_id, entity, local_id) do update
    set before = case when known.before is null then null else excluded.before end`)
}

/** Which records are read back. */
export interface Draw {
  /** How many of them there are. */
  total: number
  /** How many are to be looked at. */
  wanted: number
  /** Another one each time, so that no record is passed over for ever. */
  seed: number
}

const live = (connectionId: string, entity: string) =>
  sql`l.connection_id = ${connectionId} and l.entity = ${entity} and l.deleted_at is null and l.gone_to is null`

/** How many linked records there are to read back. */
export async function countBelieved(
  tx: Transaction,
  connectionId: string,
  entity: string,
  scope: ProofScope,
): Promise<number> {
  const row = await tx.find(
    sql<{ count: number }>`${
      scope === 'written'
        ? sql`select count(*)::int as count from sync_unproved u
          join sync_links l on l.local_id = u.local_id and ${live(connectionId, entity)}
          where u.connection_id = ${connectionId} and u.entity = ${entity}`
        : sql`select count(*)::int as count from sync_links l where ${live(connectionId, entity)}`
    }`,
  )
  return row?.count ?? 0
}

/** About as many of them as are wanted, by a hash of their ids; and always those that were missed before, or their items would never close. */
function isDrawn({ total, wanted, seed }: Draw) {
  if (wanted >= total) return sql`true`
  const share = Math.ceil((wanted / total) * 2 ** 30)
  return sql`(hashtextextended(l.local_id, ${seed}) & ${2 ** 30 - 1} < ${share} or exists (
    select from sync_errors e where e.connection_id = l.connection_id and e.record = l.local_id and e.code like 'certificate.%'))`
}

/** Linked records in the order of our ids: those that were written since they were read back, or all. */
export async function listBelieved(
  tx: Transaction,
  connectionId: string,
  entity: string,
  scope: ProofScope,
  draw: Draw,
  after: string,
  limit: number,
): Promise<Believed[]> {
  const columns = sql.raw(
    'l.local_id, l.external_id, l.base, l.external_modified_at as known_at, u.before, u.local_id is not null as is_unproved',
  )
  const known = live(connectionId, entity)
  const rows = await tx.query(
    sql<{
      localId: string
      externalId: string
      base: Buffer | null
      knownAt: Date | null
      before: Buffer | null
      isUnproved: boolean
    }>`${
      scope === 'written'
        ? sql`select ${columns} from sync_unproved u
          join sync_links l on l.local_id = u.local_id and ${known}
          where u.connection_id = ${connectionId} and u.entity = ${entity} and u.local_id > ${after} and ${isDrawn(draw)}
          order by u.local_id limit ${limit}`
        : sql`select ${columns} from sync_links l
          left join sync_unproved u on u.connection_id = l.connection_id and u.entity = l.entity and u.local_id = l.local_id
          where ${known} and l.local_id > ${after} and ${isDrawn(draw)} order by l.local_id limit ${limit}`
    }`,
  )
  return rows.map(({ base, before, ...row }) => ({
    ...row,
    base: openMergeBase(tx, connectionId, entity, row.localId, base),
    before: before && tx.sealer.open<Before>(before, context(connectionId, entity, row.localId)),
  }))
}

/** These are there as they should be, or somebody has changed them since: nothing is left to prove. */
export async function settleProved(
  tx: Transaction,
  connectionId: string,
  entity: string,
  localIds: readonly string[],
): Promise<void> {
  if (localIds.length === 0) return
  await tx.execute(sql`
    delete from sync_unproved
    where connection_id = ${connectionId} and entity = ${entity} and local_id = any(${localIds}::text[])`)
}

/** What was not drawn is let go of: nobody will look at it, and its certificate says so. */
export async function forgetUnread(
  tx: Transaction,
  connectionId: string,
  entity: string,
): Promise<void> {
  await tx.execute(sql`
    delete from sync_unproved where connection_id = ${connectionId} and entity = ${entity}`)
}

/** The vendor does not have these: they count as never sent and are due again. */
export async function sendAgain(
  tx: Transaction,
  place: OutcomePlace,
  localIds: readonly string[],
  now: Date,
): Promise<void> {
  if (localIds.length === 0) return
  await tx.execute(sql`
    update sync_links set deleted_at = ${now}
    where connection_id = ${place.connectionId} and entity = ${place.entity} and local_id = any(${localIds}::text[])`)
  await markDue(tx, place, localIds, now)
}

/** Fields of these never arrived: their bases go back to what was agreed on before, so that they are sent again. */
export async function sendLostFields(
  tx: Transaction,
  place: OutcomePlace,
  records: readonly (Believed & { lost: readonly string[] })[],
  now: Date,
): Promise<void> {
  if (records.length === 0) return
  const { connectionId, entity } = place
  const rows = records.flatMap(({ localId, base, before, lost }) => {
    if (!base || !before) return []
    const sealed = sealBase(tx, connectionId, entity, localId, withoutLost(base, before, lost))
    return [{ localId, base: `\\x${sealed.toString('hex')}` }]
  })
  await tx.execute(sql`
    update sync_links l set base = r.base
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r("localId" text, base bytea)
    where l.connection_id = ${connectionId} and l.entity = ${entity} and l.local_id = r."localId"`)
  await markDue(
    tx,
    place,
    rows.map((row) => row.localId),
    now,
  )
}

/** Records to look at again by their ids there: the next run takes in what became of them. */
export async function lookAgain(
  tx: Transaction,
  place: OutcomePlace,
  externalIds: readonly string[],
  now: Date,
): Promise<void> {
  if (externalIds.length === 0) return
  await tx.execute(sql`
    insert into sync_revisits (connection_id, stream, external_id, since)
    select ${place.connectionId}, ${place.stream}, id, ${now} from unnest(${externalIds}::text[]) as ids(id)
    on conflict (connection_id, stream, external_id, wants_entity, wants_external_id) do update
    set noted_in = excluded.noted_in`)
}

export interface CertificateRow {
  stream: string
  scope: ProofScope
  readBack: ReadBack
  unreadCount: number
  hereCount: number
  hereHash: string
  thereCount: number
  thereHash: string
  buckets: number
  differingBuckets: number
  missing: number
  lost: number
  gone: number
  changedThere: number
  checkedAt: Date
}

/** Keeps the certificate of one stream of a run; a run that was cut off and taken up again gives the one of its last part. */
export async function saveCertificate(
  tx: Transaction,
  runId: string,
  row: CertificateRow,
): Promise<void> {
  await tx.execute(sql`
    insert into sync_certificates (run_id, stream, scope, read_back, unread_count, here_count, here_hash, there_count, there_hash, buckets,
      differing_buckets, missing, lost, gone, changed_there, checked_at)
    values (${runId}, ${row.stream}, ${row.scope}, ${row.readBack}, ${row.unreadCount}, ${row.hereCount}, ${row.hereHash}, ${row.thereCount}, ${row.thereHash},
      ${row.buckets}, ${row.differingBuckets}, ${row.missing}, ${row.lost}, ${row.gone}, ${row.changedThere}, ${row.checkedAt})
    on conflict (run_id, stream) do update set scope = excluded.scope, read_back = excluded.read_back,
      unread_count = excluded.unread_count, here_count = excluded.here_count,
      here_hash = excluded.here_hash, there_count = excluded.there_count, there_hash = excluded.there_hash,
      differing_buckets = excluded.differing_buckets, missing = excluded.missing, lost = excluded.lost, gone = excluded.gone,
      changed_there = excluded.changed_there, checked_at = excluded.checked_at`)
}

/** In the order of the streams' names; there are some ten. */
export function listCertificates(tx: Transaction, runId: string): Promise<CertificateRow[]> {
  return tx.query(sql<CertificateRow>`
    select stream, scope, read_back, unread_count, here_count, here_hash, there_count, there_hash, buckets, differing_buckets, missing, lost, gone,
      changed_there, checked_at
    from sync_certificates where run_id = ${runId} order by stream`)
}
