import type { JsonObject } from '#sandbox/json.ts'
import { Refusal } from '#sandbox/kernel.ts'
import { vendorNow } from './account.ts'
import type { Account } from './account.ts'
import type { CustomField } from './custom-fields.ts'
import { createField } from './fields.routes.ts'
import { KINDS } from './kinds.ts'
import type { Kind } from './kinds.ts'
import { mergeRows } from './merges.ts'
import { putPipeline, putStage } from './pipelines.routes.ts'
import { renderLead, renderV2 } from './render.ts'
import type { Actor, Change, Row, User } from './state.ts'
import { planCreate, planDelete, planUpdate } from './writes.ts'

/** A user to seed; what is left out is made up. */
export type UserSeed = Pick<User, 'id' | 'email'> & Partial<User>

/** What to put into an account at once. Records are bodies as the API takes them, and get ids in the order given. */
export interface Seed {
  users?: UserSeed[]
  pipelines?: JsonObject[]
  stages?: JsonObject[]
  /** `field_name`, `field_type` and, for lists, `options`. */
  fields?: Partial<Record<Kind, JsonObject[]>>
  records?: Partial<Record<Kind, JsonObject[]>>
  /** By ids. */
  participants?: { dealId: string; personId: string }[]
}

/** A record as the API shows it, with what tells whether it lives. */
export interface StoredRecord {
  id: string
  isDeleted: boolean
  mergedInto: string | null
  shown: JsonObject
}

/** What a person in the web app does. */
const BY_USER: Actor = { userId: 1, source: 'app' }

/** Seeds are committed in lines of this many changes. */
const CHUNK = 1000

/** The ids that a seed gave, and the codes of its fields. */
export interface Seeded {
  ids: Record<Kind, string[]>
  codes: Record<Kind, string[]>
}

/**
 * Puts everything of the seed into the account.
 * @throws Error that names the first row that the account refuses; what came before it stays.
 */
export function seedAccount(account: Account, seed: Seed): Seeded {
  const seeded: Seeded = { ids: emptyLists(), codes: emptyLists() }
  for (const user of seed.users ?? []) putUser(account, user)
  for (const pipeline of seed.pipelines ?? []) putPipeline(account, pipeline, null)
  for (const stage of seed.stages ?? []) putStage(account, stage, null)
  for (const kind of KINDS) {
    for (const field of seed.fields?.[kind] ?? []) {
      seeded.codes[kind].push(createField(account, kind, field).code)
    }
  }
  for (const kind of ['organization', 'person', 'lead', 'deal', 'activity', 'product'] as const) {
    seeded.ids[kind] = seedRecords(account, kind, seed.records?.[kind] ?? [])
  }
  for (const one of seed.participants ?? []) {
    const id = account.state.nextId('participant')
    const participant = { id, ...one, addedAtMs: vendorNow(account) }
    account.state.commit([{ do: 'participant', participant }])
  }
  return seeded
}

const emptyLists = () =>
  Object.fromEntries(KINDS.map((kind) => [kind, [] as string[]])) as Record<Kind, string[]>

function seedRecords(account: Account, kind: Kind, bodies: readonly JsonObject[]): string[] {
  const ids: string[] = []
  for (let start = 0; start < bodies.length; start += CHUNK) {
    const changes: Change[] = []
    bodies.slice(start, start + CHUNK).forEach((body, i) => {
      const { row, changes: made } = orName(`${kind}[${start + i}]`, () =>
        planCreate(account, kind, body, BY_USER),
      )
      ids.push(row.id)
      changes.push(...made)
    })
    account.state.commit(changes)
  }
  return ids
}

function orName<T>(place: string, plan: () => T): T {
  try {
    return plan()
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    throw new Error(`${place}: ${JSON.stringify(error.answer.body)}`, { cause: error })
  }
}

/** Adds a user, or changes the one with this id. */
export function putUser(account: Account, seed: UserSeed): void {
  const nowMs = vendorNow(account)
  const known = account.state.users.get(seed.id)
  const user: User = {
    name: seed.email,
    isActive: true,
    isDeleted: false,
    isAdmin: false,
    addedAtMs: nowMs,
    ...known,
    ...seed,
    updatedAtMs: nowMs,
  }
  account.state.commit([{ do: 'user', user }])
}

function rowNamed(account: Account, kind: Kind, id: string): Row {
  const row = account.state.table(kind).find(id)
  if (!row) throw new Error(`No ${kind} ${id}`)
  return row
}

/** Changes a record behind the API's back, as a person in the web app does. @throws Error when it cannot be. */
export function editRecord(
  account: Account,
  kind: Kind,
  id: string,
  body: JsonObject,
  by: Actor = BY_USER,
): void {
  const row = rowNamed(account, kind, id)
  account.state.commit(
    orName(`${kind} ${id}`, () => planUpdate(account, kind, row, body, by)).changes,
  )
}

/** Takes a record away behind the API's back: deleted as usual, or gone without a trace. */
export function removeRecord(
  account: Account,
  kind: Kind,
  id: string,
  how: 'delete' | 'vanish' = 'delete',
): void {
  const row = rowNamed(account, kind, id)
  account.state.commit(
    how === 'delete' ? planDelete(account, kind, row, BY_USER) : [{ do: 'vanish', kind, id }],
  )
}

/** Merges the first record into the second, as a person in the web app does. */
export function mergeRecords(
  account: Account,
  kind: 'person' | 'organization' | 'deal',
  id: string,
  intoId: string,
): void {
  mergeRows(account, kind, rowNamed(account, kind, intoId), rowNamed(account, kind, id), BY_USER)
}

/** Gives a custom field another name; its code stays. */
export function renameField(account: Account, kind: Kind, code: string, name: string): CustomField {
  const field = account.state.fieldsOf(kind).get(code)
  if (!field) throw new Error(`No field ${code}`)
  account.state.commit([{ do: 'field', kind, field: { ...field, name } }])
  return { ...field, name }
}

/** Every record of a kind, deleted ones among them. */
export function* storedRecords(account: Account, kind: Kind): Generator<StoredRecord> {
  for (const row of account.state.table(kind).all()) {
    yield {
      id: row.id,
      isDeleted: row.deletedAtMs !== 0,
      mergedInto: row.mergedInto,
      shown: kind === 'lead' ? renderLead(account, row) : renderV2(account, kind, row),
    }
  }
}

/** A standard or custom field of a record; null without a value. */
export function readStored(account: Account, kind: Kind, id: string, field: string) {
  const row = account.state.table(kind).find(id)
  return row?.values[field] ?? row?.custom[field] ?? null
}

/** The kind a control call names. @throws RangeError when there is none. */
export function kindNamed(name: string | null): Kind {
  const kind = KINDS.find((known) => known === name)
  if (!kind) throw new RangeError(`No kind ${name}`)
  return kind
}

/** The members of a control call that are numbers or null, which lifts a limit. */
export function numbersOrNull(body: JsonObject): Record<string, number | null> {
  const entries = Object.entries(body).flatMap(([name, value]) =>
    value === null || typeof value === 'number' ? [[name, value] as const] : [],
  )
  return Object.fromEntries(entries)
}
