#!/usr/bin/env node
// Checks an exported audit log without the hub, its database or any package: `node check-audit.js EXPORT PUBLIC_KEY`.
// EXPORT is what `throughline audit export` wrote, PUBLIC_KEY what `throughline audit public-key` printed.
// Written apart from the hub's own verification on purpose: two programs that agree prove more than one.
import { createHash, createPublicKey, verify } from 'node:crypto'
import { createReadStream, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

const [exportFile, keyFile] = process.argv.slice(2)
if (exportFile === undefined || keyFile === undefined) {
  process.stderr.write('usage: node check-audit.js EXPORT PUBLIC_KEY\n')
  process.exit(2)
}

const sha256 = (text) => createHash('sha256').update(text).digest('hex')

function sorted(value) {
  if (Array.isArray(value)) return `[${value.map(sorted).join(',')}]`
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  const names = Object.keys(value).sort()
  return `{${names.map((name) => `${JSON.stringify(name)}:${sorted(value[name])}`).join(',')}}`
}

function hashOf(entry) {
  const {
    workspaceId,
    id,
    occurredAt,
    principalId,
    principalKind,
    action,
    subjectId,
    detail,
    requestId,
  } = entry
  const fields = [
    workspaceId,
    id,
    occurredAt,
    principalId,
    principalKind,
    action,
    subjectId,
    detail,
    requestId,
  ]
  return sha256(`throughline audit entry 1\n${sorted(fields)}`)
}

function fail(seq, reason) {
  process.stdout.write(`Fault at position ${seq}: ${reason}.\n`)
  process.exit(1)
}

const publicKey = createPublicKey(readFileSync(keyFile))
const heads = new Map() // by position, the chain's hash there
let before = '00'.repeat(32)
let seq = 0
let signed = 0
const missing = [] // positions whose entry is gone
const trimmings = [] // what the log itself says of removals by its rule
const signings = [] // when which position was under a signed head
const KEPT_MS = 365 * 86_400_000
for await (const text of createInterface({ input: createReadStream(exportFile) })) {
  const line = JSON.parse(text)
  if (line.checkpoint === undefined) {
    seq += 1
    if (line.seq !== seq) fail(seq, 'the position is missing')
    if (line.entry === null) missing.push(seq)
    else {
      if (hashOf(line.entry) !== line.entryHash) fail(seq, 'the entry was changed')
      const { action, principalKind, detail, occurredAt } = line.entry
      if (action === 'audit.trimmed' && principalKind === 'system')
        trimmings.push({ through: detail.throughSeq, atMs: Date.parse(occurredAt) })
    }
    before = sha256(`throughline audit link 1\n${before}\n${seq}\n${line.entryHash}`)
    if (before !== line.chainHash) fail(seq, 'the link does not follow from the one before')
    heads.set(seq, before)
    continue
  }
  const { workspaceId, seq: at, chainHash, signedAt, signature } = line.checkpoint
  const head = `throughline audit head 1\n${workspaceId}\n${at}\n${chainHash}\n${signedAt}`
  if (!verify(null, Buffer.from(head), publicKey, Buffer.from(signature, 'base64')))
    fail(at, 'the signed head is not signed by this key')
  if (at > seq) fail(seq + 1, 'the chain ends before a signed head')
  if (heads.get(at) !== chainHash) fail(at, 'the signed head is of another chain')
  signings.push({ at, signedMs: Date.parse(signedAt) })
  signed += 1
}
// Entries may be gone where a later one tells of it and a signed head shows that they were old enough.
const allowed = trimmings
  .filter(({ through, atMs }) =>
    signings.some(({ at, signedMs }) => at >= through && atMs - signedMs >= KEPT_MS),
  )
  .reduce((most, { through }) => Math.max(most, through), 0)
for (const at of missing) if (at > allowed) fail(at, 'the entry is missing')
process.stdout.write(`The chain holds: ${seq} entries, ${signed} signed heads, head ${before}.\n`)
