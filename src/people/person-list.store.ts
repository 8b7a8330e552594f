import { sql, type RawBuilder } from 'kysely'
import type { Transaction } from '#store/store.ts'
import { normaliseEmail } from '#core/email.ts'
import type { Personal } from './capture.ts'
import type { IdentityConflict, PersonBrief } from './person.schema.ts'
import { identityContext, openPersonal } from './person.store.ts'

export interface PersonRow {
  id: `per_${string}`
  identified: boolean
  personal: Buffer | null
  mergedInto: string | null
  createdAt: Date
  updatedAt: Date
  version: number
}

export interface ListPlace {
  limit: number
  /** The sort values of the last row before. */
  after: { at: string; id: string } | null
}

/** People that were not merged away, newest first, one more than the limit. */
export async function listPeople(
  tx: Transaction,
  filter: { email?: string | undefined; identified?: boolean | undefined },
  { limit, after }: ListPlace,
): Promise<PersonRow[]> {
  const conditions = [sql`p.merged_into is null`]
  if (after) conditions.push(sql`(p.created_at, p.id) < (${after.at}::timestamptz, ${after.id})`)
  if (filter.identified !== undefined) conditions.push(sql`p.identified = ${filter.identified}`)
  if (filter.email !== undefined) {
    const index = tx.sealer.index('email', normaliseEmail(filter.email))
    conditions.push(sql`p.id in (select i.person_id from identities i
      where i.kind = 'email' and i.source = '' and i.value_index = ${index})`)
  }
  return tx.query(sql<PersonRow>`
    select p.id, p.identified, p.personal, p.merged_into, p.created_at, p.updated_at, p.version
    from people p
    where ${allOf(conditions)}
    order by p.created_at desc, p.id desc
    limit ${limit + 1}`)
}

/** A function that tells these people in brief, by their ids. */
export async function briefsOf(
  tx: Transaction,
  personIds: readonly string[],
): Promise<(id: string) => PersonBrief> {
  const rows = await tx.query(sql<{ id: string; personal: Buffer | null }>`
    select id, personal from people where id = any(${[...new Set(personIds)]}::text[])`)
  const values = new Map(rows.map(({ id, personal }) => [id, openPersonal(tx, id, personal)]))
  return (id) => toBrief(id, values.get(id) ?? {})
}

export function toBrief(id: string, values: Personal): PersonBrief {
  const {
    email = null,
    firstName = null,
    lastName = null,
    jobTitle = null,
    company = null,
  } = values
  return { id: id as PersonBrief['id'], email, firstName, lastName, jobTitle, company }
}

// A merge chain is one step long for a visitor that named itself; longer ones come from merges of
// anonymous people. The bound only keeps a broken chain from running on.
const maxMergeSteps = 20

/** The person, or the one it was merged into; null when there is none. */
export async function findSurvivor(tx: Transaction, id: string): Promise<PersonRow | null> {
  return tx.find(sql<PersonRow>`
    with recursive chain as (
      select p.id, p.merged_into, 0 as step from people p where p.id = ${id}
      union all
      select p.id, p.merged_into, chain.step + 1
      from chain join people p on p.id = chain.merged_into
      where chain.step < ${maxMergeSteps}
    )
    select p.id, p.identified, p.personal, p.merged_into, p.created_at, p.updated_at, p.version
    from chain join people p on p.id = chain.id
    where chain.merged_into is null`)
}

/** When a person was merged away; null when it was not. */
export async function findMergeTime(tx: Transaction, id: string): Promise<Date | null> {
  const row = await tx.find(sql<{ updatedAt: Date }>`
    select updated_at from people where id = ${id} and merged_into is not null`)
  return row?.updatedAt ?? null
}

/** Locks a person against captures and merges. False when it is gone or was merged meanwhile. */
export async function lockPerson(tx: Transaction, id: string): Promise<boolean> {
  const row = await tx.find(sql<{ id: string }>`
    select id from people where id = ${id} and merged_into is null for no key update`)
  return row !== null
}

export interface IdentityRow {
  kind: 'email' | 'user_id' | 'anonymous_id' | 'external_id'
  source: string
  index: string
  value: Buffer
  createdAt: Date
}

/** The newest 200 identities of a person. */
export async function listIdentities(tx: Transaction, personId: string): Promise<IdentityRow[]> {
  return tx.query(sql<IdentityRow>`
    select kind, source, encode(value_index, 'hex') as index, value, created_at
    from identities
    where person_id = ${personId}
    order by created_at desc, kind
    limit 200`)
}

/** Pairs of people that may be one, newest first. */
export async function listConflicts(
  tx: Transaction,
  state: IdentityConflict['state'],
  limit: number,
  beforeId: string | null,
): Promise<IdentityConflict[]> {
  const conditions = [sql`c.state = ${state}`]
  if (beforeId !== null) conditions.push(sql`c.id < ${beforeId}`)
  return tx.query(sql<IdentityConflict>`
    select c.id, c.person_id, c.other_person_id, c.evidence -> 'kinds' as kinds, c.state,
      c.created_at
    from identity_conflicts c
    where ${allOf(conditions)}
    order by c.id desc
    limit ${limit + 1}`)
}

/** The first external id of each of these people, also of those under another by a merge; those without one are left out. */
export async function findExternalIds(
  tx: Transaction,
  personIds: readonly string[],
): Promise<Map<string, string>> {
  if (personIds.length === 0) return new Map()
  const rows = await tx.query(sql<{
    personId: string
    source: string
    index: string
    value: Buffer
  }>`
    select distinct on (coalesce(home_id, person_id)) coalesce(home_id, person_id) as person_id, source,
      encode(value_index, 'hex') as index, value
    from identities
    where workspace_id = ${tx.workspaceId} and kind = 'external_id'
      and ((home_id is null and person_id = any(${personIds}::text[])) or home_id = any(${personIds}::text[]))
    order by coalesce(home_id, person_id), created_at, value_index`)
  return new Map(
    rows.map(({ personId, source, index, value }) => [
      personId,
      tx.sealer.open<string>(value, identityContext('external_id', source, index)),
    ]),
  )
}

/** Only the conditions that are asked for, so that each list keeps a plan of its own. */
export function allOf(conditions: readonly RawBuilder<unknown>[]): RawBuilder<unknown> {
  return conditions.length === 0 ? sql`true` : sql.join(conditions, sql` and `)
}
