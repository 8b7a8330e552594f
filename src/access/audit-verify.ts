import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import {
  chainHash,
  entryHash,
  GENESIS,
  isSignatureOf,
  type Checkpoint,
} from '#access/audit-chain.rules.ts'
import {
  AUDIT_MINIMUM_DAYS,
  countUnlinked,
  listCheckpoints,
  listTrimmings,
  streamChain,
  type LinkedEntry,
} from '#access/audit-chain.store.ts'
import type { AuditFiles, CheckpointLine } from '#access/audit-chain.ts'
import { DAY_MS } from '#core/time.ts'
import { openAuditKey, type AuditKey } from '#access/audit-key.ts'
import type { Queries } from '#store/store.ts'

/** What is wrong at a position of the chain. */
export type AuditFault =
  | 'entry_changed' // the entry is not the one that was linked
  | 'entry_missing' // the entry was deleted
  | 'link_changed' // the link does not follow from the one before
  | 'link_missing' // a position is left out
  | 'checkpoint_changed' // a signed head is not signed by this key, or not of this chain
  | 'chain_shortened' // a signed head lies beyond the end: the tail was cut, or an older copy restored

export interface AuditVerdict {
  links: number
  /** Entries that were removed by their rule; their links hold. */
  trimmed: number
  checkpoints: number
  /** Signed heads from the file outside the database. */
  outsideCheckpoints: number
  /** Entries committed and not linked yet; the engine links them within seconds. */
  unlinked: number
  unlinkedSince: Date | null
  headSeq: number
  headHash: string
  /** The first position that does not hold, null when all do. */
  fault: { kind: AuditFault; seq: number; auditId: string | null } | null
}

const BATCH = 1000

/**
 * Recomputes the whole chain of a workspace from the audit log, and holds it against every signed head, those in the
 * database and those in the file beside the key. O(entries) time, one batch in memory.
 */
export async function verifyAudit(
  tx: Queries,
  workspaceId: string,
  files: AuditFiles,
): Promise<AuditVerdict> {
  const key = await openAuditKey(files.keyFile)
  const outside = await readOutside(files.checkpointFile, workspaceId)
  const trimmedTo = await trimmedThrough(tx, workspaceId, outside)
  const { entries: unlinked, oldestAt } = await countUnlinked(tx, workspaceId)
  const verdict: AuditVerdict = {
    links: 0,
    trimmed: 0,
    checkpoints: 0,
    outsideCheckpoints: 0,
    unlinked,
    unlinkedSince: oldestAt,
    headSeq: 0,
    headHash: GENESIS.toString('hex'),
    fault: null,
  }
  let before: Buffer = GENESIS
  for await (const batch of streamChain(tx, workspaceId, 0, BATCH)) {
    for (const link of batch) {
      const kind = faultOf(link, before, verdict.headSeq + 1, trimmedTo)
      if (kind) {
        verdict.fault = { kind, seq: verdict.headSeq + 1, auditId: link.auditId }
        return verdict
      }
      before = link.chainHash
      verdict.links += 1
      if (!link.entry) verdict.trimmed += 1
      verdict.headSeq = link.seq
    }
    // The heads that were signed in this stretch; the links between them hold each other.
    const fault = await checkHeads(tx, workspaceId, batch, key, outside, verdict)
    if (fault) return { ...verdict, fault }
  }
  verdict.headHash = before.toString('hex')
  const [beyond] = await listCheckpoints(tx, workspaceId, verdict.headSeq, 1)
  // What is committed and not linked yet may already be signed outside: the line is written just before the commit.
  const cut = beyond?.seq ?? [...outside.keys()].find((seq) => seq > verdict.headSeq + unlinked)
  if (cut !== undefined)
    verdict.fault = { kind: 'chain_shortened', seq: verdict.headSeq + 1, auditId: null }
  return verdict
}

function faultOf(
  link: LinkedEntry,
  before: Buffer,
  seq: number,
  trimmedTo: number,
): AuditFault | null {
  if (link.seq !== seq) return 'link_missing'
  if (!link.chainHash.equals(chainHash(before, seq, link.entryHash))) return 'link_changed'
  if (!link.entry) return seq <= trimmedTo ? null : 'entry_missing'
  return link.entryHash.equals(entryHash(link.entry)) ? null : 'entry_changed'
}

/**
 * Up to which position entries may be gone: an entry must tell of the removal, and the position must have been under a signed
 * head for as long as the log is kept at least. The heads outside count before those of the database.
 */
async function trimmedThrough(
  tx: Queries,
  workspaceId: string,
  outside: ReadonlyMap<number, Checkpoint>,
): Promise<number> {
  const minimumMs = AUDIT_MINIMUM_DAYS * DAY_MS
  for (const { throughSeq, at } of await listTrimmings(tx, workspaceId)) {
    const covering = [...outside.values()].filter(({ seq }) => seq >= throughSeq)
    const [kept] = await listCheckpoints(tx, workspaceId, throughSeq - 1, 1)
    const heads = covering.length > 0 ? covering : kept ? [kept] : []
    if (heads.some(({ signedAt }) => at.getTime() - signedAt.getTime() >= minimumMs))
      return throughSeq
  }
  return 0
}

async function checkHeads(
  tx: Queries,
  workspaceId: string,
  batch: readonly LinkedEntry[],
  key: AuditKey,
  outside: ReadonlyMap<number, Checkpoint>,
  verdict: AuditVerdict,
): Promise<AuditVerdict['fault']> {
  const hashes = new Map(batch.map((link) => [link.seq, link]))
  const firstSeq = batch[0]?.seq ?? 0
  const kept = (await listCheckpoints(tx, workspaceId, firstSeq - 1, BATCH)).filter(({ seq }) =>
    hashes.has(seq),
  )
  const given = [...outside.values()].filter(({ seq }) => hashes.has(seq))
  for (const head of [...kept, ...given].sort((a, b) => a.seq - b.seq)) {
    const link = hashes.get(head.seq)
    const isSigned = head.keyId === key.id && isSignatureOf(head, head.signature, key.publicKey)
    if (!link || !isSigned || !head.chainHash.equals(link.chainHash))
      return { kind: 'checkpoint_changed', seq: head.seq, auditId: link?.auditId ?? null }
  }
  verdict.checkpoints += kept.length
  verdict.outsideCheckpoints += given.length
  return null
}

/** Heads of this workspace from the file beside the key, by position. A last line that was cut off by a crash is passed. */
async function readOutside(path: string, workspaceId: string): Promise<Map<number, Checkpoint>> {
  const heads = new Map<number, Checkpoint>()
  try {
    for await (const line of createInterface({ input: createReadStream(path) })) {
      const head = parseLine(line)
      if (head?.workspaceId === workspaceId) heads.set(head.seq, head)
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
  }
  return heads
}

function parseLine(line: string): Checkpoint | null {
  if (!line.startsWith('{') || !line.endsWith('}')) return null
  const {
    workspaceId,
    seq,
    chainHash: hash,
    signedAt,
    keyId,
    signature,
  } = JSON.parse(line) as CheckpointLine
  return {
    workspaceId,
    seq,
    chainHash: Buffer.from(hash, 'hex'),
    signedAt: new Date(signedAt),
    keyId,
    signature: Buffer.from(signature, 'base64'),
  }
}
