import { cutPage, decodeCursor, Page } from '#core/page.ts'
import { defineOperation, type Operation } from '#gateway/operation.ts'
import { listRecordChanges } from './change.store.ts'
import { FieldHistory, HistoryQuery } from './history.schema.ts'

function winnerOf(verdict: string): 'hub' | 'crm' | 'none' {
  if (verdict === 'take') return 'crm'
  return verdict === 'send' || verdict === 'sent' || verdict === 'covered' ? 'hub' : 'none'
}

/** The record inspector: where each value came from, and which one gave way. */
const listFieldHistory = defineOperation({
  id: 'listFieldHistory',
  method: 'GET',
  path: '/api/v1/sync/records/{entity}/{localId}/fields',
  scope: 'conflicts:read',
  tag: 'Conflicts',
  summary:
    'Follow the fields of one record: who changed what, when, in which run, and what gave way',
  description: 'The newest change first. The first arrival of a record is in its journey.',
  input: HistoryQuery,
  output: Page(FieldHistory),
  async perform({ entity, localId, field, limit, cursor }, { tx }) {
    const before = cursor === undefined ? null : String(decodeCursor(cursor, 1)[0])
    const rows = await listRecordChanges(tx, { entity, localId }, before, limit)
    const page = cutPage(rows, limit, (row) => [row.id])
    const data = page.data.map(({ at, actor, externalId, connectionId, runId, changes }) => ({
      at,
      actor,
      externalId,
      connectionId: `con_${connectionId.slice(4)}` as const,
      runId: runId === null ? null : (`run_${runId.slice(4)}` as const),
      fields: changes
        .filter((change) => field === undefined || change.field === field)
        .map(({ ours, theirs, oursAt, theirsAt, by: _by, ...change }) => ({
          ...change,
          hub: { value: ours, changedAt: oursAt },
          crm: { value: theirs, changedAt: theirsAt },
          winner: winnerOf(change.verdict),
        })),
    }))
    return { ...page, data: data.filter((row) => row.fields.length > 0) }
  },
})

export const historyOperations: readonly Operation[] = [listFieldHistory]
