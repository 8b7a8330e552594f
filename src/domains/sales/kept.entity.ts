import { newId } from '#core/id.ts'
import type { Entity, EntityField, EntityWrite, EntityWritten } from '#sync/entity.ts'
import {
  findKept,
  listKeptIds,
  saveKept,
  type KeptRecord,
  type KeptTable,
} from './kept-record.store.ts'

const text = (name: string, label: string): EntityField => ({ name, label, type: 'text' })
const owner: EntityField = {
  name: 'owner',
  label: 'Owner',
  type: 'reference',
  entity: 'owner',
  critical: true,
}

/** Companies. */
export const accountEntity = keptEntity('account', 'acc', 'accounts', [
  text('name', 'Name'),
  text('domain', 'Domain'),
  { name: 'website', label: 'Website', type: 'url' },
  text('industry', 'Industry'),
  { name: 'employees', label: 'Employees', type: 'number' },
  { name: 'phone', label: 'Phone', type: 'phone' },
  text('city', 'City'),
  text('country', 'Country'),
  owner,
  { name: 'parent', label: 'Parent company', type: 'reference', entity: 'account' },
])

/** What sales did or is to do: tasks, calls, meetings, notes. */
export const activityEntity = keptEntity('activity', 'act', 'activities', [
  { name: 'kind', label: 'Kind', type: 'choice' },
  { name: 'subject', label: 'Subject', type: 'text', personal: true },
  { name: 'body', label: 'Text', type: 'long_text', personal: true },
  { name: 'state', label: 'State', type: 'choice' },
  { name: 'dueAt', label: 'Due', type: 'datetime' },
  { name: 'doneAt', label: 'Done', type: 'datetime' },
  owner,
  { name: 'account', label: 'Account', type: 'reference', entity: 'account' },
  { name: 'opportunity', label: 'Opportunity', type: 'reference', entity: 'opportunity' },
  { name: 'leads', label: 'People', type: 'reference', entity: 'lead', many: true },
])

/** An entity whose records are kept as the CRMs have them, field by field; nothing is computed from them. */
function keptEntity(
  name: string,
  prefix: 'acc' | 'act',
  table: KeptTable,
  fields: readonly EntityField[],
): Entity {
  return {
    name,
    fields,
    pushAfter: [`${name}.updated`],
    listIds: (tx, afterId, limit) => listKeptIds(tx, table, afterId, limit),
    async load(tx, localIds) {
      const records = await findKept(tx, table, localIds, 'read')
      return records
        .filter((record) => record.deletedAt === null)
        .map(({ id, values, references, links, updatedAt }) => ({
          localId: id,
          values,
          references,
          links,
          changedAt: updatedAt,
        }))
    },
    async write(tx, writes, now) {
      const known = writes.flatMap(({ localId }) => localId ?? [])
      const held = new Map((await findKept(tx, table, known)).map((one) => [one.id, one]))
      const written = writes.map((write): EntityWritten => {
        const before = write.localId === null ? undefined : held.get(write.localId)
        const id = before?.id ?? write.localId ?? newId(prefix)
        held.set(id, after(before, id, write, fields, now))
        if (write.deleted) return { localId: id, outcome: 'deleted' }
        return { localId: id, outcome: before ? 'updated' : 'created' }
      })
      const ids = new Set(written.map(({ localId }) => localId))
      await saveKept(
        tx,
        table,
        [...ids].flatMap((id) => held.get(id) ?? []),
      )
      const events = written.map(({ localId, outcome }) => ({
        event: `${name}.${outcome}`,
        subjectId: localId,
      }))
      return { written, events }
    },
  }
}

function after(
  before: KeptRecord | undefined,
  id: string,
  write: EntityWrite,
  fields: readonly EntityField[],
  now: Date,
): KeptRecord {
  const references = { ...before?.references }
  const links = { ...before?.links }
  for (const [field, named] of Object.entries(write.references)) {
    const shape = fields.find((one) => one.name === field)
    const entity = shape?.entity ?? field
    const known = named.flatMap(({ localId, role }) =>
      localId === null ? [] : [{ entity, localId, ...(role ? { role } : {}) }],
    )
    const [first] = known
    if (shape?.many) links[field] = known
    else if (first) references[field] = first
    else if (named.length === 0) delete references[field]
  }
  return {
    id,
    values: { ...before?.values, ...write.values },
    references,
    links,
    deletedAt: write.deleted ? (before?.deletedAt ?? now) : null,
    createdAt: before?.createdAt ?? now,
    updatedAt: now,
  }
}
