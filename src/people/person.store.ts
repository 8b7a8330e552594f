import { sql } from 'kysely'
import type { Personal } from '#people/capture.ts'
import type { Transaction } from '#store/store.ts'

/** An identity by its blind index, as the store looks it up. */
export interface IndexedIdentity {
  kind: string
  source: string
  /** Hexadecimal of the 32 bytes. */
  index: string
}

export interface FoundPerson {
  id: string
  /** `identityKey` of those that were looked for and are the person's. */
  keys: string[]
  identified: boolean
  personal: Buffer | null
  /** Grows with every change that a decision may rest on: attributes, merges, identifying identities. */
  version: number
  /** `kind:source` of its identifying identities; read only where anonymous ids are about. */
  labels: string[] | null
  /** For each key the person it is of, when that one was merged into this person by hand. */
  homes: (string | null)[]
  /** Whether people were merged into this one by hand. */
  isLayered: boolean
}

/** An identity as one text. */
export function identityKey(kind: string, source: string, index: string): string {
  return `${kind}:${source}:${index}`
}

/** The people whom these identities name, each once. */
export async function findPeople(
  tx: Transaction,
  identities: readonly IndexedIdentity[],
): Promise<FoundPerson[]> {
  const needsLabels = identities.some(({ kind }) => kind === 'anonymous_id')
  return tx.query(sql<FoundPerson>`
    with ${wanted(identities)}, found as (
      select i.person_id, array_agg(w.kind || ':' || w.source || ':' || w.index order by w.index) as keys,
        array_agg(i.home_id::text order by w.index) as homes
      from wanted w
      join identities i on i.workspace_id = ${tx.workspaceId} and i.kind = w.kind
        and i.source = w.source and i.value_index = w.value_index
      group by i.person_id
    )
    select p.id, f.keys, f.homes, p.identified, p.personal, p.version,
      exists (select from person_merges m where m.workspace_id = ${tx.workspaceId} and m.into_id = p.id
        and m.undone_at is null) as is_layered,
      case when ${needsLabels}::boolean and p.identified then (
        select array_agg(distinct k.kind || ':' || k.source)
        from identities k
        where k.workspace_id = ${tx.workspaceId} and k.person_id = p.id and k.kind <> 'anonymous_id'
      ) end as labels
    from found f
    join people p on p.id = f.person_id`)
}

/**
 * Locks people against other captures, in the order of their ids so that two transactions never wait
 * for each other in a ring. False when one of them changed since it was read: look again.
 */
export async function lockPeople(
  tx: Transaction,
  people: readonly FoundPerson[],
): Promise<boolean> {
  const versions = new Map(people.map(({ id, version }) => [id, version]))
  const rows = await tx.query(sql<{ id: string; version: number; mergedInto: string | null }>`
    select p.id, p.version, p.merged_into
    from people p
    where p.id = any(${[...versions.keys()]}::text[])
    order by p.id
    for no key update of p`)
  return (
    rows.length === people.length &&
    rows.every((row) => row.mergedInto === null && row.version === versions.get(row.id))
  )
}

export interface NewPerson {
  id: string
  identified: boolean
  personal: Personal
}

export interface NewIdentity extends IndexedIdentity {
  value: string
  personId: string
  /** Whom it names, when that one was merged into the person by hand. */
  homeId: string | null
}

/**
 * Adds people and identities in one statement. False when another transaction added one of the
 * identities first: then the caller undoes to its savepoint and looks again.
 */
export async function insertPeople(
  tx: Transaction,
  people: readonly NewPerson[],
  identities: readonly NewIdentity[],
  now: Date,
): Promise<boolean> {
  const personRows = people.map(({ id, identified, personal }) => ({
    id,
    identified,
    personal: sealPersonal(tx, id, personal),
  }))
  const identityRows = identities.map(({ kind, source, index, value, personId, homeId }) => ({
    kind,
    source,
    index,
    value: tx.sealer.seal(value, identityContext(kind, source, index)).toString('base64'),
    person_id: personId,
    home_id: homeId,
  }))
  const inserted = await tx.execute(sql`
    with new_people as (
      insert into people (id, workspace_id, identified, personal, created_at, updated_at)
      select r.id, ${tx.workspaceId}, r.identified, decode(r.personal, 'base64'), ${now}::timestamptz,
        ${now}::timestamptz
      from jsonb_to_recordset(${JSON.stringify(personRows)}::jsonb)
        as r(id text, identified boolean, personal text)
    )
    insert into identities (workspace_id, kind, source, value_index, value, person_id, home_id, created_at)
    select ${tx.workspaceId}, r.kind, r.source, decode(r.index, 'hex'), decode(r.value, 'base64'),
      r.person_id, r.home_id, ${now}::timestamptz
    from jsonb_to_recordset(${JSON.stringify(identityRows)}::jsonb)
      as r(kind text, source text, index text, value text, person_id text, home_id text)
    order by r.kind, r.source, r.index
    on conflict do nothing`)
  return inserted === identities.length
}

/** An anonymous person that turned out to be another one. */
export interface AnonymousMerge {
  from: string
  into: string
  /** Whom `from` turned out to be, when that one was merged into `into` by hand. */
  home: string | null
}

export interface MovedConsent {
  personId: string
  purpose: string
  channel: string
}

/**
 * Moves all that anonymous people did and are known by to the people they turned out to be. A
 * touchpoint keeps in `captured_as` whom it was first captured for. Answers the consents that moved.
 */
export async function mergePeople(
  tx: Transaction,
  merges: readonly AnonymousMerge[],
  now: Date,
): Promise<MovedConsent[]> {
  const rows = merges.map(({ from, into, home }) => ({ merged: from, survivor: into, home }))
  return tx.query(sql<MovedConsent>`
    with pairs as (
      select r.merged, r.survivor, r.home
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(merged text, survivor text, home text)
      where r.merged like 'per_%' -- few rows, for the planner: see wanted()
    ), moved_people as (
      update people p
      set merged_into = coalesce(pairs.home, pairs.survivor), personal = null, updated_at = ${now}::timestamptz,
        version = p.version + 1
      from pairs where p.id = pairs.merged
    ), moved_identities as (
      update identities i set person_id = pairs.survivor, home_id = pairs.home
      from pairs where i.workspace_id = ${tx.workspaceId} and i.person_id = pairs.merged
    ), moved_touchpoints as (
      update touchpoints t
      set person_id = pairs.survivor, captured_as = coalesce(t.captured_as, t.person_id)
      from pairs where t.workspace_id = ${tx.workspaceId} and t.person_id = pairs.merged
    )
    update consents c set person_id = pairs.survivor, home_id = pairs.home
    from pairs where c.workspace_id = ${tx.workspaceId} and c.person_id = pairs.merged
    returning c.person_id, c.purpose, c.channel`)
}

export interface PersonChange {
  id: string
  identified: boolean
  personal: Personal
}

/** Writes new personal values of known people. */
export async function updatePeople(
  tx: Transaction,
  changes: readonly PersonChange[],
  now: Date,
): Promise<void> {
  const rows = changes.map(({ id, identified, personal }) => ({
    id,
    identified,
    personal: sealPersonal(tx, id, personal),
  }))
  await tx.execute(sql`
    update people p
    set identified = p.identified or r.identified, personal = decode(r.personal, 'base64'), keyed = false,
      updated_at = ${now}::timestamptz, version = p.version + 1
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as r(id text, identified boolean, personal text)
    where p.id = r.id and r.id like 'per_%' -- few rows, for the planner: see wanted()`)
}

export interface NewConflict {
  id: string
  personId: string
  otherPersonId: string
  kinds: readonly string[]
}

export interface FiledConflict {
  id: string
  personId: string
  otherPersonId: string
  state: 'open' | 'merged' | 'kept_apart'
}

/** Files each pair once, to be looked at as duplicates; a pair that is on file already answers the record it has. */
export async function fileConflicts(
  tx: Transaction,
  conflicts: readonly NewConflict[],
  now: Date,
): Promise<FiledConflict[]> {
  const rows = conflicts.map(({ id, personId, otherPersonId, kinds }) => ({
    id,
    person_id: personId,
    other_person_id: otherPersonId,
    evidence: { kinds },
  }))
  return tx.query(sql<FiledConflict>`
    with met as (
      select * from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
        as r(id text, person_id text, other_person_id text, evidence jsonb)
    ), unkeyed as (
      update people p set keyed = false from met r
      where p.id = r.person_id and not exists (select from person_duplicates d where d.workspace_id = ${tx.workspaceId}
        and d.person_id = r.person_id and d.other_person_id = r.other_person_id)
    )
    insert into identity_conflicts
      (id, workspace_id, person_id, other_person_id, evidence, created_at)
    select r.id, ${tx.workspaceId}, r.person_id, r.other_person_id, r.evidence, ${now}::timestamptz
    from met r
    order by r.person_id, r.other_person_id
    on conflict (workspace_id, person_id, other_person_id)
      do update set state = identity_conflicts.state
    returning id, person_id, other_person_id, state`)
}

/** The sealed attributes of a person. */
export function openPersonal(tx: Transaction, id: string, sealed: Buffer | null): Personal {
  return sealed === null ? {} : tx.sealer.open<Personal>(sealed, personalContext(id))
}

/** What an identity's sealed value is bound to. */
export function identityContext(kind: string, source: string, index: string): string {
  return `identities.value:${kind}:${source}:${index}`
}

export function sealPersonal(tx: Transaction, id: string, personal: Personal): string {
  return tx.sealer.seal(personal, personalContext(id)).toString('base64')
}

function personalContext(id: string): string {
  return `people.personal:${id}`
}

/**
 * The looked-for identities as rows. `decode` runs apart from the join: row-level security lets only
 * leak-proof functions into an index condition, and a look-up without the index reads all identities.
 * Naming the kinds tells the planner to expect few rows; of a JSON list alone it expects 100, for
 * which it would rather read a young table whole, and keep doing so in a prepared statement while
 * the table grows.
 */
function wanted(identities: readonly IndexedIdentity[]) {
  return sql`wanted as materialized (
    select r.kind, r.source, r.index, decode(r.index, 'hex') as value_index
    from jsonb_to_recordset(${JSON.stringify(identities)}::jsonb)
      as r(kind text, source text, index text)
    where r.kind in ('email', 'user_id', 'anonymous_id', 'external_id')
  )`
}
