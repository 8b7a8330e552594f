import { cutPage, decodeCursor } from '#core/page.ts'
import { Problem } from '#core/problem.ts'
import { defineOperation, type OperationContext } from '#gateway/operation.ts'
import {
  DismissDuplicate,
  DismissDuplicates,
  DuplicatesDismissed,
  PersonDuplicate,
  PersonDuplicatePage,
  PersonDuplicateQuery,
} from './duplicate.schema.ts'
import { dismissDuplicateRows, listDuplicates, takeDuplicates } from './duplicate.store.ts'
import { settleConflicts } from './merge.store.ts'
import { withSides } from './person.operations.ts'

const tag = 'People'

export const listPersonDuplicates = defineOperation({
  id: 'listPersonDuplicates',
  method: 'GET',
  path: '/api/v1/people/duplicates',
  scope: 'people:read',
  tag,
  summary: 'List pairs of people that may be one, the surest first',
  description:
    'Looked for within minutes of a change. The confidence sorts them; it is no measured probability. See what a merge would do ' +
    'at merge-preview, merge, or dismiss the pair.',
  input: PersonDuplicateQuery,
  output: PersonDuplicatePage,
  csv: [
    { title: 'Id', field: 'id' },
    { title: 'Person', field: 'personId' },
    { title: 'Other person', field: 'otherPersonId' },
    { title: 'E-mail', field: 'person.email' },
    { title: 'Other e-mail', field: 'otherPerson.email' },
    { title: 'Confidence', field: 'confidence', type: 'number' },
    { title: 'Reasons', field: 'reasons' },
    { title: 'Status', field: 'status' },
    { title: 'Found', field: 'foundAt' },
    { title: 'Decided by', field: 'decidedBy' },
    { title: 'Decided', field: 'decidedAt' },
    { title: 'Reason', field: 'reason' },
  ],
  async perform({ limit, cursor, ...filter }, { tx }) {
    const [confidence, id] = cursor === undefined ? [] : decodeCursor(cursor, 2)
    const after = id === undefined ? null : { confidence: Number(confidence), id: String(id) }
    const rows = await listDuplicates(tx, filter, limit, after)
    const page = cutPage(rows, limit, (pair) => [pair.confidence, pair.id])
    return { ...page, data: await withSides(tx, page.data) }
  },
})

export const dismissPersonDuplicate = defineOperation({
  id: 'dismissPersonDuplicate',
  method: 'POST',
  path: '/api/v1/people/duplicates/{duplicateId}/dismiss',
  scope: 'people:write',
  tag,
  summary: 'Say that two people are not the same',
  description: 'The pair is never offered again, nor are people who stand for them after a merge.',
  status: 200,
  row: {
    table: 'person_duplicates',
    key: 'id',
    field: 'duplicateId',
    columns: ['status', 'reason', 'decided_by'],
  },
  input: DismissDuplicate,
  output: PersonDuplicate,
  async perform({ duplicateId, reason }, context) {
    const { pairs } = await dismiss(context, [duplicateId], reason)
    return pairs[0]!
  },
})

export const dismissPersonDuplicates = defineOperation({
  id: 'dismissPersonDuplicates',
  method: 'POST',
  path: '/api/v1/people/duplicates/dismiss',
  scope: 'people:write',
  tag,
  summary: 'Say of several pairs that they are not the same',
  description: 'All of them, or none if one is unknown. Each is as if it had been dismissed alone.',
  status: 200,
  input: DismissDuplicates,
  output: DuplicatesDismissed,
  async perform({ duplicateIds, reason }, context) {
    const { dismissed } = await dismiss(context, [...new Set(duplicateIds)], reason)
    return { dismissed }
  },
})

async function dismiss(
  context: OperationContext,
  ids: readonly string[],
  reason: PersonDuplicate['reason'] = null,
): Promise<{ pairs: PersonDuplicate[]; dismissed: number }> {
  const { tx, principal, now } = context
  const held = await takeDuplicates(tx, ids)
  if (held.length < ids.length)
    throw new Problem(
      'resource.not_found',
      ids.length === 1
        ? 'There is no pair with this id.'
        : 'One of the pairs is gone: read the list again.',
    )
  const open = held.filter(({ status }) => status === 'open')
  const decision = { reason, decidedBy: principal.id, decidedAt: now }
  await dismissDuplicateRows(tx, open, decision)
  await settleConflicts(
    tx,
    open.map(({ personId, otherPersonId }) => [personId, otherPersonId]),
    'kept_apart',
  )
  for (const { id: duplicateId, personId, otherPersonId } of open)
    context.audit({
      action: 'person.duplicate_dismissed',
      subjectId: personId,
      detail: { duplicateId, otherPersonId, reason },
    })
  const pairs = held.map((pair) =>
    pair.status === 'open' ? { ...pair, status: 'dismissed' as const, ...decision } : pair,
  )
  return { pairs, dismissed: open.length }
}
