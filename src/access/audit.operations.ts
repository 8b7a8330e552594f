import { sql } from 'kysely'
import { z } from 'zod'
import { listCheckpoints } from '#access/audit-chain.store.ts'
import type { AuditFiles } from '#access/audit-chain.ts'
import { verifyAudit } from '#access/audit-verify.ts'
import { cutPage, decodeCursor, Page, PageQuery } from '#core/page.ts'
import { Instant } from '#core/time.ts'
import { defineOperation, type Operation } from '#gateway/operation.ts'

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

const AuditVerification = z.object({
  links: z.int().meta({ description: 'Entries whose hash and place in the chain were recomputed' }),
  trimmed: z
    .int()
    .meta({ description: 'Entries that were removed by the retention rule; their links hold' }),
  checkpoints: z.int().meta({ description: 'Signed heads checked' }),
  outsideCheckpoints: z
    .int()
    .meta({ description: 'Signed heads from the file outside the database' }),
  unlinked: z.int().meta({ description: 'Entries of the last seconds, not in the chain yet' }),
  unlinkedSince: Instant.nullable(),
  headSeq: z.int(),
  headHash: z.string().meta({ description: 'SHA-256, hex' }),
  fault: z
    .object({
      kind: z.enum([
        'entry_changed',
        'entry_missing',
        'link_changed',
        'link_missing',
        'checkpoint_changed',
        'chain_shortened',
      ]),
      seq: z.int(),
      auditId: z.string().nullable(),
    })
    .nullable()
    .meta({ description: 'The first position that does not hold; null when all do' }),
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

const AuditCheckpoint = z.object({
  seq: z.int().meta({ description: 'Entries in the chain up to here' }),
  chainHash: z.string().meta({ description: 'SHA-256, hex' }),
  signedAt: Instant,
  keyId: z.string().meta({ description: 'First 16 hex digits of the SHA-256 of the public key' }),
  signature: z.string().meta({ description: 'Ed25519, base64' }),
})

export const listAuditCheckpoints = defineOperation({
  id: 'listAuditCheckpoints',
  method: 'GET',
  path: '/api/v1/audit/checkpoints',
  scope: 'audit:read',
  tag: 'Access',
  summary: 'List the signed heads of the audit log',
  description:
    'In ascending order. Keep copies elsewhere: they prove later that nothing before them was changed.',
  input: PageQuery,
  output: Page(AuditCheckpoint),
  async perform({ cursor, limit }, { tx }) {
    const [after] = cursor === undefined ? [0] : decodeCursor(cursor, 1)
    const rows = await listCheckpoints(tx, tx.workspaceId, Number(after), limit + 1)
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
