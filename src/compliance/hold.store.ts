import { sql, type RawBuilder } from 'kysely'
import type { Subject } from '#compliance/personal-store.ts'
import type { Due } from '#compliance/retained-store.ts'
import type { Hold } from '#compliance/hold.schema.ts'
import type { Queries, Transaction } from '#store/store.ts'

const columns = sql.raw(
  'id, target, subject, reason, placed_by, placed_at, lifted_by, lifted_at, lift_reason',
)

/**
 * People under a hold: those named, whom they were merged with, and the people of accounts under a hold with theirs.
 * Worked out anew by each statement that it stands in, so that whoever joins a held account is held.
 */
function heldPeople(workspaceId: string): RawBuilder<unknown> {
  return sql`(
    with recursive standing as (
      select target, subject from legal_holds
      where workspace_id = ${workspaceId} and lifted_at is null and target in ('person', 'account')
    ), named as (
      select subject as id from standing where target = 'person'
      union select l.person_id from standing s
        join account_records a on a.workspace_id = ${workspaceId} and a.account_id = s.subject
        join leads l on l.id = a.record_id
        where s.target = 'account'
      union select op.person_id from standing s
        join account_records a on a.workspace_id = ${workspaceId} and a.account_id = s.subject
        join opportunity_people op on op.workspace_id = ${workspaceId} and op.opportunity_id = a.record_id
        where s.target = 'account'
    ), above as (
      select p.id, p.merged_into from named n join people p on p.id = n.id
      union select p.id, p.merged_into from above u join people p on p.id = u.merged_into
    ), held as (
      select id from above
      union select p.id from held h join people p on p.workspace_id = ${workspaceId} and p.merged_into = h.id
    )
    select id from held)`
}

function heldRecords(workspaceId: string): RawBuilder<unknown> {
  return sql`(
    select l.id from leads l where l.workspace_id = ${workspaceId} and l.person_id in ${heldPeople(workspaceId)}
    union
    select a.record_id from legal_holds h
    join account_records a on a.workspace_id = ${workspaceId} and a.account_id = h.subject
    where h.workspace_id = ${workspaceId} and h.lifted_at is null and h.target = 'account')`
}

/** What of a workspace is due, with what holds keep out of it. */
export function dueOf(workspaceId: string, before: Date, now: Date): Due {
  return {
    workspaceId,
    before,
    now,
    heldPeople: heldPeople(workspaceId),
    heldRecords: heldRecords(workspaceId),
  }
}

/**
 * Until the transaction ends no hold is placed (`shared`, by whoever takes data away) or nothing is taken away
 * (`exclusive`, by whoever places a hold): once a hold was answered, nothing that it names goes.
 */
export async function lockHolds(tx: Transaction, how: 'shared' | 'exclusive'): Promise<void> {
  const lock = sql.raw(how === 'shared' ? 'pg_advisory_xact_lock_shared' : 'pg_advisory_xact_lock')
  await tx.execute(sql`select ${lock}(hashtextextended(${`legal_holds:${tx.workspaceId}`}, 0))`)
}

/** The holds that stand against an erasure of the subject. */
export async function listHoldsAgainst(
  tx: Transaction,
  { personIds, leadIds }: Subject,
  erasableKinds: readonly string[],
): Promise<Pick<Hold, 'id' | 'target'>[]> {
  return tx.query(sql<Pick<Hold, 'id' | 'target'>>`
    with recursive chain as (
      select id, merged_into from people where id = any(${[...personIds]}::text[])
      union select p.id, p.merged_into from chain c join people p on p.id = c.merged_into
    ), records as (
      select unnest(${[...leadIds]}::text[]) as id
      union select id from leads where workspace_id = ${tx.workspaceId} and person_id in (select id from chain)
      union select opportunity_id from opportunity_people
        where workspace_id = ${tx.workspaceId} and person_id in (select id from chain)
    )
    select h.id, h.target from legal_holds h
    where h.workspace_id = ${tx.workspaceId} and h.lifted_at is null and (
      (h.target = 'person' and h.subject in (select id from chain))
      or (h.target = 'account' and h.subject in (
        select a.account_id from account_records a
        where a.workspace_id = ${tx.workspaceId} and a.record_id in (select id from records)))
      or (h.target = 'kind' and h.subject = any(${[...erasableKinds]}::text[])))
    order by h.id limit 20`)
}

/** Whether there is such a person or account. */
export async function isThere(
  tx: Queries,
  target: 'person' | 'account',
  id: string,
): Promise<boolean> {
  const table = sql.table(target === 'person' ? 'people' : 'accounts')
  return (await tx.find(sql<{ id: string }>`select id from ${table} where id = ${id}`)) !== null
}

export async function insertHold(
  tx: Transaction,
  { id, target, subject, reason, placedBy, placedAt }: Hold,
): Promise<void> {
  await tx.execute(sql`
    insert into legal_holds (id, target, subject, reason, placed_by, placed_at)
    values (${id}, ${target}, ${subject}, ${reason}, ${placedBy}, ${placedAt})`)
}

/** Ends a hold that stands. @returns null when none does. */
export function liftHold(
  tx: Transaction,
  id: string,
  { by, at, reason }: { by: string; at: Date; reason: string },
): Promise<Hold | null> {
  return tx.find(sql<Hold>`
    update legal_holds set lifted_by = ${by}, lifted_at = ${at}, lift_reason = ${reason}
    where id = ${id} and lifted_at is null returning ${columns}`)
}

export function findHold(tx: Queries, id: string): Promise<Hold | null> {
  return tx.find(sql<Hold>`select ${columns} from legal_holds where id = ${id}`)
}

export function listHolds(
  tx: Transaction,
  isStanding: boolean | null,
  beforeId: string | null,
  limit: number,
): Promise<Hold[]> {
  return tx.query(sql<Hold>`
    select ${columns} from legal_holds
    where workspace_id = ${tx.workspaceId} and (${beforeId}::text is null or id < ${beforeId})
      and (${isStanding}::boolean is null or (lifted_at is null) = ${isStanding})
    order by id desc limit ${limit + 1}`)
}
