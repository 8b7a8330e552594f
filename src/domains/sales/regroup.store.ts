import { sql, type RawBuilder } from 'kysely'
import type { Transaction } from '#store/store.ts'

/** Marks leads whose person turned out to be another, and hands their receipts to that person's lead. */
export async function mergeLeads(
  tx: Transaction,
  merges: readonly { from: string; into: string }[],
  now: Date,
): Promise<void> {
  await tx.execute(sql`
    with pairs as (
      select r."from" as merged, r."into" as survivor
      from jsonb_to_recordset(${JSON.stringify(merges)}::jsonb) as r("from" text, "into" text)
    ), moved as (
      update lead_captures c set lead_id = pairs.survivor from pairs
      where c.workspace_id = ${tx.workspaceId} and c.lead_id = pairs.merged
    ), closed as (
      update tasks t set state = 'cancelled', closed_at = ${now}::timestamptz from pairs
      where t.workspace_id = ${tx.workspaceId} and t.lead_id = pairs.merged and t.state = 'open'
    ), pointed as (
      update leads l set merged_into = pairs.survivor from pairs
      where l.workspace_id = ${tx.workspaceId} and l.merged_into = pairs.merged
    )
    update leads l set merged_into = pairs.survivor, updated_at = ${now}::timestamptz, version = l.version + 1
    from pairs where l.id = pairs.merged`)
}

/** An anonymous person that turned out to be another one; `home`: whom it was found to be, when that one was merged by hand. */
export interface PersonMerge {
  from: string
  into: string
  home: string | null
}

/** Hands the opportunities of anonymous people to those they turned out to be. */
export async function moveOpportunityPeople(
  tx: Transaction,
  merges: readonly PersonMerge[],
): Promise<void> {
  await tx.execute(sql`
    with pairs as (
      select r."from" as merged, r."into" as survivor, r.home
      from jsonb_to_recordset(${JSON.stringify(merges)}::jsonb) as r("from" text, "into" text, home text)
    ), added as (
      insert into opportunity_people (workspace_id, opportunity_id, person_id, home_id, role, is_primary)
      select ${tx.workspaceId}, op.opportunity_id, pairs.survivor, pairs.home, op.role, op.is_primary
      from opportunity_people op join pairs on op.person_id = pairs.merged
      where op.workspace_id = ${tx.workspaceId}
      on conflict do nothing
    )
    delete from opportunity_people op using pairs
    where op.workspace_id = ${tx.workspaceId} and op.person_id = pairs.merged`)
}

/**
 * Puts the leads and deals of these people under whoever stands for them now. Each row knows whose it is, and that one's place in
 * the merges decides: so it comes right whatever happened since the event, and back when a merge is undone.
 *
 * @param personIds  both sides of each merge that was made or undone.
 * @returns the deals that moved.
 */
export async function regroup(tx: Transaction, personIds: readonly string[]): Promise<string[]> {
  await tx.execute(sql`
    with recursive ${roots(tx, sql`leads`, personIds)}
    update leads l set person_id = roots.root, home_id = nullif(roots.home, roots.root) from roots
    where l.workspace_id = ${tx.workspaceId} and l.person_id = any(${personIds}::text[])
      and coalesce(l.home_id, l.person_id) = roots.home and l.person_id <> roots.root`)
  const moved = await tx.query(sql<{ opportunityId: string }>`
    with recursive ${roots(tx, sql`opportunity_people`, personIds)}, moved as (
      update opportunity_people op set person_id = roots.root, home_id = nullif(roots.home, roots.root) from roots
      where op.workspace_id = ${tx.workspaceId} and op.person_id = any(${personIds}::text[])
        and coalesce(op.home_id, op.person_id) = roots.home and op.person_id <> roots.root
      returning op.opportunity_id
    ) select distinct opportunity_id from moved`)
  return moved.map(({ opportunityId }) => opportunityId)
}

/** Whom the rows of these people are of, with the person that stands for each now. */
function roots(tx: Transaction, table: RawBuilder<unknown>, personIds: readonly string[]) {
  return sql`up as (
      select distinct coalesce(r.home_id, r.person_id)::text as home, coalesce(r.home_id, r.person_id)::text as id
      from ${table} r where r.workspace_id = ${tx.workspaceId} and r.person_id = any(${personIds}::text[])
      union
      select up.home, p.merged_into::text from up join people p on p.id = up.id where p.merged_into is not null
    ), roots as (
      select up.home, up.id as root from up join people p on p.id = up.id where p.merged_into is null
    )`
}
