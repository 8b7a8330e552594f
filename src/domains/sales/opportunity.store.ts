import { sql, type RawBuilder } from 'kysely'
import type { Transaction } from '#store/store.ts'
import type { OpportunityState } from './opportunity.rules.ts'
import type { Opportunity, OpportunityQuery, OpportunityStatus } from './opportunity.schema.ts'

type PeopleOf = Pick<OpportunityState, 'personIds' | 'roles' | 'primaryPersonId'>

interface OpportunityRow extends Omit<OpportunityState, 'name' | keyof PeopleOf> {
  name: Buffer
}

const columns = sql.raw(
  'id name amount_minor currency status pipeline_id stage_id owner_id opened_at closed_at closes_on deleted_at updated_at version'
    .split(' ')
    .map((name) => `o.${name}`)
    .join(', '),
)
const nameContext = (id: string) => `opportunities.name:${id}`

function openName<Row extends { id: string; name: Buffer }>(
  tx: Transaction,
  row: Row,
): Omit<Row, 'name'> & { name: string } {
  return { ...row, name: tx.sealer.open<string>(row.name, nameContext(row.id)) }
}

/** These opportunities, deleted ones too, with the people they were told with, also those who were merged into others since; locked until the transaction ends unless only read. */
export async function findOpportunities(
  tx: Transaction,
  ids: readonly string[],
  use: 'change' | 'read' = 'change',
): Promise<OpportunityState[]> {
  const people = sql`from opportunity_people op where op.workspace_id = ${tx.workspaceId} and op.opportunity_id = o.id`
  const home = sql`coalesce(op.home_id, op.person_id)::text`
  const rows = await tx.query(sql<OpportunityRow & PeopleOf>`
    select ${columns}, array(select ${home} ${people} order by 1) as person_ids,
      coalesce((select jsonb_object_agg(${home}, op.role) ${people} and op.role is not null), '{}') as roles,
      (select ${home} ${people} and op.is_primary order by 1 limit 1) as primary_person_id
    from opportunities o where o.id = any(${ids}::text[]) order by o.id ${use === 'change' ? sql`for no key update of o` : sql``}`)
  return rows.map((row) => openName(tx, row))
}

export async function saveOpportunities(
  tx: Transaction,
  opportunities: readonly OpportunityState[],
): Promise<void> {
  if (opportunities.length === 0) return
  const rows = opportunities.map(
    ({ personIds: _people, roles: _roles, primaryPersonId: _main, name, ...state }) => ({
      ...state,
      name: tx.sealer.seal(name, nameContext(state.id)).toString('hex'),
    }),
  )
  await tx.execute(sql`
    insert into opportunities (id, workspace_id, name, amount_minor, currency, pipeline_id, stage_id, status, owner_id, opened_at,
      closed_at, closes_on, deleted_at, updated_at, version)
    select r.id, ${tx.workspaceId}, decode(r.name, 'hex'), r."amountMinor", r.currency, r."pipelineId", r."stageId", r.status,
      r."ownerId", r."openedAt", r."closedAt", r."closesOn", r."deletedAt", r."updatedAt", r.version
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(id text, name text, "amountMinor" bigint, currency text,
      "pipelineId" text, "stageId" text, status text, "ownerId" text, "openedAt" timestamptz, "closedAt" timestamptz,
      "closesOn" date, "deletedAt" timestamptz, "updatedAt" timestamptz, version integer)
    on conflict (id) do update set name = excluded.name, amount_minor = excluded.amount_minor, currency = excluded.currency,
      pipeline_id = excluded.pipeline_id, stage_id = excluded.stage_id, status = excluded.status, owner_id = excluded.owner_id,
      opened_at = excluded.opened_at, closed_at = excluded.closed_at, closes_on = excluded.closes_on, deleted_at = excluded.deleted_at,
      updated_at = excluded.updated_at, version = excluded.version`)
}

export interface StageEntry {
  opportunityId: string
  stageId: string
  enteredAt: Date
}

export async function insertStageEntries(
  tx: Transaction,
  entries: readonly StageEntry[],
): Promise<void> {
  if (entries.length === 0) return
  await tx.execute(sql`
    insert into opportunity_stages (workspace_id, opportunity_id, entered_at, stage_id)
    select ${tx.workspaceId}, r."opportunityId", r."enteredAt", r."stageId"
    from jsonb_to_recordset(${JSON.stringify(entries)}::jsonb)
      as r("opportunityId" text, "stageId" text, "enteredAt" timestamptz)
    on conflict do nothing`)
}

export interface ExpectedClose {
  opportunityId: string
  knownAt: Date
  closesOn: string | null
}

/** Of two days that were told at the same moment the later write stands. */
export async function insertExpectedCloses(
  tx: Transaction,
  expected: readonly ExpectedClose[],
): Promise<void> {
  if (expected.length === 0) return
  const last = new Map(
    expected.map((one) => [`${one.opportunityId} ${one.knownAt.getTime()}`, one]),
  )
  await tx.execute(sql`
    insert into opportunity_close_dates (workspace_id, opportunity_id, known_at, closes_on)
    select ${tx.workspaceId}, r."opportunityId", r."knownAt", r."closesOn"
    from jsonb_to_recordset(${JSON.stringify([...last.values()])}::jsonb)
      as r("opportunityId" text, "knownAt" timestamptz, "closesOn" date)
    on conflict (workspace_id, opportunity_id, known_at) do update set closes_on = excluded.closes_on`)
}

/** Makes the people of these opportunities exactly those given, with their roles; whoever was merged is counted for the one that stands for them. */
export async function replaceOpportunityPeople(
  tx: Transaction,
  people: readonly ({ id: string } & PeopleOf)[],
): Promise<void> {
  if (people.length === 0) return
  const pairs = people.flatMap(({ id, personIds, roles, primaryPersonId }) =>
    personIds.map((personId) => ({
      id,
      personId,
      role: roles[personId] ?? null,
      isPrimary: personId === primaryPersonId,
    })),
  )
  await tx.execute(sql`
    with recursive wanted as (
      select r.id, r."personId" as person_id, r.role, r."isPrimary" as is_primary
      from jsonb_to_recordset(${JSON.stringify(pairs)}::jsonb)
        as r(id text, "personId" identifier, role text, "isPrimary" boolean)
    ), up as (
      select distinct person_id as home, person_id as id from wanted
      union select up.home, p.merged_into from up join people p on p.id = up.id where p.merged_into is not null
    ), added as (
      insert into opportunity_people as known (workspace_id, opportunity_id, person_id, home_id, role, is_primary)
      select ${tx.workspaceId}, w.id, up.id, nullif(w.person_id, up.id), w.role, w.is_primary
      from wanted w join up on up.home = w.person_id join people p on p.id = up.id and p.merged_into is null
      on conflict (workspace_id, opportunity_id, coalesce(home_id, person_id)) do update
      set role = excluded.role, is_primary = excluded.is_primary
      where (known.role, known.is_primary) is distinct from (excluded.role, excluded.is_primary)
    )
    delete from opportunity_people op
    where op.workspace_id = ${tx.workspaceId} and op.opportunity_id = any(${people.map(({ id }) => id)}::text[])
      and not exists (select from wanted w where w.id = op.opportunity_id
        and w.person_id = coalesce(op.home_id, op.person_id))`)
}

/** What the stages of these ids stand for. */
export async function findStageOutcomes(
  tx: Transaction,
  ids: readonly string[],
): Promise<Map<string, OpportunityStatus>> {
  const rows = await tx.query(sql<{ id: string; outcome: OpportunityStatus }>`
    select id, outcome from stages where id = any(${ids}::text[])`)
  return new Map(rows.map(({ id, outcome }) => [id, outcome]))
}

/** Whose each of these leads is, also when that one was merged into another; of a merged lead, whose the one is that took it in. */
export async function findPeopleOfLeads(
  tx: Transaction,
  leadIds: readonly string[],
): Promise<Map<string, string>> {
  const rows = await tx.query(sql<{ id: string; personId: string }>`
    select l.id, coalesce(s.home_id, s.person_id, l.home_id, l.person_id)::text as person_id
    from leads l left join leads s on s.id = l.merged_into
    where l.id = any(${leadIds}::text[])`)
  return new Map(rows.map(({ id, personId }) => [id, personId]))
}

/** By person, also those who were merged into others: their own lead. */
export async function findLeadsOfPeople(
  tx: Transaction,
  personIds: readonly string[],
): Promise<Map<string, string>> {
  if (personIds.length === 0) return new Map()
  const rows = await tx.query(sql<{ personId: string; id: string }>`
    select coalesce(home_id, person_id) as person_id, id from leads
    where workspace_id = ${tx.workspaceId} and merged_into is null
      and ((home_id is null and person_id = any(${[...personIds]}::text[])) or home_id = any(${[...personIds]}::text[]))`)
  return new Map(rows.map(({ personId, id }) => [personId, id]))
}

/** By opportunity: when it entered the stage that it is in. */
export async function findStageEntered(
  tx: Transaction,
  ids: readonly string[],
): Promise<Map<string, Date>> {
  const rows = await tx.query(sql<{ id: string; enteredAt: Date }>`
    select o.id, max(h.entered_at) as entered_at
    from opportunities o join opportunity_stages h
      on h.workspace_id = o.workspace_id and h.opportunity_id = o.id and h.stage_id = o.stage_id
    where o.id = any(${[...ids]}::text[]) group by o.id`)
  return new Map(rows.map(({ id, enteredAt }) => [id, enteredAt]))
}

export async function getWorkspaceCurrency(tx: Transaction): Promise<string> {
  const row = await tx.find(
    sql<{ currency: string }>`select currency from workspaces where id = ${tx.workspaceId}`,
  )
  if (row === null) throw new Error('a transaction of no workspace')
  return row.currency
}

export async function listOpportunities(
  tx: Transaction,
  filter: Omit<OpportunityQuery, 'limit' | 'cursor'>,
  page: { limit: number; after: { openedAt: string; id: string } | null },
): Promise<Opportunity[]> {
  const { status, ownerId, pipelineId, stageId, personId, from, to } = filter
  const { after } = page
  const conditions: RawBuilder<unknown>[] = [
    sql`o.workspace_id = ${tx.workspaceId}`,
    sql`o.deleted_at is null`,
  ]
  if (status !== undefined) conditions.push(sql`o.status = ${status}`)
  if (ownerId !== undefined) conditions.push(sql`o.owner_id = ${ownerId}`)
  if (pipelineId !== undefined) conditions.push(sql`o.pipeline_id = ${pipelineId}`)
  if (stageId !== undefined) conditions.push(sql`o.stage_id = ${stageId}`)
  if (personId !== undefined)
    conditions.push(sql`o.id in (select op.opportunity_id from opportunity_people op
      where op.workspace_id = ${tx.workspaceId} and op.person_id = ${personId})`)
  if (from !== undefined) conditions.push(sql`o.closed_at >= ${from}::timestamptz`)
  if (to !== undefined) conditions.push(sql`o.closed_at < ${to}::timestamptz`)
  if (after !== null)
    conditions.push(sql`(o.opened_at, o.id) < (${after.openedAt}::timestamptz, ${after.id}::text)`)
  const rows = await tx.query(sql<OpportunityRow>`
    select ${columns} from opportunities o where ${sql.join(conditions, sql` and `)}
    order by o.opened_at desc, o.id desc limit ${page.limit + 1}`)
  return rows.map((row) => toOpportunity(openName(tx, row)))
}

/** An opportunity as callers see it. */
export function toOpportunity(state: Omit<OpportunityState, keyof PeopleOf>): Opportunity {
  const { deletedAt: _deleted, ...shown } = state
  return shown as Opportunity
}

export async function findOpportunity(
  tx: Transaction,
  id: string,
): Promise<Omit<OpportunityState, keyof PeopleOf> | null> {
  const row = await tx.find(
    sql<OpportunityRow>`select ${columns} from opportunities o where o.id = ${id}`,
  )
  return row === null ? null : openName(tx, row)
}

export async function listStageEntries(tx: Transaction, id: string) {
  return tx.query(sql<{
    stageId: `stg_${string}`
    label: string
    outcome: OpportunityStatus
    enteredAt: Date
  }>`
    select h.stage_id, s.label, s.outcome, h.entered_at from opportunity_stages h join stages s on s.id = h.stage_id
    where h.workspace_id = ${tx.workspaceId} and h.opportunity_id = ${id}
    order by h.entered_at, s.position limit 1000`)
}

/** The days on which it was expected to close, in the order in which they were told. */
export async function listExpectedCloses(tx: Transaction, id: string) {
  return tx.query(sql<{ closesOn: string | null; knownAt: Date }>`
    select closes_on, known_at from opportunity_close_dates
    where workspace_id = ${tx.workspaceId} and opportunity_id = ${id} order by known_at limit 1000`)
}

export async function listOpportunityPeople(tx: Transaction, id: string) {
  return tx.query(sql<{
    personId: `per_${string}`
    leadId: `lead_${string}` | null
    role: string | null
    isPrimary: boolean
  }>`
    select op.person_id, l.id as lead_id, op.role, op.is_primary from opportunity_people op
    left join leads l on l.workspace_id = op.workspace_id and l.person_id = op.person_id and l.merged_into is null
      and l.home_id is not distinct from op.home_id
    where op.workspace_id = ${tx.workspaceId} and op.opportunity_id = ${id}
    order by op.person_id, l.id limit 1000`)
}
