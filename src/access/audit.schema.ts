import { z } from 'zod'
import { PageQuery } from '#core/page.ts'
import { Instant } from '#core/time.ts'

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

export const AuditEntryRef = z.object({ auditId: z.string().max(64) })

export const AuditQuery = PageQuery.extend({
  action: z.string().max(60).optional(),
  subjectId: z.string().max(64).optional(),
  principalId: z.string().max(64).optional(),
  from: Instant.optional(),
  to: Instant.optional(),
})

export const CheckpointQuery = PageQuery.extend({
  order: z.enum(['asc', 'desc']).default('asc').meta({ description: 'desc: the newest first' }),
})

export const AuditVerification = z.object({
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

export const AuditCheckpoint = z.object({
  seq: z.int().meta({ description: 'Entries in the chain up to here' }),
  chainHash: z.string().meta({ description: 'SHA-256, hex' }),
  signedAt: Instant,
  keyId: z.string().meta({ description: 'First 16 hex digits of the SHA-256 of the public key' }),
  signature: z.string().meta({ description: 'Ed25519, base64' }),
})
