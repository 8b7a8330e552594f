import { queryOptions } from '@tanstack/react-query'
import type { z } from 'zod'
import { AuditCheckpoint, AuditEntry as Entry, AuditVerification } from '#access/audit.schema.ts'
import { Page } from '#core/page.ts'
import { read } from '#console/api.ts'
import { addDays } from '#core/calendar.ts'
import { dayStart } from '#console/filters.ts'
import { listQuery } from '#console/list-query.ts'
import type { AuditSearch } from '#console/pages/audit/audit.search.ts'

export type AuditEntry = z.output<typeof Entry>
export type Verification = z.output<typeof AuditVerification>
export type Checkpoint = z.output<typeof AuditCheckpoint>

const AREA = 'audit'
const AUDIT = '/api/v1/audit'

type Filter = Pick<AuditSearch, 'actor' | 'action' | 'subject' | 'from' | 'to'>

/** Days of the address are those of the workspace, both included. */
export function auditExport({ actor, action, subject, from, to }: Filter, timeZone: string) {
  const fields = {
    principalId: actor,
    action,
    subjectId: subject,
    from: from && dayStart(from, timeZone).toISOString(),
    to: to && dayStart(addDays(to, 1), timeZone).toISOString(),
  }
  return { path: AUDIT, fields }
}

export function auditQuery(filter: Filter, timeZone: string) {
  const { path, fields } = auditExport(filter, timeZone)
  return listQuery([AREA], Page(Entry), path, fields)
}

export function entryQuery(auditId: string) {
  return queryOptions({
    queryKey: [AREA, 'entry', auditId],
    queryFn: ({ signal }) => read(Entry, `${AUDIT}/${encodeURIComponent(auditId)}`, {}, signal),
    staleTime: Infinity,
  })
}

export const checkpointsExport = { path: `${AUDIT}/checkpoints`, fields: {}, isList: false }

export const checkpointsQuery = listQuery(
  [AREA],
  Page(AuditCheckpoint),
  checkpointsExport.path,
  { order: 'desc' },
  20,
)

/** Asked for only when somebody wants it: it reads the whole log. */
export const verificationQuery = queryOptions({
  queryKey: [AREA, 'verification'],
  queryFn: ({ signal }) => read(AuditVerification, `${AUDIT}/verification`, {}, signal),
  enabled: false,
  staleTime: Infinity,
  retry: false,
})
