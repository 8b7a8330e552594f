import { z } from 'zod'
import { Id } from '#core/id.ts'
import { PageQuery } from '#core/page.ts'
import { Instant } from '#core/time.ts'
import { FieldValueSchema } from './conflict.schema.ts'
import { ConnectionId, RunId } from './connection.schema.ts'

export const PlanId = Id('pln')

const Action = z.enum(['create', 'update', 'delete'])
const PlannedState = z
  .enum(['planned', 'sent', 'refused', 'outdated', 'proved', 'changed_there', 'not_there', 'kept'])
  .meta({
    description:
      'proved: read back as planned. sent: not read back yet. outdated: could not be written any more as it was approved, see the note. changed_there: written, and changed by somebody since. not_there: the connected system said yes and does not have it. kept: of an undo; nothing of the record goes back, see what is kept',
  })
const State = z.enum(['building', 'proposed', 'approved', 'done', 'discarded', 'failed'])

export const ChangePlan = z.object({
  id: PlanId,
  connectionId: ConnectionId,
  state: State,
  builtIn: RunId.meta({ description: 'The run that planned' }),
  streams: z.array(z.string()),
  prepares: z
    .boolean()
    .meta({ description: 'The hub’s own fields are missing there, and are made first' }),
  madeBy: z
    .string()
    .nullable()
    .meta({ description: 'Null: more was due than `planAbove` lets go' }),
  madeAt: Instant,
  proposedAt: Instant.nullable(),
  decidedBy: z.string().nullable(),
  decidedAt: Instant.nullable(),
  doneAt: Instant.nullable(),
  undoes: RunId.nullable().meta({
    description: 'The run whose writes go back, when it is an undo',
  }),
  removesCreated: z
    .boolean()
    .meta({ description: 'Of an undo: records that the run made there are deleted' }),
})

const Side = z
  .enum(['there', 'here'])
  .meta({ description: 'there: in the connected system. here: in the hub, by an undo' })

export const ChangePlanDetail = ChangePlan.extend({
  counts: z.array(
    z.object({
      stream: z.string(),
      side: Side,
      action: Action,
      state: PlannedState,
      records: z.int(),
    }),
  ),
  leftOut: z
    .array(z.object({ stream: z.string(), code: z.string(), title: z.string(), records: z.int() }))
    .meta({
      description:
        'Records that are due and would not be written: they are there already, or why not',
    }),
  signatures: z
    .array(
      z.object({
        domain: z.string(),
        approvedBy: z.string().nullable(),
        approvedAt: Instant.nullable(),
      }),
    )
    .meta({ description: 'Of each domain whose records it writes; empty when nobody has to sign' }),
})

export const NewPlan = z.object({
  connectionId: ConnectionId,
  streams: z.array(z.string().max(100)).min(1).max(20).optional(),
})

export const PlanRef = z.object({ planId: PlanId })
export const PlanSignature = PlanRef.extend({
  domain: z.string().max(40).optional().meta({
    description:
      'For which you sign, with the scope <domain>:approve; absent where nobody has to sign',
  }),
})

export const PlanQuery = PageQuery.extend({
  connectionId: ConnectionId.optional(),
  state: State.optional(),
  undoes: RunId.optional(),
})

export const PlannedQuery = PageQuery.extend({
  planId: PlanId,
  stream: z.string().max(100).optional(),
  side: Side.optional(),
  action: Action.optional(),
  state: PlannedState.optional(),
})

export const PlannedChangeView = z.object({
  stream: z.string(),
  entity: z.string(),
  localId: z.string(),
  externalId: z.string().nullable(),
  side: Side,
  action: Action,
  state: PlannedState,
  note: z.string().nullable(),
  fields: z.array(
    z.object({ field: z.string(), before: FieldValueSchema, after: FieldValueSchema }),
  ),
  kept: z
    .array(
      z.object({
        field: z.string().meta({ description: 'Empty: the record as a whole' }),
        code: z.string(),
        title: z.string(),
        present: FieldValueSchema,
        by: z.string().nullable().meta({
          description:
            'Who changed it later: a principal, `crm` for somebody in the connected system, `hub` for a later run',
        }),
        at: z.string().nullable(),
      }),
    )
    .meta({ description: 'Of an undo: what the run wrote and that stays, and why' }),
  properties: z
    .record(z.string(), FieldValueSchema)
    .meta({ description: 'Exactly what is sent, by the connected system’s names' }),
})
