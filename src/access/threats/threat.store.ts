import { sql } from 'kysely'
import { newId } from '#core/id.ts'
import { ThreatPolicy } from '#access/threats/threat.schema.ts'
import type { Measure, SubjectKind, Threat, ThreatKind } from '#access/threats/threat.schema.ts'
import type { Standing } from '#access/threats/response.rules.ts'
import type { Subject } from '#access/threats/threat.rules.ts'
import type { ForceRow } from '#access/threats/guard.ts'
import type { Queries, SystemTransaction } from '#store/store.ts'
import type { Sealer } from '#store/vault.ts'

const threatColumns = sql`id, kind, subject_kind, subject, state, first_seen_at, last_seen_at, evidence, held_back, decided_by, decided_at`
const measureColumns = sql`id, threat_id, kind, subject_kind, subject, per_minute, begins_at, ends_at, undone_by, undone_at`

const addressContext = (subject: string) => `threats.place:${subject}`

export const sealAddress = (sealer: Sealer, subject: string, address: string): string =>
  sealer.seal(address, addressContext(subject)).toString('hex')

export const openAddress = (sealer: Sealer, subject: string, sealed: Buffer): string =>
  sealer.open<string>(sealed, addressContext(subject))

export async function readPolicies(
  tx: Queries,
  workspaceIds: readonly string[],
): Promise<Map<string, ThreatPolicy>> {
  const rows = await tx.query(sql<{ workspaceId: string; policy: unknown }>`
    select workspace_id, policy from threat_policies where workspace_id = any(${workspaceIds})`)
  const kept = new Map(rows.map((row) => [row.workspaceId, row.policy]))
  return new Map(workspaceIds.map((id) => [id, ThreatPolicy.parse(kept.get(id) ?? {})]))
}

/** The workspace that was first: what concerns no workspace by name is told to whoever runs the hub. */
export async function findFirstWorkspace(tx: Queries): Promise<string | null> {
  const row = await tx.find(
    sql<{ id: string }>`select id from workspaces order by created_at, id limit 1`,
  )
  return row?.id ?? null
}

export type StandingRow = Standing & {
  workspaceId: string
  family: string
  subjectKind: SubjectKind
  subject: string
}

/** Threats about these subjects that are open or were decided since. */
export async function readStanding(
  tx: Queries,
  subjects: readonly Subject[],
  since: Date,
): Promise<StandingRow[]> {
  return tx.query(sql<StandingRow>`
    select id, workspace_id, family, kind, subject_kind, subject, state, decided_at from threats
    where (subject_kind, subject) in (
        select r.kind, r.id from jsonb_to_recordset(${JSON.stringify(subjects)}::jsonb) as r(kind text, id text))
      and (state = 'open' or decided_at > ${since})`)
}

export interface ThreatDraft {
  id: string
  workspaceId: string
  kind: ThreatKind
  family: string
  subjectKind: SubjectKind
  subject: string
  firstSeenAt: Date
  evidence: Record<string, number>
  place: string | null // hex of the sealed address
  heldBack: string | null
}

export async function insertThreats(
  tx: SystemTransaction,
  drafts: readonly ThreatDraft[],
  now: Date,
): Promise<void> {
  await tx.execute(sql`
    insert into threats (id, workspace_id, kind, family, subject_kind, subject, first_seen_at, last_seen_at, evidence, place, held_back)
    select r.id, r."workspaceId", r.kind, r.family, r."subjectKind", r.subject, r."firstSeenAt", ${now}, r.evidence, decode(r.place, 'hex'), r."heldBack"
    from jsonb_to_recordset(${JSON.stringify(drafts)}::jsonb) as r(id text, "workspaceId" text, kind text, family text, "subjectKind" text,
      subject text, "firstSeenAt" timestamptz, evidence jsonb, place text, "heldBack" text)`)
}

export interface ThreatUpdate {
  id: string
  kind: ThreatKind
  evidence: Record<string, number>
}

/** An open threat goes on: the latest moment, and the highest of each figure. */
export async function updateThreats(
  tx: SystemTransaction,
  updates: readonly ThreatUpdate[],
  now: Date,
): Promise<void> {
  await tx.execute(sql`
    update threats t set last_seen_at = ${now}, kind = r.kind, evidence = t.evidence || (
      select jsonb_object_agg(e.key, greatest(e.value::numeric, (t.evidence ->> e.key)::numeric)) from jsonb_each_text(r.evidence) e)
    from jsonb_to_recordset(${JSON.stringify(updates)}::jsonb) as r(id text, kind text, evidence jsonb)
    where t.id = r.id and t.state = 'open'`)
}

export interface MeasureRow {
  workspaceId: string
  threatId: string
  kind: Measure['kind']
  subjectKind: SubjectKind
  subject: string
  perMinute: number | null
  endsAt: Date
}

/**
 * Takes measures that are not in force already. What a person undid is not done again for the same threat, and a person is
 * signed out once: whoever signs in anew has proved who they are.
 * @returns those that were taken.
 */
export async function insertMeasures(
  tx: SystemTransaction,
  rows: readonly MeasureRow[],
  now: Date,
): Promise<MeasureRow[]> {
  const drafts = rows.map((row) => ({ id: newId('mea'), ...row }))
  return tx.query(sql<MeasureRow>`
    insert into threat_measures (id, workspace_id, threat_id, kind, subject_kind, subject, per_minute, begins_at, ends_at)
    select r.id, r."workspaceId", r."threatId", r.kind, r."subjectKind", r.subject, r."perMinute", ${now}, r."endsAt"
    from jsonb_to_recordset(${JSON.stringify(drafts)}::jsonb) as r(id text, "workspaceId" text, "threatId" text, kind text,
      "subjectKind" text, subject text, "perMinute" integer, "endsAt" timestamptz)
    where not exists (select from threat_measures m where m.threat_id = r."threatId" and m.kind = r.kind
      and (m.undone_at is not null or m.ends_at > ${now} or m.kind = 'sign_out'))
    returning workspace_id, threat_id, kind, subject_kind, subject, per_minute, ends_at`)
}

/** Ends sessions, named by themselves or by their person. The account stays as it is. */
export async function endSessionsOf(
  tx: SystemTransaction,
  subjects: readonly string[],
  now: Date,
): Promise<void> {
  await tx.execute(sql`
    update sessions set revoked_at = ${now}
    where revoked_at is null and (id = any(${subjects}) or user_id = any(${subjects}))`)
}

export interface Told {
  workspaceId: string
  name: string
  threatId: string
  detail: Record<string, unknown>
}

/** Audit entries and events of what the hub does by itself. */
export async function recordDeeds(
  tx: SystemTransaction,
  { audits, events }: { audits: readonly Told[]; events: readonly Told[] },
  now: Date,
): Promise<void> {
  const entries = audits.map((entry) => ({ id: newId('aud'), ...entry }))
  await tx.execute(sql`
    insert into audit_log (id, workspace_id, occurred_at, principal_id, principal_kind, action, subject_id, detail)
    select r.id, r."workspaceId", ${now}, 'threats', 'system', r.name, r."threatId", r.detail
    from jsonb_to_recordset(${JSON.stringify(entries)}::jsonb) as r(id text, "workspaceId" text, name text, "threatId" text, detail jsonb)`)
  await tx.execute(sql`
    insert into outbox (workspace_id, event, subject_id, data, occurred_at)
    select r."workspaceId", r.name, r."threatId", r.detail, ${now}
    from jsonb_to_recordset(${JSON.stringify(events)}::jsonb) as r("workspaceId" text, name text, "threatId" text, detail jsonb)`)
}

/** Every measure in force, in all workspaces; of more than can be looked up at each request the newest. */
export async function readMeasuresInForce(
  tx: SystemTransaction,
  now: Date,
): Promise<(ForceRow & { workspaceId: string; place: Buffer | null })[]> {
  return tx.query(sql<ForceRow & { workspaceId: string; place: Buffer | null }>`
    select m.kind, m.subject_kind, m.subject, m.per_minute, m.ends_at, m.workspace_id, t.place
    from threat_measures m join threats t on t.id = m.threat_id
    where m.undone_at is null and m.ends_at > ${now} order by m.id desc limit 20000`)
}

export async function listThreats(
  tx: Queries,
  filter: { state: string | null; kind: string | null; before: string | null },
  limit: number,
): Promise<Threat[]> {
  return tx.query(sql<Threat>`
    select ${threatColumns} from threats
    where (${filter.before}::text is null or id < ${filter.before}) and (${filter.state}::text is null or state = ${filter.state})
      and (${filter.kind}::text is null or kind = ${filter.kind})
    order by id desc limit ${limit + 1}`)
}

export type ThreatRow = Threat & { place: Buffer | null; personId: string | null }

export async function findThreat(tx: Queries, id: string): Promise<ThreatRow | null> {
  return tx.find(sql<ThreatRow>`
    select ${threatColumns}, place, (select s.user_id from sessions s where s.id = threats.subject) as person_id
    from threats where id = ${id}`)
}

export async function decideThreat(
  tx: Queries,
  id: string,
  state: 'confirmed' | 'dismissed',
  by: string,
  now: Date,
): Promise<Threat | null> {
  return tx.find(sql<Threat>`
    update threats set state = ${state}, decided_by = ${by}, decided_at = ${now} where id = ${id} returning ${threatColumns}`)
}

/** Where this credential was used is theirs: a person said so. */
export async function markUsesKnown(tx: Queries, kind: string, subject: string): Promise<void> {
  await tx.execute(sql`
    update credential_uses set known = true where subject_kind = ${kind} and subject = ${subject} and not known`)
}

/** Ends what is in force for a threat. @returns how many measures that were. */
export async function undoMeasures(
  tx: Queries,
  threatId: string,
  by: string,
  now: Date,
): Promise<number> {
  return tx.execute(sql`
    update threat_measures set undone_at = ${now}, undone_by = ${by}
    where threat_id = ${threatId} and undone_at is null and ends_at > ${now}`)
}

export async function listMeasures(
  tx: Queries,
  filter: { threatId: string | null; activeAt: Date | null; before: string | null },
  limit: number,
): Promise<Measure[]> {
  return tx.query(sql<Measure>`
    select ${measureColumns} from threat_measures
    where (${filter.before}::text is null or id < ${filter.before}) and (${filter.threatId}::text is null or threat_id = ${filter.threatId})
      and (${filter.activeAt}::timestamptz is null or (undone_at is null and ends_at > ${filter.activeAt}))
    order by id desc limit ${limit + 1}`)
}

export interface UseView {
  place: Buffer
  firstSeenAt: Date
  lastSeenAt: Date
  requests: number
  known: boolean
}

export async function listUses(tx: Queries, kind: string, subject: string): Promise<UseView[]> {
  return tx.query(sql<UseView>`
    select place, first_seen_at, last_seen_at, requests, known from credential_uses
    where subject_kind = ${kind} and subject = ${subject} order by last_seen_at desc limit 100`)
}

export async function findPolicy(tx: Queries): Promise<{ policy: ThreatPolicy; version: number }> {
  const row = await tx.find(
    sql<{ policy: unknown; version: number }>`select policy, version from threat_policies`,
  )
  return { policy: ThreatPolicy.parse(row?.policy ?? {}), version: row?.version ?? 0 }
}

/** Null when the version is not the one that was expected. */
export async function savePolicy(
  tx: Queries,
  workspaceId: string,
  policy: ThreatPolicy,
  expectedVersion: number | null,
  now: Date,
): Promise<number | null> {
  const row = await tx.find(sql<{ version: number }>`
    insert into threat_policies as p (workspace_id, policy, updated_at) values (${workspaceId}, ${JSON.stringify(policy)}::jsonb, ${now})
    on conflict (workspace_id) do update set policy = excluded.policy, version = p.version + 1, updated_at = excluded.updated_at
    where ${expectedVersion}::int is null or p.version = ${expectedVersion}
    returning version`)
  return row?.version ?? null
}

export interface FigureRow {
  kind: ThreatKind
  open: number
  confirmed: number
  dismissed: number
}

export async function countThreats(tx: Queries, from: Date): Promise<FigureRow[]> {
  return tx.query(sql<FigureRow>`
    select kind, count(*) filter (where state = 'open')::int as open, count(*) filter (where state = 'confirmed')::int as confirmed,
      count(*) filter (where state = 'dismissed')::int as dismissed
    from threats where first_seen_at >= ${from} group by kind order by kind`)
}
