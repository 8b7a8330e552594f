import { cutPage, decodeCursor } from '#core/page.ts'
import { Problem } from '#core/problem.ts'
import { defineOperation, type OperationContext, type Settled } from '#gateway/operation.ts'
import type { Transaction } from '#store/store.ts'
import type { z } from 'zod'
import { captureAll } from './capture.store.ts'
import { readConsents } from './consent.operations.ts'
import { findFault, findTimeFault, maskIdentity, personCapture } from './input.rules.ts'
import {
  briefsOf,
  findMergeTime,
  findSurvivor,
  listConflicts,
  listIdentities,
  listPeople as listPeopleRows,
  type ListPlace,
  type PersonRow,
} from './person-list.store.ts'
import {
  IdentifiedPerson,
  IdentityConflictPage,
  IdentityConflictQuery,
  NewPerson,
  type Person,
  PersonDetail,
  PersonPage,
  PersonPath,
  PersonQuery,
} from './person.schema.ts'
import { identityContext, openPersonal } from './person.store.ts'

export const identifyPerson = defineOperation({
  id: 'identifyPerson',
  method: 'POST',
  path: '/api/v1/people',
  scope: 'people:write',
  tag: 'People',
  summary: 'Say who somebody is',
  description:
    'Finds or makes the person that the identifiers name, adds those that are new, and takes in attributes and ' +
    'consents. An anonymous visitor is joined with the person it turns out to be. Two identified people are never ' +
    'joined: the strongest identifier (userId, externalId, email) names the person and the pair is filed.',
  subject: ({ id }) => id,
  location: ({ id }) => `/api/v1/people/${id}`,
  input: NewPerson,
  output: IdentifiedPerson,
  batch: { key: 'people', max: 1000 },
  performMany: (inputs, context) => identifyAll(inputs, context),
})

async function identifyAll(
  inputs: z.output<typeof NewPerson>[],
  context: OperationContext,
): Promise<Settled<z.output<typeof IdentifiedPerson>>[]> {
  const { tx, now } = context
  const faults = inputs.map((input) => findFault(input, now) ?? findConsentFault(input, now))
  const taken = inputs.filter((_, i) => faults[i] === null)
  const { outcomes, events } = await captureAll(tx, taken.map(personCapture), now)
  for (const event of events) context.emit(event)
  let next = 0
  return faults.map((problem) => {
    if (problem !== null) return { kind: 'refused', problem }
    const { personId, isNewPerson: isNew, conflictId } = outcomes[next++]!
    const id = personId as `per_${string}`
    const output = { id, isNew, conflictId: (conflictId as `conf_${string}` | undefined) ?? null }
    return { kind: 'done', output, status: isNew ? 201 : 200 }
  })
}

function findConsentFault(input: NewPerson, now: Date): Problem | null {
  for (const [i, { occurredAt }] of input.consents.entries()) {
    const fault =
      occurredAt === undefined ? null : findTimeFault(`/consents/${i}/occurredAt`, occurredAt, now)
    if (fault !== null) return fault
  }
  return null
}

export const listPeople = defineOperation({
  id: 'listPeople',
  method: 'GET',
  path: '/api/v1/people',
  scope: 'people:read',
  tag: 'People',
  summary: 'List people, newest first',
  input: PersonQuery,
  output: PersonPage,
  csv: [
    { title: 'Id', field: 'id' },
    { title: 'Identified', field: 'identified' },
    { title: 'E-mail', field: 'email' },
    { title: 'First name', field: 'firstName' },
    { title: 'Last name', field: 'lastName' },
    { title: 'Phone', field: 'phone' },
    { title: 'Job title', field: 'jobTitle' },
    { title: 'Company', field: 'company' },
    { title: 'Country', field: 'country' },
    { title: 'Created', field: 'createdAt' },
    { title: 'Updated', field: 'updatedAt' },
  ],
  async perform({ limit, cursor, ...filter }, { tx }) {
    const rows = await listPeopleRows(tx, filter, placeOf(limit, cursor))
    const people = rows.map((row) => toPerson(tx, row).person)
    return cutPage(people, limit, (person) => [person.createdAt.toISOString(), person.id])
  },
})

export const getPerson = defineOperation({
  id: 'getPerson',
  method: 'GET',
  path: '/api/v1/people/{personId}',
  scope: 'people:read',
  tag: 'People',
  summary: 'A person with identities and consents',
  description:
    'The id of a person that was merged into another answers the other, with `merged` set.',
  version: ({ version }) => version,
  input: PersonPath,
  output: PersonDetail,
  perform: ({ personId }, { tx }) => readPerson(tx, personId),
})

async function readPerson(tx: Transaction, personId: `per_${string}`): Promise<PersonDetail> {
  const row = await getSurvivor(tx, personId)
  const mergedAt = row.id === personId ? null : await findMergeTime(tx, personId)
  const identities = await listIdentities(tx, row.id)
  const { effective, history } = await readConsents(tx, row.id)
  const { person, traits } = toPerson(tx, row)
  return {
    ...person,
    version: row.version,
    traits,
    identities: identities.map(({ kind, source, index, value, createdAt }) => {
      const opened = tx.sealer.open<string>(value, identityContext(kind, source, index))
      return { kind, source, masked: maskIdentity(kind, opened), createdAt }
    }),
    consents: { effective, history },
    merged: mergedAt === null ? null : { from: personId, at: mergedAt },
  }
}

/** @throws Problem `resource.not_found` */
export async function getSurvivor(tx: Transaction, personId: string): Promise<PersonRow> {
  const row = await findSurvivor(tx, personId)
  if (row === null) throw new Problem('resource.not_found', 'There is no person with this id.')
  return row
}

export const listIdentityConflicts = defineOperation({
  id: 'listIdentityConflicts',
  method: 'GET',
  path: '/api/v1/identity-conflicts',
  scope: 'people:read',
  tag: 'People',
  summary: 'List pairs of people that may be one, newest first',
  description:
    'Filed when identifiers of two identified people came together; the hub never joins them itself.',
  input: IdentityConflictQuery,
  output: IdentityConflictPage,
  csv: [
    { title: 'Id', field: 'id' },
    { title: 'Person', field: 'personId' },
    { title: 'Other person', field: 'otherPersonId' },
    { title: 'E-mail', field: 'person.email' },
    { title: 'Other e-mail', field: 'otherPerson.email' },
    { title: 'Met by', field: 'kinds' },
    { title: 'State', field: 'state' },
    { title: 'Filed', field: 'createdAt' },
  ],
  async perform({ limit, cursor, state }, { tx }) {
    const beforeId = cursor === undefined ? null : String(decodeCursor(cursor, 1)[0])
    const rows = await listConflicts(tx, state, limit, beforeId)
    const page = cutPage(rows, limit, (conflict) => [conflict.id])
    return { ...page, data: await withSides(tx, page.data) }
  },
})

/** Pairs of people with both sides in brief. */
export async function withSides<Pair extends { personId: string; otherPersonId: string }>(
  tx: Transaction,
  pairs: readonly Pair[],
) {
  const ids = pairs.flatMap(({ personId, otherPersonId }) => [personId, otherPersonId])
  const briefOf = await briefsOf(tx, ids)
  return pairs.map((pair) => ({
    ...pair,
    person: briefOf(pair.personId),
    otherPerson: briefOf(pair.otherPersonId),
  }))
}

/** Where a list goes on, from its query. */
export function placeOf(limit: number, cursor: string | undefined): ListPlace {
  if (cursor === undefined) return { limit, after: null }
  const [at, id] = decodeCursor(cursor, 2)
  if (Number.isNaN(Date.parse(String(at)))) {
    throw new Problem('request.invalid', 'The cursor is not one this list gave out.')
  }
  return { limit, after: { at: String(at), id: String(id) } }
}

const attributeNames = [
  'email',
  'firstName',
  'lastName',
  'phone',
  'jobTitle',
  'company',
  'country',
] as const

function toPerson(tx: Transaction, row: PersonRow) {
  const { id, identified, createdAt, updatedAt } = row
  const traits = { ...openPersonal(tx, id, row.personal) }
  const attributes = {} as Pick<Person, (typeof attributeNames)[number]>
  for (const name of attributeNames) {
    const value = traits[name]
    attributes[name] = typeof value === 'string' ? value : null
    delete traits[name]
  }
  const person: Person = { id, identified, ...attributes, createdAt, updatedAt }
  return { person, traits: traits as Record<string, unknown> }
}
