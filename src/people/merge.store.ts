import { sql, type RawBuilder } from 'kysely'
import type { Personal } from '#people/capture.ts'
import { sealSetAside } from '#people/layer.store.ts'
import type { Moved, PersonMerge } from '#people/merge.schema.ts'
import { allOf } from '#people/person-list.store.ts'
import { sealPersonal } from '#people/person.store.ts'
import type { Transaction } from '#store/store.ts'

/** A person as a merge looks at it. */
export interface MergeSide {
  id: `per_${string}`
  identified: boolean
  personal: Buffer | null
  mergedInto: string | null
  erasedAt: Date | null
}

/** These people, in the order of their ids, in which they are locked too, so that two merges never wait for each other in a ring. */
export async function findSides(
  tx: Transaction,
  ids: readonly string[],
  use: 'change' | 'read',
): Promise<Map<string, MergeSide>> {
  const rows = await tx.query(sql<MergeSide>`
    select p.id, p.identified, p.personal, p.merged_into, p.erased_at from people p
    where p.id = any(${ids}::text[]) order by p.id ${use === 'change' ? sql`for no key update of p` : sql``}`)
  return new Map(rows.map((row) => [row.id, row]))
}

/** How many records of each person would move. */
export async function countMoves(
  tx: Transaction,
  personIds: readonly string[],
): Promise<Map<string, Moved>> {
  // The ids as they are: planned by the average person, a look would go through all rows where one person has most of them.
  const counts = (table: string, more = sql``) => sql`(
    select person_id, count(*)::int as count from ${sql.table(table)}
    where workspace_id = ${tx.workspaceId} and person_id = any(${personIds}::text[]) ${more} group by person_id)`
  const rows = await tx.query(sql<Moved & { id: string }>`
    select w.id, coalesce(t.count, 0) as touchpoints, coalesce(i.count, 0) as identities, coalesce(c.count, 0) as consents,
      coalesce(l.count, 0) as leads, coalesce(o.count, 0) as opportunities
    from unnest(${personIds}::text[]) as w(id)
    left join ${counts('touchpoints')} t on t.person_id = w.id
    left join ${counts('identities')} i on i.person_id = w.id
    left join ${counts('consents')} c on c.person_id = w.id
    left join ${counts('leads', sql`and merged_into is null`)} l on l.person_id = w.id
    left join ${counts('opportunity_people')} o on o.person_id = w.id`)
  return new Map(rows.map(({ id, ...moved }) => [id, moved]))
}

/** Hands all that is a person's to another. Each row keeps for whom it came, so that it finds its way back. */
export async function moveRows(
  tx: Transaction,
  moves: readonly { fromId: string; intoId: string }[],
): Promise<void> {
  const [from, into] = [moves.map(({ fromId }) => fromId), moves.map(({ intoId }) => intoId)]
  const its = (table: string) =>
    sql`from moves m where ${sql.ref(`${table}.workspace_id`)} = ${tx.workspaceId} and ${sql.ref(`${table}.person_id`)} = m.from_id
      and ${sql.ref(`${table}.person_id`)} = any(${from}::text[])`
  await tx.execute(sql`
    with moves as (
      select * from unnest(${from}::text[], ${into}::text[]) as r(from_id, into_id)
    ), moved_touchpoints as (
      update touchpoints set person_id = m.into_id, captured_as = coalesce(captured_as, person_id) ${its('touchpoints')}
    ), moved_consents as (
      update consents set person_id = m.into_id, home_id = coalesce(home_id, person_id) ${its('consents')}
    )
    update identities set person_id = m.into_id, home_id = coalesce(home_id, person_id) ${its('identities')}`)
}

/** Gives back what came for `from`, or for those who stand under it, before the merge and since. */
export async function moveRowsBack(tx: Transaction, from: string, into: string): Promise<void> {
  const its = (
    home: RawBuilder<unknown>,
  ) => sql`workspace_id = ${tx.workspaceId} and person_id = ${into}
    and ${home} in (select id from under)`
  await tx.execute(sql`
    with recursive under as (
      select id from people where id = ${from}
      union select p.id from under join people p on p.workspace_id = ${tx.workspaceId} and p.merged_into = under.id
    ), moved_touchpoints as (
      update touchpoints set person_id = ${from}, captured_as = nullif(captured_as, ${from})
      where ${its(sql`captured_as`)}
    ), moved_consents as (
      update consents set person_id = ${from}, home_id = nullif(home_id, ${from}) where ${its(sql`home_id`)}
    )
    update identities set person_id = ${from}, home_id = nullif(home_id, ${from}) where ${its(sql`home_id`)}`)
}

/** What a person is after a merge or its undoing; `mergedInto` null: it stands for itself. */
export async function writeSides(
  tx: Transaction,
  sides: readonly { id: string; mergedInto: string | null; personal: Personal | null }[],
  now: Date,
): Promise<void> {
  const rows = sides.map(({ id, mergedInto, personal }) => ({
    id,
    merged_into: mergedInto,
    personal: personal === null ? null : sealPersonal(tx, id, personal),
  }))
  await tx.execute(sql`
    update people p set merged_into = r.merged_into, personal = decode(r.personal, 'base64'), keyed = false,
      identified = case when r.merged_into is not null then p.identified else exists (
        select from identities i where i.workspace_id = ${tx.workspaceId} and i.person_id = p.id
          and i.kind <> 'anonymous_id') end,
      updated_at = ${now}, version = p.version + 1
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(id text, merged_into text, personal text)
    where p.id = r.id`)
}

export interface NewMerge {
  id: PersonMerge['id']
  fromId: string
  intoId: string
  moved: Moved
  fromValues: Personal
  intoValues: Personal
  consentIds: readonly string[]
}

/** In their order, which is the order in which they rest on one another. */
export async function insertMerges(
  tx: Transaction,
  merges: readonly NewMerge[],
  by: string,
  now: Date,
): Promise<void> {
  const rows = merges.map(({ id, fromId, intoId, moved, fromValues, intoValues, consentIds }) => ({
    id,
    from_id: fromId,
    into_id: intoId,
    moved,
    from_values: sealSetAside(tx, { id, side: 'from' }, fromValues),
    into_values: sealSetAside(tx, { id, side: 'into' }, intoValues),
    consent_ids: consentIds,
  }))
  await tx.execute(sql`
    insert into person_merges (id, workspace_id, from_id, into_id, moved, from_values, into_values, consent_ids, merged_by, merged_at)
    select r.id, ${tx.workspaceId}, r.from_id, r.into_id, r.moved, decode(r.from_values, 'base64'),
      decode(r.into_values, 'base64'), r.consent_ids, ${by}, ${now}::timestamptz
    from rows from (jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as (id text, from_id text, into_id text, moved jsonb,
      from_values text, into_values text, consent_ids text[])) with ordinality
      as r(id, from_id, into_id, moved, from_values, into_values, consent_ids, turn)
    order by r.turn`)
}

export interface MergeRow extends PersonMerge {
  fromValues: Buffer | null
  intoValues: Buffer | null
  consentIds: string[]
}

const shown = sql.raw(
  'm.id, m.from_id, m.into_id, m.moved, m.merged_by, m.merged_at, m.undone_by, m.undone_at',
)

export function findMerge(tx: Transaction, id: string): Promise<MergeRow | null> {
  return tx.find(sql<MergeRow>`
    select ${shown}, m.from_values, m.into_values, m.consent_ids from person_merges m where m.id = ${id}`)
}

/** The merges by hand by which people stand under others now, by person; without those that were merged otherwise, or not at all. */
export async function findMergesOf(
  tx: Transaction,
  fromIds: readonly string[],
): Promise<Map<string, PersonMerge>> {
  const rows = await tx.query(sql<PersonMerge>`
    select ${shown} from person_merges m
    where m.workspace_id = ${tx.workspaceId} and m.from_id = any(${fromIds}::text[]) and m.undone_at is null`)
  return new Map(rows.map((merge) => [merge.fromId, merge]))
}

/** For each person that was merged, by hand or not, who stands for it in the end. */
export async function findStanding(
  tx: Transaction,
  personIds: readonly string[],
): Promise<Map<string, string>> {
  const rows = await tx.query(sql<{ id: string; standing: string }>`
    with recursive up as (
      select p.id::text as id, p.merged_into::text as at from people p
      where p.id = any(${personIds}::text[]) and p.merged_into is not null
      union
      select up.id, p.merged_into::text from up join people p on p.id = up.at where p.merged_into is not null
    )
    select up.id, up.at as standing from up join people p on p.id = up.at where p.merged_into is null`)
  return new Map(rows.map(({ id, standing }) => [id, standing]))
}

/**
 * The latest of the merges that rest on this one; the merge itself when none does. One rests on another when it was made later and
 * brought somebody into the same person, or that person into somebody.
 */
export async function findTopMerge(tx: Transaction, id: string): Promise<string> {
  const row = await tx.find(sql<{ id: string }>`
    with recursive later as (
      select m.id, m.seq, m.into_id from person_merges m where m.id = ${id}
      union
      select n.id, n.seq, n.into_id from later l join person_merges n
        on n.workspace_id = ${tx.workspaceId} and n.undone_at is null and n.seq > l.seq
        and (n.into_id = l.into_id or n.from_id = l.into_id)
    ) select id from later order by seq desc limit 1`)
  return row!.id
}

/** Notes that a merge was taken off. What it had set aside is in place again and is kept no longer. */
export async function closeMerge(
  tx: Transaction,
  merge: Pick<MergeRow, 'id' | 'consentIds'>,
  by: string,
  now: Date,
): Promise<void> {
  await tx.execute(sql`
    with lifted as (delete from consents where id = any(${merge.consentIds}::text[]))
    update person_merges set undone_by = ${by}, undone_at = ${now}, from_values = null, into_values = null where id = ${merge.id}`)
}

/** A merge with the place in the list, and what the person who went in was called. */
export type ListedMerge = PersonMerge & { seq: number; fromValues: Buffer | null }

/** Merges, the latest first, one more than the limit. */
export function listMerges(
  tx: Transaction,
  filter: { personId?: string | undefined; state: 'all' | 'merged' | 'undone' },
  limit: number,
  beforeSeq: number | null,
): Promise<ListedMerge[]> {
  const conditions = [sql`m.workspace_id = ${tx.workspaceId}`]
  if (filter.personId !== undefined)
    conditions.push(sql`${filter.personId} in (m.from_id, m.into_id)`)
  if (filter.state !== 'all')
    conditions.push(
      filter.state === 'merged' ? sql`m.undone_at is null` : sql`m.undone_at is not null`,
    )
  if (beforeSeq !== null) conditions.push(sql`m.seq < ${beforeSeq}`)
  return tx.query(sql<ListedMerge>`
    select ${shown}, m.seq, m.from_values from person_merges m where ${allOf(conditions)} order by m.seq desc limit ${limit + 1}`)
}

/** Notes for pairs on file what came of them. */
export async function settleConflicts(
  tx: Transaction,
  pairs: readonly (readonly [string, string])[],
  state: 'open' | 'merged' | 'kept_apart',
): Promise<void> {
  if (pairs.length === 0) return
  const [ones, others] = [pairs.map(([one]) => one), pairs.map(([, other]) => other)]
  await tx.execute(sql`
    update identity_conflicts c set state = ${state}
    from unnest(${ones}::text[], ${others}::text[]) as r(one, other)
    where c.workspace_id = ${tx.workspaceId} and c.person_id = r.one and c.other_person_id = r.other`)
}
