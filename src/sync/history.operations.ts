import { z } from 'zod'
import { cutPage, decodeCursor, Page, PageQuery } from '#core/page.ts'
import { Instant } from '#core/time.ts'
import { defineOperation, type Operation } from '#gateway/operation.ts'
import { listRecordChanges } from './change.store.ts'
import { FieldValueSchema } from './conflict.schema.ts'
import { ConnectionId, RunId } from './connection.schema.ts'

const HistoryQuery = PageQuery.extend({
  entity: z.string().min(1).max(100),
  localId: z.string().min(1).max(100),
  field: z.string().min(1).max(200).optional(),
})

const FieldHistory = z.object({
  at: Instant,
  connectionId: ConnectionId,
  runId: RunId.nullable().meta({ description: 'Null for a decision of a person' }),
  actor: z.string().nullable(),
  externalId: z.string(),
  fields: z.array(
    z.object({
      field: z.string(),
      verdict: z
        .enum(['same', 'agree', 'take', 'send', 'ask', 'sent', 'covered', 'chosen', 'undone'])
        .meta({
          description:
            'take: the CRM’s value came in. send: the hub’s value wins and goes out. sent: it went out. ask: a person decides. covered: a value in the CRM that a write of ours covered before it was seen.',
        }),
      reason: z.string(),
      policy: z.string(),
      contested: z.boolean().meta({ description: 'Both sides had changed it' }),
      base: FieldValueSchema,
      hub: z.object({ value: FieldValueSchema, changedAt: z.string().nullable() }),
      crm: z.object({ value: FieldValueSchema, changedAt: z.string().nullable() }),
      winner: z.enum(['hub', 'crm', 'none']),
    }),
  ),
})

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
