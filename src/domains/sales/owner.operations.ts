import { newId } from '#core/id.ts'
import { cutPage, decodeCursor } from '#core/page.ts'
import { Problem } from '#core/problem.ts'
import { defineOperation, type ChangedRow } from '#gateway/operation.ts'
import type { Transaction } from '#store/store.ts'
import { NewOwner, Owner, OwnerChange, OwnerPage, OwnerQuery } from './owner.schema.ts'
import {
  countOpenLeads,
  findOwners,
  findOwnersByEmail,
  listOwners as listOwnerRows,
  ownerEmailIndex,
  saveOwners,
  type OwnerState,
} from './owner.store.ts'

/** What audit entries tell of it, before and after. */
const ownerRow = {
  table: 'owners',
  key: 'id',
  columns: ['active', 'daily_capacity', 'absent_from', 'absent_until'],
} satisfies ChangedRow

export const listOwners = defineOperation({
  id: 'listOwners',
  method: 'GET',
  path: '/api/v1/owners',
  scope: 'owners:read',
  tag: 'Owners',
  summary: 'List owners with their capacity, absence and open leads',
  input: OwnerQuery,
  output: OwnerPage,
  csv: [
    { title: 'Id', field: 'id' },
    { title: 'Name', field: 'name' },
    { title: 'E-mail', field: 'email' },
    { title: 'Active', field: 'active' },
    { title: 'Daily capacity', field: 'dailyCapacity', type: 'number' },
    { title: 'Absent from', field: 'absentFrom' },
    { title: 'Absent until', field: 'absentUntil' },
    { title: 'Open leads', field: 'openLeads', type: 'number' },
  ],
  async perform({ active, limit, cursor }, { tx }) {
    const after = cursor === undefined ? null : String(decodeCursor(cursor, 1)[0])
    return cutPage(await listOwnerRows(tx, { active, after, limit }), limit, ({ id }) => [id])
  },
})

export const createOwner = defineOperation({
  id: 'createOwner',
  method: 'POST',
  path: '/api/v1/owners',
  scope: 'owners:write',
  tag: 'Owners',
  summary: 'Add an owner',
  event: 'owner.created',
  status: 201,
  subject: (owner) => owner.id,
  row: ownerRow,
  input: NewOwner,
  output: Owner,
  async perform(input, { tx, now }) {
    const owner: OwnerState = {
      id: newId('own'),
      ...input,
      active: true,
      createdAt: now,
      updatedAt: now,
    }
    await refuseTakenEmail(tx, owner)
    refuseEmptyAbsence(owner)
    await saveOwners(tx, [owner])
    return { ...owner, openLeads: 0 }
  },
})

export const changeOwner = defineOperation({
  id: 'changeOwner',
  method: 'PATCH',
  path: '/api/v1/owners/{ownerId}',
  scope: 'owners:write',
  tag: 'Owners',
  summary: 'Change an owner, set an absence, or take them out of routing',
  event: 'owner.updated',
  subject: (owner) => owner.id,
  row: { ...ownerRow, field: 'ownerId' },
  input: OwnerChange,
  output: Owner,
  async perform({ ownerId, ...change }, { tx, now }) {
    const [held] = await findOwners(tx, [ownerId])
    if (!held) throw new Problem('resource.not_found', 'There is no owner with this id.')
    const given = Object.fromEntries(
      Object.entries(change).filter(([, value]) => value !== undefined),
    )
    const owner: OwnerState = { ...held, ...given, updatedAt: now }
    refuseEmptyAbsence(owner)
    await refuseTakenEmail(tx, owner)
    await saveOwners(tx, [owner])
    return { ...owner, openLeads: await countOpenLeads(tx, ownerId) }
  },
})

async function refuseTakenEmail(tx: Transaction, { id, email }: OwnerState): Promise<void> {
  if (email === null) return
  const taken = await findOwnersByEmail(tx, [ownerEmailIndex(tx, email)])
  if ([...taken.values()].some((owner) => owner.id !== id)) {
    throw new Problem('owner.duplicate', 'Another owner has this address: change that one.')
  }
}

function refuseEmptyAbsence({ absentFrom, absentUntil }: OwnerState): void {
  if (absentFrom !== null && absentUntil !== null && absentUntil <= absentFrom) {
    const detail = 'The absence ends before it begins.'
    throw new Problem('request.invalid', detail, { errors: [{ pointer: '/absentUntil', detail }] })
  }
}
