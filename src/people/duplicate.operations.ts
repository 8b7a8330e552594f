import { cutPage, decodeCursor } from '#core/page.ts'
import { Problem } from '#core/problem.ts'
import { defineOperation } from '#gateway/operation.ts'
import {
  PersonDuplicate,
  PersonDuplicatePage,
  PersonDuplicatePath,
  PersonDuplicateQuery,
} from './duplicate.schema.ts'
import { dismissDuplicateRow, listDuplicates, takeDuplicate } from './duplicate.store.ts'
import { settleConflict } from './merge.store.ts'

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
    { title: 'Confidence', field: 'confidence', type: 'number' },
    { title: 'Reasons', field: 'reasons' },
    { title: 'Status', field: 'status' },
    { title: 'Found', field: 'foundAt' },
    { title: 'Decided by', field: 'decidedBy' },
    { title: 'Decided', field: 'decidedAt' },
  ],
  async perform({ limit, cursor, ...filter }, { tx }) {
    const [confidence, id] = cursor === undefined ? [] : decodeCursor(cursor, 2)
    const after = id === undefined ? null : { confidence: Number(confidence), id: String(id) }
    const rows = await listDuplicates(tx, filter, limit, after)
    return cutPage(rows, limit, (pair) => [pair.confidence, pair.id])
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
    columns: ['status', 'decided_by'],
  },
  input: PersonDuplicatePath,
  output: PersonDuplicate,
  async perform({ duplicateId }, context) {
    const { tx, principal, now } = context
    const pair = await takeDuplicate(tx, duplicateId)
    if (pair === null) throw new Problem('resource.not_found', 'There is no pair with this id.')
    if (pair.status === 'dismissed') return pair
    await dismissDuplicateRow(tx, pair.id, principal.id, now)
    const { personId, otherPersonId } = pair
    await settleConflict(tx, [personId, otherPersonId], 'kept_apart')
    context.audit({
      action: 'person.duplicate_dismissed',
      subjectId: personId,
      detail: { duplicateId: pair.id, otherPersonId },
    })
    return { ...pair, status: 'dismissed' as const, decidedBy: principal.id, decidedAt: now }
  },
})
