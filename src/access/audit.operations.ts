import { sql } from 'kysely'
import { z } from 'zod'
import { listCheckpoints, listNewestCheckpoints } from '#access/audit-chain.store.ts'
import type { AuditFiles } from '#access/audit-chain.ts'
import { verifyAudit } from '#access/audit-verify.ts'
import {
  AuditCheckpoint,
  AuditEntry,
  AuditEntryRef,
  AuditQuery,
  AuditVerification,
  CheckpointQuery,
} from '#access/audit.schema.ts'
import { cutPage, decodeCursor, Page } from '#core/page.ts'
import { Problem } from '#core/problem.ts'
import { defineOperation, type Operation } from '#gateway/operation.ts'

const entryColumns = sql`id, occurred_at, principal_id, principal_kind, action, subject_id, detail, request_id`

export const listAudit = defineOperation({
  id: 'listAudit',
  method: 'GET',
  path: '/api/v1/audit',
  scope: 'audit:read',
  tag: 'Access',
  summary: 'List the audit log, newest first',
  input: AuditQuery,
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
      select ${entryColumns} from audit_log
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

export const getAuditEntry = defineOperation({
  id: 'getAuditEntry',
  method: 'GET',
  path: '/api/v1/audit/{auditId}',
  scope: 'audit:read',
  tag: 'Access',
  summary: 'One entry of the audit log',
  input: AuditEntryRef,
  output: AuditEntry,
  async perform({ auditId }, { tx }) {
    const entry = await tx.find(
      sql<AuditEntry>`select ${entryColumns} from audit_log where id = ${auditId}`,
    )
    if (!entry)
      throw new Problem('resource.not_found', 'The audit log has no entry with this id any more.')
    return entry
  },
})

/** Recomputes the chain of the workspace; the CLI does the same for logs that are too long for one request. */
export function createAuditVerification(files: AuditFiles): Operation {
  return defineOperation({
    id: 'verifyAudit',
    method: 'GET',
    path: '/api/v1/audit/verification',
    scope: 'audit:read',
    tag: 'Access',
    summary: 'Prove that the audit log is whole',
    description:
      'Recomputes the hash of every entry and every link, and checks the signed heads, those in the database and those in the file outside it.',
    input: z.object({}),
    output: AuditVerification,
    perform: (_input, { tx }) => verifyAudit(tx, tx.workspaceId, files),
  })
}

export const listAuditCheckpoints = defineOperation({
  id: 'listAuditCheckpoints',
  method: 'GET',
  path: '/api/v1/audit/checkpoints',
  scope: 'audit:read',
  tag: 'Access',
  summary: 'List the signed heads of the audit log',
  description:
    'The oldest first, unless asked otherwise. Keep copies elsewhere: they prove later that nothing before them was changed.',
  input: CheckpointQuery,
  output: Page(AuditCheckpoint),
  async perform({ cursor, limit, order }, { tx }) {
    const [at] = cursor === undefined ? [null] : decodeCursor(cursor, 1)
    const seq = at === null ? null : Number(at)
    const rows =
      order === 'asc'
        ? await listCheckpoints(tx, tx.workspaceId, seq ?? 0, limit + 1)
        : await listNewestCheckpoints(tx, tx.workspaceId, seq, limit + 1)
    const page = cutPage(rows, limit, ({ seq }) => [seq])
    return {
      ...page,
      data: page.data.map(({ seq, chainHash, signedAt, keyId, signature }) => ({
        seq,
        chainHash: chainHash.toString('hex'),
        signedAt,
        keyId,
        signature: signature.toString('base64'),
      })),
    }
  },
})
