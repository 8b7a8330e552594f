import { cutPage, decodeCursor } from '#core/page.ts'
import { Id } from '#core/id.ts'
import { Problem } from '#core/problem.ts'
import { defineOperation, type OperationContext, type Settled } from '#gateway/operation.ts'
import type { Transaction } from '#store/store.ts'
import { mergeByHand, previewMerge, undoMerge, type MergeOutcome } from './merge.ts'
import { mergePairs, previewPairs } from './merge-many.ts'
import {
  DuplicateMerge,
  DuplicateMergePreviews,
  MergeDuplicate,
  MergePath,
  MergePersonInput,
  MergePreview,
  MOST_PAIRS,
  PersonMerge,
  PersonMergePage,
  PersonMergeQuery,
  PreviewDuplicateMerges,
} from './merge.schema.ts'
import { openSetAside } from './layer.store.ts'
import { listMerges, type ListedMerge } from './merge.store.ts'
import { briefsOf, toBrief } from './person-list.store.ts'
import { PersonPath } from './person.schema.ts'

const tag = 'People'

export const previewPersonMerge = defineOperation({
  id: 'previewPersonMerge',
  method: 'GET',
  path: '/api/v1/people/{personId}/merge-preview',
  scope: 'people:read',
  tag,
  summary: 'See what a merge would do',
  description:
    'Which values stay, how many records move, and which consents hold. Nothing is changed.',
  input: PersonPath.extend({ with: Id('per') }),
  output: MergePreview,
  perform: ({ personId, with: other }, { tx }) => previewMerge(tx, personId, other),
})

export const mergePerson = defineOperation({
  id: 'mergePerson',
  method: 'POST',
  path: '/api/v1/people/{personId}/merge',
  scope: 'people:write',
  tag,
  summary: 'Merge another person into this one',
  description:
    'A layer that can be undone: the person keeps its values, gaps are filled, records move, and of consents the more ' +
    'restrictive holds. Asked again, it answers the merge that there is.',
  status: 200,
  input: MergePersonInput,
  output: PersonMerge,
  async perform({ personId, with: other }, context) {
    const { tx, principal, now } = context
    const sides = { into: personId, from: other, by: principal.id }
    return tell(context, 'person.merged', await mergeByHand(tx, sides, now))
  },
})

export const previewPersonDuplicateMerges = defineOperation({
  id: 'previewPersonDuplicateMerges',
  method: 'GET',
  path: '/api/v1/people/duplicates/merge-preview',
  scope: 'people:read',
  tag,
  summary: 'See what merging several pairs at once would do',
  description:
    'Who stays, what differs and is set aside, and which pairs share people. Nothing is changed.',
  input: PreviewDuplicateMerges,
  output: DuplicateMergePreviews,
  async perform({ pairs }, { tx }) {
    const wishes = pairs.split(',').map((pair) => {
      const [duplicateId = '', intoId = null] = pair.split(':')
      return { duplicateId, intoId }
    })
    return { data: await previewPairs(tx, wishes) }
  },
})

export const mergePersonDuplicates = defineOperation({
  id: 'mergePersonDuplicates',
  method: 'POST',
  path: '/api/v1/people/duplicates/merge',
  scope: 'people:write',
  tag,
  summary: 'Merge pairs of people, many by one request',
  description:
    'As for one pair. One that cannot be merged is refused and leaves the others alone. Where pairs share people, all of them go into one ' +
    'person, whatever the order of the pairs: who goes in by none of them, is named to stay, or is known longest. Each merge is undone on its own, ' +
    'those into one person latest first.',
  status: 200,
  subject: ({ fromId, id }) => fromId ?? id,
  input: MergeDuplicate,
  output: DuplicateMerge,
  batch: { key: 'pairs', max: MOST_PAIRS },
  async performMany(inputs, context) {
    const { tx, principal, now } = context
    const wishes = inputs.map(({ duplicateId, intoId = null }) => ({ duplicateId, intoId }))
    const { outcomes, merges } = await mergePairs(tx, wishes, principal.id, now)
    for (const { duplicateId, ...made } of merges)
      tell(context, 'person.merged', made, { duplicateId })
    return outcomes.map((one): Settled<DuplicateMerge> =>
      one instanceof Problem
        ? { kind: 'refused', problem: one }
        : { kind: 'done', output: one, status: 200 },
    )
  },
})

export const unmergePerson = defineOperation({
  id: 'unmergePerson',
  method: 'POST',
  path: '/api/v1/people/merges/{mergeId}/unmerge',
  scope: 'people:write',
  tag,
  summary: 'Undo a merge of people',
  description:
    'Both people are as if they had never been merged. What came since stays: with the one that it names, else with the ' +
    'one that stood for both. Merges are undone latest first.',
  status: 200,
  row: {
    table: 'person_merges',
    key: 'id',
    field: 'mergeId',
    columns: ['from_id', 'into_id', 'undone_by', 'undone_at'],
  },
  input: MergePath,
  output: PersonMerge,
  async perform({ mergeId }, context) {
    const { tx, principal, now } = context
    const undone = await undoMerge(tx, { mergeId, by: principal.id }, now)
    return tell(context, 'person.unmerged', undone)
  },
})

/** Events and an audit entry for what was done; neither for a repeated request that found it done. */
function tell(
  context: OperationContext,
  action: string,
  { merge, events }: MergeOutcome,
  more: Record<string, unknown> = {},
): PersonMerge {
  if (events.length === 0) return merge
  for (const event of events) context.emit(event)
  const { id, fromId, intoId, moved } = merge
  context.audit({ action, subjectId: fromId, detail: { mergeId: id, intoId, moved, ...more } })
  return merge
}

export const listPersonMerges = defineOperation({
  id: 'listPersonMerges',
  method: 'GET',
  path: '/api/v1/people/merges',
  scope: 'people:read',
  tag,
  summary: 'List merges of people made by hand, latest first',
  input: PersonMergeQuery,
  output: PersonMergePage,
  csv: [
    { title: 'Id', field: 'id' },
    { title: 'From', field: 'fromId' },
    { title: 'Into', field: 'intoId' },
    { title: 'Merged by', field: 'mergedBy' },
    { title: 'Merged', field: 'mergedAt' },
    { title: 'Undone by', field: 'undoneBy' },
    { title: 'Undone', field: 'undoneAt' },
  ],
  async perform({ limit, cursor, ...filter }, { tx }) {
    const beforeSeq = cursor === undefined ? null : Number(decodeCursor(cursor, 1)[0])
    const rows = await listMerges(tx, filter, limit, beforeSeq)
    const page = cutPage(rows, limit, ({ seq }) => [seq])
    return { ...page, data: await withPeople(tx, page.data) }
  },
})

/** While a merge holds, who went in has no values of their own: they are set aside with the merge. */
async function withPeople(tx: Transaction, merges: readonly ListedMerge[]) {
  const briefOf = await briefsOf(
    tx,
    merges.flatMap(({ fromId, intoId }) => [fromId, intoId]),
  )
  return merges.map(({ seq: _seq, fromValues, ...merge }) => ({
    ...merge,
    from:
      fromValues === null
        ? briefOf(merge.fromId)
        : toBrief(merge.fromId, openSetAside(tx, { id: merge.id, side: 'from' }, fromValues)),
    into: briefOf(merge.intoId),
  }))
}
