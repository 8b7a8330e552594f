import { AccessPage, AccessQuery, ReportPage, ReportQuery } from '#compliance/report.schema.ts'
import { listAccess, listReport } from '#compliance/report.store.ts'
import { cutPage, decodeCursor } from '#core/page.ts'
import { defineOperation, type Operation } from '#gateway/operation.ts'

const tag = 'Compliance'

const getReport = defineOperation({
  id: 'getComplianceReport',
  method: 'GET',
  path: '/api/v1/compliance/report',
  scope: 'compliance:read',
  tag,
  summary:
    'Who accessed what, and what was erased, consented to, permitted, removed and held in a period',
  description:
    'Each line counts entries of the audit log, of consents or of receipts; the same can be counted there.',
  input: ReportQuery,
  output: ReportPage,
  csv: [
    { title: 'Section', field: 'section' },
    { title: 'What', field: 'item' },
    { title: 'Who', field: 'principalId' },
    { title: 'Entries', field: 'entries', type: 'number' },
    { title: 'Records', field: 'records', type: 'number' },
    { title: 'Source', field: 'source' },
  ],
  async perform({ from, to, limit, cursor }, { tx }) {
    const [section, item, who] = cursor === undefined ? [] : decodeCursor(cursor, 3).map(String)
    const after =
      section === undefined || item === undefined || who === undefined
        ? null
        : ([section, item, who] as const)
    const rows = await listReport(tx, { from, to }, after, limit)
    return cutPage(rows, limit, (row) => [row.section, row.item, row.principalId ?? ''])
  },
})

const listSubjectAccess = defineOperation({
  id: 'listSubjectAccess',
  method: 'GET',
  path: '/api/v1/compliance/access',
  scope: 'compliance:read',
  tag,
  summary: 'Who was shown this record, the newest first',
  input: AccessQuery,
  output: AccessPage,
  csv: [
    { title: 'When', field: 'occurredAt' },
    { title: 'Who', field: 'principalId' },
    { title: 'How', field: 'operation' },
    { title: 'Fields', field: 'fields' },
    { title: 'Shown', field: 'shown' },
    { title: 'Purpose', field: 'purpose' },
    { title: 'Request', field: 'requestId' },
  ],
  async perform({ subject, limit, cursor }, { tx }) {
    const [at, id] = cursor === undefined ? [] : decodeCursor(cursor, 2).map(String)
    const before = at === undefined || id === undefined ? null : ([at, id] as const)
    const rows = await listAccess(tx, subject, before, limit)
    return cutPage(rows, limit, (row) => [row.occurredAt.toISOString(), row.id])
  },
})

export const reportOperations: readonly Operation[] = [getReport, listSubjectAccess]
