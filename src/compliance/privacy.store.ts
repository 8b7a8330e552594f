import { sql } from 'kysely'
import type { PersonalChanges, Subject } from '#compliance/personal-store.ts'
import type { PrivacyRequest } from '#compliance/privacy.schema.ts'
import type { Transaction } from '#store/store.ts'

export interface RequestRow extends PrivacyRequest {
  erased: Record<string, number> | null
  /** Sealed: see `openChanges`. */
  changes: Buffer | null
}

const columns =
  sql.raw(`r.id, r.kind, r.person_id, r.note, r.requested_by, r.requested_at, r.due_at, r.decided_by, r.decided_at,
  r.decision, r.erased, r.fields, r.changes, r.version,
  case when r.state = 'approved' and r.kind <> 'access' then
    case when exists (select from sync_erasures e where e.request_id = r.id and e.state <> 'done')
      or exists (select from sync_rectifications e where e.request_id = r.id and e.state <> 'done') then 'waiting' else 'done' end
  else r.state end as state`)

/** The person that stands for this one now; null when there is none, or it was erased. */
export async function findLivePerson(tx: Transaction, personId: string): Promise<string | null> {
  const row = await tx.find(sql<{ id: string }>`
    with recursive up as (
      select id, merged_into, erased_at from people where id = ${personId}
      union select p.id, p.merged_into, p.erased_at from up join people p on p.id = up.merged_into
    ) select id from up where merged_into is null and erased_at is null`)
  return row?.id ?? null
}

/** These people with all that were merged into them, and their leads. */
export async function subjectOf(
  tx: Transaction,
  personIds: readonly string[],
): Promise<Subject & { isErased: boolean }> {
  const people = await tx.query(sql<{ id: string; isErased: boolean }>`
    with recursive down as (
      select id, erased_at from people where id = any(${[...personIds]}::text[])
      union select p.id, p.erased_at from down join people p on p.merged_into = down.id
    ) select id, erased_at is not null as is_erased from down order by id`)
  const all = people.map(({ id }) => id)
  const leads = await tx.query(sql<{ id: string }>`
    select id from leads where workspace_id = ${tx.workspaceId} and person_id = any(${all}::text[]) order by id`)
  const isErased = people.every((person) => person.isErased)
  return { personIds: all, leadIds: leads.map(({ id }) => id), isErased }
}

export async function insertRequest(
  tx: Transaction,
  row: Pick<
    PrivacyRequest,
    'id' | 'kind' | 'personId' | 'note' | 'requestedBy' | 'requestedAt' | 'dueAt'
  > & { changes: PersonalChanges | null },
): Promise<void> {
  const { changes } = row
  const fields = changes && Object.keys(changes).sort()
  const sealed = changes && sealChanges(tx, row.id, { asked: changes, before: null })
  await tx.execute(sql`
    insert into privacy_requests (id, workspace_id, kind, person_id, note, requested_by, requested_at, due_at, fields, changes)
    values (${row.id}, ${tx.workspaceId}, ${row.kind}, ${row.personId}, ${row.note}, ${row.requestedBy}, ${row.requestedAt}, ${row.dueAt},
      ${fields}::text[], ${sealed})`)
}

/** What a rectification asks, and once it was carried out what stood before, by kind of record. */
export interface KeptChanges {
  asked: PersonalChanges
  before: Record<string, unknown> | null
}

const changesContext = (id: string) => `privacy_requests.changes:${id}`

function sealChanges(tx: Transaction, id: string, changes: KeptChanges): Buffer {
  return tx.sealer.seal(changes, changesContext(id))
}

/** Null for other requests, and once the person was erased. */
export function openChanges(
  tx: Transaction,
  id: string,
  sealed: Buffer | null,
): KeptChanges | null {
  return sealed && tx.sealer.open<KeptChanges>(sealed, changesContext(id))
}

export async function keepChanges(
  tx: Transaction,
  id: string,
  changes: KeptChanges,
): Promise<void> {
  await tx.execute(
    sql`update privacy_requests set changes = ${sealChanges(tx, id, changes)} where id = ${id}`,
  )
}

export function findRequest(tx: Transaction, id: string, how?: 'lock'): Promise<RequestRow | null> {
  const lock = how === 'lock' ? sql`for update of r` : sql``
  return tx.find(
    sql<RequestRow>`select ${columns} from privacy_requests r where r.id = ${id} ${lock}`,
  )
}

export function listRequests(
  tx: Transaction,
  filter: { kind?: string | undefined; personId?: string | undefined },
  after: readonly [string, string] | null,
  limit: number,
): Promise<RequestRow[]> {
  const kind = filter.kind ?? null
  const personId = filter.personId ?? null
  return tx.query(sql<RequestRow>`
    select ${columns} from privacy_requests r
    where r.workspace_id = ${tx.workspaceId} and (${kind}::text is null or r.kind = ${kind})
      and (${personId}::text is null or r.person_id = ${personId})
      and (${after?.[0] ?? null}::timestamptz is null
        or (r.requested_at, r.id) < (${after?.[0] ?? null}::timestamptz, ${after?.[1] ?? ''}::text))
    order by r.requested_at desc, r.id desc limit ${limit + 1}`)
}

export async function decideRequest(
  tx: Transaction,
  id: string,
  decision: {
    state: 'approved' | 'refused'
    by: string
    at: Date
    reason: string | null
    erased: Record<string, number> | null
  },
): Promise<void> {
  await tx.execute(sql`
    update privacy_requests set state = ${decision.state}, decided_by = ${decision.by}, decided_at = ${decision.at},
      decision = ${decision.reason}, erased = ${decision.erased && JSON.stringify(decision.erased)}::jsonb, version = version + 1
    where id = ${id}`)
}

const MOST_RECEIPTS = 200

export interface ReceiptRow {
  connectionId: `con_${string}`
  system: string
  entity: string
  externalId: string
  state: 'waiting' | 'done' | 'by_hand'
  attempts: number
  nextAttemptAt: Date | null
  detail: string | null
  doneAt: Date | null
}

export function listReceipts(tx: Transaction, requestId: string): Promise<ReceiptRow[]> {
  return tx.query(sql<ReceiptRow>`
    select e.connection_id, c.name as system, e.entity, e.external_id, e.state, e.attempts, e.detail, e.done_at,
      case when e.state = 'waiting' then e.next_attempt_at end as next_attempt_at
    from sync_erasures e join connections c on c.id = e.connection_id
    where e.request_id = ${requestId}
    union all
    select e.connection_id, c.name, e.entity, e.external_id, e.state, e.attempts, e.detail, e.done_at, null
    from sync_rectifications e join connections c on c.id = e.connection_id
    where e.request_id = ${requestId}
    order by system, entity, external_id limit ${MOST_RECEIPTS}`)
}
