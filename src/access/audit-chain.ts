import { appendFile } from 'node:fs/promises'
import {
  chainHash,
  entryHash,
  signHead,
  type Checkpoint,
  type Head,
} from '#access/audit-chain.rules.ts'
import {
  insertCheckpoint,
  insertLinks,
  listDueChains,
  listUnlinked,
  lockHead,
  saveHead,
  type Link,
} from '#access/audit-chain.store.ts'
import { openAuditKey, type AuditKey } from '#access/audit-key.ts'
import { MINUTE_MS, SECOND_MS } from '#core/time.ts'
import type { Timer } from '#jobs/job.ts'
import type { Store } from '#store/store.ts'

/** Entries linked in one transaction. */
const PAGE = 2000
const WORKSPACES = 200
/** A head is signed when so many links or so much time lie behind the last signature. */
const SIGN_AFTER_LINKS = 10_000
const SIGN_AFTER_MS = MINUTE_MS

/** Where the proof of the audit log lies outside the database. */
export interface AuditFiles {
  /** The private key that signs heads. */
  keyFile: string
  /** Every signed head once more, a line each: what a rolled-back or shortened database is held against. */
  checkpointFile: string
}

/** Links what was committed since the last time, and signs heads. */
export function createAuditTimer(files: AuditFiles): Timer {
  return {
    name: 'access.audit-chain',
    everyMs: 5 * SECOND_MS,
    run: ({ store, clock, signal }) => linkAudit(store, files, clock.now(), signal),
  }
}

/** Goes on until every committed entry has a link. */
export async function linkAudit(
  store: Store,
  files: AuditFiles,
  now: Date,
  signal?: AbortSignal,
): Promise<void> {
  const key = await openAuditKey(files.keyFile)
  const signedBefore = new Date(now.getTime() - SIGN_AFTER_MS)
  const due = await store.system((tx) => listDueChains(tx, signedBefore, WORKSPACES))
  for (const workspaceId of due) {
    let more = true
    while (more) {
      signal?.throwIfAborted()
      more = await linkPage(store, files, key, workspaceId, now)
    }
  }
}

/** Links one page of one workspace. @returns whether there may be more. */
async function linkPage(
  store: Store,
  files: AuditFiles,
  key: AuditKey,
  workspaceId: string,
  now: Date,
): Promise<boolean> {
  return store.system(async (tx) => {
    const head = await lockHead(tx, workspaceId)
    const entries = await listUnlinked(tx, head, PAGE)
    const links: Link[] = []
    for (const entry of entries) {
      const hash = entryHash(entry)
      head.seq += 1
      head.chainHash = chainHash(head.chainHash, head.seq, hash)
      links.push({ seq: head.seq, auditId: entry.id, entryHash: hash, chainHash: head.chainHash })
    }
    const last = entries.at(-1)
    if (last) Object.assign(head, { xid: last.xid, auditId: last.id })
    if (links.length > 0) await insertLinks(tx, workspaceId, links)
    if (isSigningDue(head, now)) {
      const signed = checkpointOf({ ...head, signedAt: now }, key)
      // Before the commit: a line too many is harmless, a missing one would be a gap in the proof.
      await appendFile(files.checkpointFile, `${JSON.stringify(toLine(signed))}\n`, { mode: 0o600 })
      await insertCheckpoint(tx, signed)
      Object.assign(head, { signedSeq: head.seq, signedAt: now })
    }
    await saveHead(tx, head)
    return entries.length === PAGE
  })
}

function isSigningDue(
  head: { seq: number; signedSeq: number; signedAt: Date | null },
  now: Date,
): boolean {
  if (head.seq === head.signedSeq) return false
  const isOld = head.signedAt === null || now.getTime() - head.signedAt.getTime() >= SIGN_AFTER_MS
  return isOld || head.seq - head.signedSeq >= SIGN_AFTER_LINKS
}

function checkpointOf(
  { workspaceId, seq, chainHash: hash, signedAt }: Head,
  key: AuditKey,
): Checkpoint {
  const head = { workspaceId, seq, chainHash: hash, signedAt }
  return { ...head, keyId: key.id, signature: signHead(head, key.privateKey) }
}

/** A checkpoint as a line of text: in the file beside the key, and in an export. */
export interface CheckpointLine {
  workspaceId: string
  seq: number
  chainHash: string
  signedAt: string
  keyId: string
  signature: string
}

export function toLine(checkpoint: Checkpoint): CheckpointLine {
  return {
    workspaceId: checkpoint.workspaceId,
    seq: checkpoint.seq,
    chainHash: checkpoint.chainHash.toString('hex'),
    signedAt: checkpoint.signedAt.toISOString(),
    keyId: checkpoint.keyId,
    signature: checkpoint.signature.toString('base64'),
  }
}
