import { sql } from 'kysely'
import { newId } from '#core/id.ts'
import type { PersonDuplicate } from '#people/duplicate.schema.ts'
import type { Likable, LikenessKey } from '#people/duplicate.rules.ts'
import { allOf } from '#people/person-list.store.ts'
import { identityContext, openPersonal } from '#people/person.store.ts'
import type { Transaction } from '#store/store.ts'

/** More people than this under one key: it is no likeness but a switchboard's number, or a test address. */
const MOST_ALIKE = 20
/** Identifiers of one person that are compared. */
const MOST_NAMES = 50

/** One look at a time in a workspace: two at once would not see each other's people. */
export async function lockDuplicates(tx: Transaction): Promise<void> {
  await tx.execute(sql`
    select pg_advisory_xact_lock(hashtextextended(${`people.duplicates ${tx.workspaceId}`}::text, 0))`)
}

/** The next people whose keys are to be made, locked; those that are being changed are left for later. */
export async function takeUnkeyed(tx: Transaction, limit: number): Promise<string[]> {
  const rows = await tx.query(sql<{ id: string }>`
    select p.id from people p
    where p.workspace_id = ${tx.workspaceId} and not p.keyed and p.identified and p.merged_into is null
    order by p.id limit ${limit} for no key update of p skip locked`)
  return rows.map(({ id }) => id)
}

/** What people are compared by, opened. */
export async function readLikable(
  tx: Transaction,
  personIds: readonly string[],
): Promise<Map<string, Likable>> {
  const people = await tx.query(sql<{ id: string; personal: Buffer | null }>`
    select id, personal from people where id = any(${personIds}::text[])`)
  const names = await tx.query(sql<{
    personId: string
    kind: string
    source: string
    index: string
    value: Buffer
  }>`
    select i.person_id, i.kind, i.source, encode(i.value_index, 'hex') as index, i.value
    from unnest(${personIds}::text[]) as w(id) cross join lateral (
      select * from identities i
      where i.workspace_id = ${tx.workspaceId} and i.person_id = w.id and i.kind <> 'anonymous_id'
      order by i.created_at desc limit ${MOST_NAMES}
    ) i`)
  const byPerson = Map.groupBy(names, ({ personId }) => personId)
  return new Map(
    people.map(({ id, personal }) => {
      const opened = (byPerson.get(id) ?? []).map(({ kind, source, index, value }) => ({
        kind,
        value: tx.sealer.open<string>(value, identityContext(kind, source, index)),
      }))
      const of = (isEmail: boolean) =>
        opened.filter(({ kind }) => (kind === 'email') === isEmail).map(({ value }) => value)
      return [id, { values: openPersonal(tx, id, personal), emails: of(true), outerIds: of(false) }]
    }),
  )
}

/** Makes the keys of these people exactly those given. Only keyed hashes are written, never the texts. */
export async function replaceKeys(
  tx: Transaction,
  keys: ReadonlyMap<string, readonly LikenessKey[]>,
): Promise<void> {
  const rows = [...keys].flatMap(([personId, all]) =>
    all.map(({ kind, text }) => ({
      person_id: personId,
      kind,
      key: tx.sealer.index(`likeness.${kind}`, text).toString('hex'),
    })),
  )
  await tx.execute(sql`
    delete from person_keys where workspace_id = ${tx.workspaceId} and person_id = any(${[...keys.keys()]}::text[])`)
  await tx.execute(sql`
    insert into person_keys (workspace_id, kind, key, person_id)
    select ${tx.workspaceId}, r.kind, decode(r.key, 'hex'), r.person_id
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(kind text, key text, person_id text)
    order by r.kind, r.key on conflict do nothing`)
}

export interface Pair {
  personId: string
  otherPersonId: string
  /** Whether identifiers of both came together. */
  haveMet: boolean
}

/**
 * The pairs of these people with anybody who shares a key, or whose identifiers came with theirs; without those of which somebody
 * said that they are not one, about them or about people who stand under them by a merge.
 */
export async function findPairs(tx: Transaction, personIds: readonly string[]): Promise<Pair[]> {
  const ids = sql`any(${personIds}::text[])`
  return tx.query(sql<Pair>`
    with recursive mine as materialized (
      select k.kind, k.key, array_agg(k.person_id) as ids from person_keys k
      where k.workspace_id = ${tx.workspaceId} and k.person_id = ${ids} group by k.kind, k.key
    ), found as ( -- key by key: the planner takes new people to have next to none, and would go through all keys for each one
      select least(m.id, a.id) as person_id, greatest(m.id, a.id) as other_person_id, false as have_met
      from mine cross join lateral (
        select array_agg(k.person_id) as ids from (
          select k.person_id from person_keys k
          where k.workspace_id = ${tx.workspaceId} and k.kind = mine.kind and k.key = mine.key limit ${MOST_ALIKE + 1}
        ) k having count(*) <= ${MOST_ALIKE}
      ) alike cross join unnest(mine.ids) m(id) cross join unnest(alike.ids) a(id)
      where a.id <> m.id
      union all
      select c.person_id, c.other_person_id, true from identity_conflicts c
      where c.workspace_id = ${tx.workspaceId} and c.state = 'open' and (c.person_id = ${ids} or c.other_person_id = ${ids})
    ), standing as materialized ( -- one pass, however few people the planner takes the workspace to have
      select id from people
      where id = any(array(select person_id from found union select other_person_id from found))
        and merged_into is null and erased_at is null
    ), pairs as (
      select f.person_id, f.other_person_id, bool_or(f.have_met) as have_met
      from found f where f.person_id in (select id from standing) and f.other_person_id in (select id from standing)
      group by f.person_id, f.other_person_id
    ), under as (
      select person_id as top, person_id as id from pairs
      union select other_person_id, other_person_id from pairs
      union select u.top, p.id from under u join people p on p.workspace_id = ${tx.workspaceId} and p.merged_into = u.id
    ), kept_apart as (
      select a.top, b.top as other from person_duplicates d
      join under a on a.id = d.person_id join under b on b.id = d.other_person_id
      where d.workspace_id = ${tx.workspaceId} and d.status = 'dismissed'
    )
    select p.person_id, p.other_person_id, p.have_met from pairs p
    where not exists (select from kept_apart k
      where (k.top = p.person_id and k.other = p.other_person_id) or (k.other = p.person_id and k.top = p.other_person_id))`)
}

export interface FoundDuplicate {
  personId: string
  otherPersonId: string
  confidence: number
  reasons: readonly string[]
}

/** Makes the open pairs of these people exactly those given, and notes that these people were looked at. */
export async function replaceDuplicates(
  tx: Transaction,
  personIds: readonly string[],
  found: readonly FoundDuplicate[],
  now: Date,
): Promise<void> {
  const rows = found.map((one) => ({ id: newId('dup'), ...one }))
  await tx.execute(sql`
    with found as (
      select r.* from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
        as r(id text, "personId" text, "otherPersonId" text, confidence double precision, reasons text[])
    ), gone as (
      delete from person_duplicates d
      where d.workspace_id = ${tx.workspaceId} and d.status = 'open'
        and (d.person_id = any(${personIds}::text[]) or d.other_person_id = any(${personIds}::text[]))
        and not exists (select from found f where f."personId" = d.person_id and f."otherPersonId" = d.other_person_id)
    ), looked_at as (
      update people set keyed = true where id = any(${personIds}::text[])
    )
    insert into person_duplicates as d (id, workspace_id, person_id, other_person_id, confidence, reasons, found_at)
    select f.id, ${tx.workspaceId}, f."personId", f."otherPersonId", f.confidence, f.reasons, ${now}::timestamptz from found f
    order by f."personId", f."otherPersonId"
    on conflict (workspace_id, person_id, other_person_id)
      do update set confidence = excluded.confidence, reasons = excluded.reasons where d.status = 'open'`)
}

const shown = sql.raw(
  'd.id, d.person_id, d.other_person_id, d.confidence, d.reasons, d.status, d.found_at, d.decided_by, d.decided_at, d.reason',
)

/** Pairs of people who stand for themselves, the surest first, one more than the limit. */
export function listDuplicates(
  tx: Transaction,
  filter: { status: string; minConfidence: number; personId?: string | undefined },
  limit: number,
  after: { confidence: number; id: string } | null,
): Promise<PersonDuplicate[]> {
  const conditions = [
    sql`d.workspace_id = ${tx.workspaceId}`,
    sql`d.status = ${filter.status}`,
    sql`d.confidence >= ${filter.minConfidence}`,
    sql`p.merged_into is null and o.merged_into is null`,
  ]
  if (filter.personId !== undefined)
    conditions.push(
      sql`(d.person_id = ${filter.personId} or d.other_person_id = ${filter.personId})`,
    )
  if (after !== null)
    conditions.push(
      sql`(d.confidence, d.id) < (${after.confidence}::double precision, ${after.id})`,
    )
  return tx.query(sql<PersonDuplicate>`
    select ${shown} from person_duplicates d join people p on p.id = d.person_id join people o on o.id = d.other_person_id
    where ${allOf(conditions)} order by d.confidence desc, d.id desc limit ${limit + 1}`)
}

/** These pairs by their ids; those that are gone are left out. */
export async function findDuplicates(
  tx: Transaction,
  ids: readonly string[],
): Promise<Map<string, PersonDuplicate>> {
  const rows = await tx.query(sql<PersonDuplicate>`
    select ${shown} from person_duplicates d where d.id = any(${ids}::text[])`)
  return new Map(rows.map((pair) => [pair.id, pair]))
}

/** These pairs, locked for a decision in the order of their ids. */
export function takeDuplicates(
  tx: Transaction,
  ids: readonly string[],
): Promise<PersonDuplicate[]> {
  return tx.query(sql<PersonDuplicate>`
    select ${shown} from person_duplicates d where d.id = any(${ids}::text[]) order by d.id for update of d`)
}

export async function dismissDuplicateRows(
  tx: Transaction,
  pairs: readonly PersonDuplicate[],
  decision: Pick<PersonDuplicate, 'reason' | 'decidedBy' | 'decidedAt'>,
): Promise<void> {
  if (pairs.length === 0) return
  await tx.execute(sql`
    update person_duplicates set status = 'dismissed', decided_by = ${decision.decidedBy}, decided_at = ${decision.decidedAt},
      reason = ${decision.reason}
    where id = any(${pairs.map(({ id }) => id)}::text[])`)
}
