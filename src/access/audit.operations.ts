import { sql } from 'kysely'
import { z } from 'zod'
import { cutPage, decodeCursor, Page, PageQuery } from '#core/page.ts'
import { Instant } from '#core/time.ts'
import { defineOperation } from '#gateway/operation.ts'

export const AuditEntry = z.object({
  id: z.string(),
  occurredAt: Instant,
  principalId: z.string(),
  principalKind: z.string(),
  action: z.string(),
  subjectId: z.string().nullable(),
  detail: z.record(z.string(), z.unknown()),
  requestId: z.string().nullable(),
})
export type AuditEntry = z.infer<typeof AuditEntry>

export const listAudit = defineOperation({
  id: 'listAudit',
  method: 'GET',
  path: '/api/v1/audit',
  scope: 'audit:read',
  tag: 'Access',
  summary: 'List the audit log, newest first',
  input: PageQuery.extend({
    action: z.string().max(60).optional(),
    subjectId: z.string().max(64).optional(),
    principalId: z.string().max(64).optional(),
    from: Instant.optional(),
    to: Instant.optional(),
  }),
  output: Page(AuditEntry),
  csv: [
    { title: 'When', field: 'occurredAt' },
    { title: 'Who', field: 'principalId' },
    { title: 'Action', field: 'action' },
    { title: 'Record', field: 'subjectId' },
    { title: 'Detail', field: 'detail' },
    { title: 'Request', field: 'requestId' },
  ],
  async perform(input, { tx }) {
    const [at, id] = input.cursor === undefined ? [null, null] : decodeCursor(input.cursor, 2)
    const rows = await tx.query(sql<AuditEntry>`
      select id, occurred_at, principal_id, principal_kind, action, subject_id, detail, request_id from audit_log
      where (${at}::timestamptz is null or (occurred_at, id) < (${at}::timestamptz, ${id}))
        and (${input.action ?? null}::text is null or action = ${input.action ?? null})
        and (${input.subjectId ?? null}::text is null or subject_id = ${input.subjectId ?? null})
        and (${input.principalId ?? null}::text is null or principal_id = ${input.principalId ?? null})
        and (${input.from ?? null}::timestamptz is null or occurred_at >= ${input.from ?? null})
        and (${input.to ?? null}::timestamptz is null or occurred_at < ${input.to ?? null})
      order by occurred_at desc, id desc limit ${input.limit + 1}`)
    return cutPage(rows, input.limit, (row) => [row.occurredAt.toISOString(), row.id])
  },
})
