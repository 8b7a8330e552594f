import { z } from 'zod'
import { Id } from '#core/id.ts'
import { Page, PageQuery } from '#core/page.ts'
import { Instant } from '#core/time.ts'

export const RequestKind = z.enum(['access', 'erasure']).meta({
  description:
    'access: what is held of the person. erasure: that it is taken away, here and in every connected system',
})

export const NewPrivacyRequest = z.object({
  kind: RequestKind,
  personId: Id('per'),
  note: z.string().trim().min(1).max(1000).meta({
    description:
      'How the request came and how identity was proved. No personal data: it outlives an erasure',
  }),
})

export const PrivacyRequest = z.object({
  id: Id('prq'),
  kind: RequestKind,
  personId: Id('per'),
  note: z.string(),
  state: z.enum(['received', 'refused', 'approved', 'waiting', 'done']).meta({
    description:
      'approved: the export may be read. waiting: erased here, a connected system has not answered yet. done: erased here and there',
  }),
  requestedBy: z.string(),
  requestedAt: Instant,
  dueAt: Instant.meta({ description: 'A month after it came: GDPR, article 12(3)' }),
  decidedBy: z.string().nullable(),
  decidedAt: Instant.nullable(),
  decision: z.string().nullable().meta({ description: 'Why it was refused' }),
  version: z.int(),
})
export type PrivacyRequest = z.output<typeof PrivacyRequest>

export const PrivacyRequestDetail = PrivacyRequest.extend({
  erased: z.record(z.string(), z.int()).nullable().meta({ description: 'Rows by table, here' }),
  receipts: z
    .array(
      z.object({
        connectionId: Id('con'),
        system: z.string(),
        entity: z.string(),
        externalId: z.string(),
        state: z.enum(['waiting', 'done', 'by_hand']),
        attempts: z.int(),
        nextAttemptAt: Instant.nullable(),
        detail: z.string().nullable().meta({ description: 'What the system said' }),
        doneAt: Instant.nullable(),
      }),
    )
    .meta({ description: 'One for each record in a connected system; 200 at most' }),
  remains: z
    .array(z.string())
    .meta({ description: 'What an erasure does not reach, and until when' }),
})

export const PrivacyRequestPath = z.object({ requestId: Id('prq') })
export const PrivacyRequestQuery = PageQuery.extend({
  kind: RequestKind.optional(),
  personId: Id('per').optional(),
})
export const PrivacyRequestPage = Page(PrivacyRequest)
export const RefusePrivacyRequest = PrivacyRequestPath.extend({
  reason: z.string().trim().min(1).max(1000),
})

export const HeldData = z.object({
  requestId: Id('prq'),
  at: Instant,
  limit: z
    .int()
    .meta({ description: 'Of each kind of record at most so many are listed, the newest' }),
  held: z
    .record(z.string(), z.unknown())
    .meta({ personal: 'export', description: 'By kind of record, as the modules keep it' }),
})
