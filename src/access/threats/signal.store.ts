import { sql } from 'kysely'
import type { Signal, Subject } from '#access/threats/threat.rules.ts'
import type { SubjectKind } from '#access/threats/threat.schema.ts'
import type { Sealer } from '#store/vault.ts'
import type { Queries, SystemTransaction } from '#store/store.ts'

export interface CounterRow {
  subjectKind: SubjectKind
  subject: string
  signal: Signal
  detail: string
  bucket: Date
  workspaceId: string | null
  n: number
}

export interface SightingRow {
  subjectKind: SubjectKind
  subject: string
  network: string // hex
  agent: string // hex
  workspaceId: string
  place: string // hex of the sealed place
  firstSeenAt: Date
  lastSeenAt: Date
  requests: number
}

/** A credential is kept at so many places; an attacker who makes up software names fills no table. */
const MAX_PLACES = 200

const usePlace = (subject: string) => `credential_uses.place:${subject}`

export function sealPlace(
  sealer: Sealer,
  subject: string,
  place: { network: string; agent: string },
): string {
  return sealer.seal(place, usePlace(subject)).toString('hex')
}

export function openPlace(
  sealer: Sealer,
  subject: string,
  sealed: Buffer,
): { network: string; agent: string } {
  return sealer.open(sealed, usePlace(subject))
}

/** One process decides at a time: two that see the same attack make one threat of it. */
export async function lockDetection(tx: SystemTransaction): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtext('throughline_threats'))`)
}

/** Adds to the sums, all in one statement. */
export async function addCounts(tx: SystemTransaction, rows: readonly CounterRow[]): Promise<void> {
  if (rows.length === 0) return
  await tx.execute(sql`
    insert into threat_counters as c (subject_kind, subject, signal, detail, bucket, workspace_id, n)
    select r."subjectKind", r.subject, r.signal, r.detail, r.bucket, r."workspaceId", sum(r.n)
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as r("subjectKind" text, subject text, signal text, detail text, bucket timestamptz, "workspaceId" text, n integer)
    group by 1, 2, 3, 4, 5, 6 order by 1, 2, 3, 4, 5, 6
    on conflict (subject_kind, subject, signal, detail, bucket, workspace_id) do update set n = c.n + excluded.n`)
}

/** Notes places of use, all in one statement. A place beyond the most that are kept is left out. */
export async function addSightings(
  tx: SystemTransaction,
  rows: readonly SightingRow[],
): Promise<void> {
  if (rows.length === 0) return
  await tx.execute(sql`
    with seen as (
      select r."subjectKind" as subject_kind, r.subject, decode(r.network, 'hex') as network, decode(r.agent, 'hex') as agent,
        min(r."workspaceId") as workspace_id, min(r.place) as place, min(r."firstSeenAt") as first_seen_at,
        max(r."lastSeenAt") as last_seen_at, sum(r.requests) as requests
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
        as r("subjectKind" text, subject text, network text, agent text, "workspaceId" text, place text,
          "firstSeenAt" timestamptz, "lastSeenAt" timestamptz, requests bigint)
      group by 1, 2, 3, 4
    ), full_ones as (
      select u.subject_kind, u.subject from credential_uses u
      where (u.subject_kind, u.subject) in (select subject_kind, subject from seen)
      group by 1, 2 having count(*) >= ${MAX_PLACES}
    )
    insert into credential_uses as u
      (subject_kind, subject, network, agent, workspace_id, place, first_seen_at, last_seen_at, requests)
    select s.subject_kind, s.subject, s.network, s.agent, s.workspace_id, decode(s.place, 'hex'), s.first_seen_at, s.last_seen_at, s.requests
    from seen s
    where (s.subject_kind, s.subject) not in (select subject_kind, subject from full_ones)
      or exists (select from credential_uses k where k.subject_kind = s.subject_kind and k.subject = s.subject
        and k.network = s.network and k.agent = s.agent)
    on conflict (subject_kind, subject, network, agent) do update set
      last_seen_at = greatest(u.last_seen_at, excluded.last_seen_at), requests = u.requests + excluded.requests`)
}

const named = (subjects: readonly Subject[]) => sql`
  select r.kind as subject_kind, r.id as subject
  from jsonb_to_recordset(${JSON.stringify(subjects)}::jsonb) as r(kind text, id text)`

export interface TallyRow {
  subjectKind: SubjectKind
  subject: string
  signal: Signal
  detail: string
  workspaceId: string | null
  n: number
  since: Date
}

/** The sums of the last hour of these subjects, by workspace and detail. */
export async function readTallies(
  tx: Queries,
  subjects: readonly Subject[],
  since: Date,
): Promise<TallyRow[]> {
  return tx.query(sql<TallyRow>`
    select c.subject_kind, c.subject, c.signal, c.detail, c.workspace_id, sum(c.n)::int as n, min(c.bucket) as since
    from threat_counters c
    where (c.subject_kind, c.subject) in (${named(subjects)}) and c.signal <> 'rows' and c.bucket > ${since}
    group by 1, 2, 3, 4, 5 limit 100000`)
}

export interface RowsRow {
  subjectKind: SubjectKind
  subject: string
  workspaceId: string
  recent: number
  usual: number
}

/** Rows read in this hour and the one before, and the most of any two hours before those. */
export async function readRows(
  tx: Queries,
  subjects: readonly Subject[],
  hour: Date,
): Promise<RowsRow[]> {
  return tx.query(sql<RowsRow>`
    select subject_kind, subject, workspace_id, coalesce(sum(n) filter (where bucket >= ${hour}::timestamptz - interval '1 hour'), 0)::int as recent,
      coalesce(max(pair) filter (where bucket < ${hour}::timestamptz - interval '1 hour'), 0)::int as usual
    from (
      select subject_kind, subject, workspace_id, bucket, n,
        sum(n) over (partition by subject_kind, subject, workspace_id order by bucket range between interval '1 hour' preceding and current row) as pair
      from threat_counters
      where (subject_kind, subject) in (${named(subjects)}) and signal = 'rows' and bucket > ${hour}::timestamptz - interval '28 days'
    ) as pairs
    group by 1, 2, 3`)
}

export interface UseRow {
  subjectKind: SubjectKind
  subject: string
  workspaceId: string
  network: string // hex
  agent: string // hex
  firstSeenAt: Date
  lastSeenAt: Date
  requests: number
  known: boolean
}

export async function readUses(tx: Queries, subjects: readonly Subject[]): Promise<UseRow[]> {
  return tx.query(sql<UseRow>`
    select subject_kind, subject, workspace_id, encode(network, 'hex') as network, encode(agent, 'hex') as agent,
      first_seen_at, last_seen_at, requests, known
    from credential_uses where (subject_kind, subject) in (${named(subjects)})`)
}

/**
 * Of these networks those that others share, who would be shut out too: valid credentials came from there before the moment, or
 * more than one did at all, as behind a proxy in the first hour of a hub.
 */
export async function readNetworksInUse(
  tx: Queries,
  asked: readonly { network: string; before: Date }[],
): Promise<string[]> {
  const rows = await tx.query(sql<{ network: string }>`
    select r.network from jsonb_to_recordset(${JSON.stringify(asked)}::jsonb) as r(network text, before timestamptz)
    where exists (select from credential_uses u where u.network = decode(r.network, 'hex') and u.first_seen_at < r.before)
      or (select count(*) from (select distinct u.subject from credential_uses u where u.network = decode(r.network, 'hex') limit 2) as few) = 2`)
  return rows.map(({ network }) => network)
}

/** Lets go of what no rule looks at any more. */
export async function deleteOldSignals(tx: SystemTransaction, now: Date): Promise<void> {
  await tx.execute(sql`
    delete from threat_counters where bucket < ${now}::timestamptz - interval '29 days'
      or (signal <> 'rows' and bucket < ${now}::timestamptz - interval '1 day')`)
  await tx.execute(sql`
    delete from credential_uses where last_seen_at < ${now}::timestamptz - interval '90 days'
      or (subject_kind = 'session' and last_seen_at < ${now}::timestamptz - interval '30 days')`)
}
