import { z } from 'zod'
import { PageQuery } from '#core/page.ts'
import { Instant } from '#core/time.ts'
import { FieldValueSchema } from './conflict.schema.ts'
import { ConnectionId, RunId } from './connection.schema.ts'

export const HistoryQuery = PageQuery.extend({
  entity: z.string().min(1).max(100),
  localId: z.string().min(1).max(100),
  field: z.string().min(1).max(200).optional(),
})

export const FieldHistory = z.object({
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
