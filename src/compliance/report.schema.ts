import { z } from 'zod'
import { Page, PageQuery } from '#core/page.ts'
import { Instant } from '#core/time.ts'

export const ReportQuery = PageQuery.extend({
  from: Instant.meta({ description: 'From this moment on' }),
  to: Instant.meta({ description: 'Before this moment' }),
})

export const ReportLine = z.object({
  section: z
    .enum([
      'reads',
      'refusals',
      'requests',
      'erasures',
      'receipts',
      'consents',
      'rights',
      'retention',
      'holds',
    ])
    .meta({
      description:
        'reads: who saw personal data. refusals: who was refused. requests and erasures: of people, with the receipts of connected systems. consents: given and withdrawn. rights: roles, grants, teams, rules, users, keys and clients. retention: rules, runs and what they removed. holds: placed and lifted',
    }),
  item: z.string().meta({ description: 'What was done, read or told' }),
  principalId: z.string().nullable().meta({ description: 'Who; null where it is told of nobody' }),
  entries: z.int().meta({ description: 'Entries of the source' }),
  records: z.int().meta({ description: 'Records that they are about: shown, removed, refused' }),
  source: z.enum(['audit_log', 'consents', 'sync_erasures']),
})
export type ReportLine = z.output<typeof ReportLine>
export const ReportPage = Page(ReportLine)

export const AccessQuery = PageQuery.extend({
  subject: z
    .string()
    .min(1)
    .max(64)
    .meta({ description: 'The id of a person, a lead or another record that was shown' }),
})
export const AccessLine = z.object({
  id: z.string(),
  occurredAt: Instant,
  principalId: z.string(),
  principalKind: z.string(),
  operation: z.string(),
  fields: z.array(z.string()),
  shown: z.enum(['revealed', 'masked']),
  purpose: z.string().nullable(),
  requestId: z.string().nullable(),
})
export type AccessLine = z.output<typeof AccessLine>
export const AccessPage = Page(AccessLine)
