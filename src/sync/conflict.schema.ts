import { z } from 'zod'
import { Id } from '#core/id.ts'
import { PageQuery } from '#core/page.ts'
import { Instant } from '#core/time.ts'
import { ConnectionId, RunId } from './connection.schema.ts'

export const FieldValueSchema = z
  .union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.string())])
  .meta({ description: 'References as ids of the hub', personal: 'value' })

export const ConflictId = Id('conf')
const ConflictState = z.enum(['open', 'resolved', 'agreed']).meta({
  description: 'agreed: somebody settled it by hand, both sides have the same value',
})

export const ConflictQuery = PageQuery.extend({
  state: ConflictState.default('open'),
  connectionId: ConnectionId.optional(),
  entity: z.string().max(100).optional(),
  field: z.string().max(200).optional(),
  owner: z.string().max(200).optional(),
  localId: z.string().max(100).optional(),
  overdue: z.stringbool().optional(),
})

export const Conflict = z.object({
  id: ConflictId,
  connectionId: ConnectionId,
  stream: z.string(),
  entity: z.string(),
  localId: z.string(),
  externalId: z.string(),
  field: z.string(),
  hub: z.object({ value: FieldValueSchema, changedAt: Instant.nullable() }),
  crm: z.object({ value: FieldValueSchema, changedAt: Instant.nullable() }),
  base: FieldValueSchema.meta({ description: 'What both sides last agreed on, in the hub’s form' }),
  state: ConflictState,
  choice: z.enum(['hub', 'crm', 'value']).nullable(),
  chosen: FieldValueSchema.optional(),
  note: z.string().nullable(),
  owner: z.string().nullable(),
  dueAt: Instant,
  isOverdue: z.boolean(),
  runId: RunId.nullable(),
  createdAt: Instant,
  updatedAt: Instant,
  resolvedAt: Instant.nullable(),
  resolvedBy: z.string().nullable(),
  version: z.int(),
})
export type Conflict = z.infer<typeof Conflict>

export const ConflictRef = z.object({ conflictId: ConflictId })

const Note = z.string().trim().max(1000).optional()
const Decision = z.discriminatedUnion('choice', [
  z.strictObject({ choice: z.literal('hub') }),
  z.strictObject({ choice: z.literal('crm') }),
  z.strictObject({ choice: z.literal('value'), value: FieldValueSchema }),
])

export const ConflictResolve = z.object({
  conflictId: ConflictId,
  decision: Decision.meta({ description: 'Whose value both sides get, or another one' }),
  note: Note,
})

export const ConflictBulk = z.object({
  conflictIds: z.array(ConflictId).min(1).max(500),
  choice: z.enum(['hub', 'crm']),
  note: Note,
})
export const ConflictsResolved = z.object({ resolved: z.int(), data: z.array(Conflict) })

export const ConflictAssign = z.object({
  conflictIds: z.array(ConflictId).min(1).max(500),
  owner: z.string().trim().min(1).max(200).nullable(),
  dueAt: Instant.optional(),
})
export const ConflictsAssigned = z.object({ assigned: z.int() })
