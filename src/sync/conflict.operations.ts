import { cutPage, decodeCursor, Page } from '#core/page.ts'
import { Problem } from '#core/problem.ts'
import { defineOperation, type Operation, type OperationContext } from '#gateway/operation.ts'
import {
  Conflict,
  ConflictAssign,
  ConflictBulk,
  ConflictQuery,
  ConflictRef,
  ConflictResolve,
  ConflictsAssigned,
  ConflictsResolved,
} from './conflict.schema.ts'
import { findConflicts, listConflicts, saveConflicts, type ConflictRow } from './conflict.store.ts'
import type { Entity } from './entity.ts'
import { resolveConflicts, undoDecision, type Deciding } from './resolve.ts'

type Entities = ReadonlyMap<string, Entity>

const TAG = 'Conflicts'
const noConflict = () => new Problem('resource.not_found', 'There is no conflict with this id.')

/** The conflict inbox: fields that both sides changed and that nobody but a person decides. */
export function conflictOperations(entities: Entities): readonly Operation[] {
  return [
    listAll,
    getOne,
    resolveOne(entities),
    resolveMany(entities),
    undoOne(entities),
    assignMany,
  ]
}

function viewOf(row: ConflictRow, now: Date): Conflict {
  const { sides, oursAt, theirsAt, ...rest } = row
  return {
    ...rest,
    id: `conf_${row.id.slice(5)}`,
    connectionId: `con_${row.connectionId.slice(4)}`,
    runId: row.runId === null ? null : `run_${row.runId.slice(4)}`,
    hub: { value: sides.ours, changedAt: oursAt },
    crm: { value: sides.theirs, changedAt: theirsAt },
    base: sides.base?.ours ?? null,
    ...(sides.chosen === undefined ? {} : { chosen: sides.chosen }),
    isOverdue: row.state === 'open' && row.dueAt < now,
  }
}

const listAll = defineOperation({
  id: 'listConflicts',
  method: 'GET',
  path: '/api/v1/sync/conflicts',
  scope: 'conflicts:read',
  tag: TAG,
  summary: 'List fields that wait for a decision',
  description:
    'Both sides changed the field since they last agreed; neither is overwritten until somebody decides. The oldest come first.',
  input: ConflictQuery,
  output: Page(Conflict),
  csv: [
    { title: 'Conflict', field: 'id' },
    { title: 'Entity', field: 'entity' },
    { title: 'Record', field: 'localId' },
    { title: 'Their id', field: 'externalId' },
    { title: 'Field', field: 'field' },
    { title: 'Hub', field: 'hub.value' },
    { title: 'CRM', field: 'crm.value' },
    { title: 'Owner', field: 'owner' },
    { title: 'Due', field: 'dueAt' },
    { title: 'State', field: 'state' },
  ],
  async perform({ limit, cursor, ...filter }, { tx, now }) {
    const after = cursor === undefined ? '' : String(decodeCursor(cursor, 1)[0])
    const rows = await listConflicts(tx, filter, after, limit, now)
    const page = cutPage(rows, limit, (row) => [row.id])
    return { ...page, data: page.data.map((row) => viewOf(row, now)) }
  },
})

const getOne = defineOperation({
  id: 'getConflict',
  method: 'GET',
  path: '/api/v1/sync/conflicts/{conflictId}',
  scope: 'conflicts:read',
  tag: TAG,
  summary: 'Show both sides of a conflict',
  version: (conflict) => conflict.version,
  input: ConflictRef,
  output: Conflict,
  async perform({ conflictId }, { tx, now }) {
    const [row] = await findConflicts(tx, [conflictId], 'read')
    if (!row) throw noConflict()
    return viewOf(row, now)
  },
})

function deciding(entities: Entities, { principal, now }: OperationContext): Deciding {
  return { entities, actor: principal.id, now }
}

const resolveOne = (entities: Entities) =>
  defineOperation({
    id: 'resolveConflict',
    method: 'POST',
    path: '/api/v1/sync/conflicts/{conflictId}/resolve',
    scope: 'conflicts:write',
    tag: TAG,
    summary: 'Decide a conflict',
    description: 'The hub has the chosen value at once; the CRM gets it with the next run.',
    status: 200,
    event: 'conflict.resolved',
    subject: (conflict) => conflict.id,
    version: (conflict) => conflict.version,
    input: ConflictResolve,
    output: Conflict,
    async perform({ conflictId, decision, note = null }, context) {
      const { tx, now } = context
      const [row] = await resolveConflicts(tx, deciding(entities, context), [conflictId], {
        ...decision,
        note,
      })
      if (!row) throw noConflict()
      return viewOf(row, now)
    },
  })

const resolveMany = (entities: Entities) =>
  defineOperation({
    id: 'resolveConflicts',
    method: 'POST',
    path: '/api/v1/sync/conflicts/resolve',
    scope: 'conflicts:write',
    tag: TAG,
    summary: 'Decide many conflicts alike',
    description: 'All of them or none: one that was decided meanwhile refuses the request.',
    status: 200,
    input: ConflictBulk,
    output: ConflictsResolved,
    async perform({ conflictIds, choice, note = null }, context) {
      const { tx, now } = context
      const rows = await resolveConflicts(tx, deciding(entities, context), conflictIds, {
        choice,
        note,
      })
      for (const { id, field } of rows) {
        context.audit({ action: 'conflict.resolved', subjectId: id, detail: { field, choice } })
      }
      return { resolved: rows.length, data: rows.map((row) => viewOf(row, now)) }
    },
  })

const undoOne = (entities: Entities) =>
  defineOperation({
    id: 'undoConflict',
    method: 'POST',
    path: '/api/v1/sync/conflicts/{conflictId}/undo',
    scope: 'conflicts:write',
    tag: TAG,
    summary: 'Take a decision back',
    description:
      'The conflict is open again and the hub has its former value, unless the field was changed since. A value that has reached the CRM stays there until somebody decides anew.',
    status: 200,
    event: 'conflict.reopened',
    subject: (conflict) => conflict.id,
    version: (conflict) => conflict.version,
    input: ConflictRef,
    output: Conflict,
    async perform({ conflictId }, context) {
      const row = await undoDecision(context.tx, deciding(entities, context), conflictId)
      if (!row) throw noConflict()
      return viewOf(row, context.now)
    },
  })

const assignMany = defineOperation({
  id: 'assignConflicts',
  method: 'POST',
  path: '/api/v1/sync/conflicts/assign',
  scope: 'conflicts:write',
  tag: TAG,
  summary: 'Hand conflicts to somebody, with a time by which they are due',
  status: 200,
  input: ConflictAssign,
  output: ConflictsAssigned,
  async perform({ conflictIds, owner, dueAt }, context) {
    const { tx, now } = context
    const rows = await findConflicts(tx, conflictIds)
    const after = rows.map((row) => ({ ...row, owner, dueAt: dueAt ?? row.dueAt, updatedAt: now }))
    await saveConflicts(tx, after)
    for (const { id } of after) context.audit({ action: 'conflict.assigned', subjectId: id })
    return { assigned: after.length }
  },
})
