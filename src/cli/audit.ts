import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Command } from 'commander'
import { linkAudit, toLine } from '#access/audit-chain.ts'
import { listCheckpoints, streamChain } from '#access/audit-chain.store.ts'
import { openAuditKey } from '#access/audit-key.ts'
import { verifyAudit, type AuditVerdict } from '#access/audit-verify.ts'
import { auditFiles, type App } from '#app.ts'
import { withApp } from '#cli/with-app.ts'
import { chooseWorkspace } from '#cli/workspace.ts'

interface Options {
  workspace?: string
  out?: string
  json?: boolean
}

const BATCH = 1000

export function auditCommand(): Command {
  const command = new Command('audit').description('Prove that the audit log is whole.')
  command
    .command('verify')
    .description(
      'Recompute the chain of hashes and check each signed head; exit code 1 at a fault.',
    )
    .option('--json', 'the verdict as JSON', false)
    .option('-w, --workspace <name>', 'the workspace, when there are several')
    .action((options: Options) =>
      withApp(async (app) => {
        const files = auditFiles(app.config)
        const workspaceId = await chooseWorkspace(app, options.workspace)
        await linkAudit(app.store, files, app.clock.now())
        const verdict = await app.store.read(workspaceId, (tx) =>
          verifyAudit(tx, workspaceId, files),
        )
        process.stdout.write(options.json ? `${JSON.stringify(verdict)}\n` : tell(verdict))
        if (verdict.fault) process.exitCode = 1
      }),
    )
  command
    .command('export')
    .description('Write the log with its proof as JSON lines, for bin/check-audit.js.')
    .requiredOption('-o, --out <file>', 'where to write')
    .option('-w, --workspace <name>', 'the workspace, when there are several')
    .action((options: Options) =>
      withApp(async (app) => {
        const files = auditFiles(app.config)
        const workspaceId = await chooseWorkspace(app, options.workspace)
        await linkAudit(app.store, files, app.clock.now())
        await app.store.read(workspaceId, async (tx) => {
          const text = proofLines(tx, workspaceId)
          await pipeline(Readable.from(text), createWriteStream(options.out ?? '', { mode: 0o600 }))
        })
      }),
    )
  command
    .command('public-key')
    .description('Print the public key that signed heads are checked with. Keep a copy elsewhere.')
    .action(() =>
      withApp(async (app: App) => {
        const { publicKey } = await openAuditKey(auditFiles(app.config).keyFile)
        process.stdout.write(String(publicKey.export({ type: 'spki', format: 'pem' })))
      }),
    )
  return command
}

/** One line a link with its entry, then one a signed head. */
async function* proofLines(
  tx: Parameters<typeof streamChain>[0],
  workspaceId: string,
): AsyncIterable<string> {
  for await (const batch of streamChain(tx, workspaceId, 0, BATCH)) {
    for (const { seq, entryHash, chainHash, entry } of batch) {
      const hashes = { entryHash: entryHash.toString('hex'), chainHash: chainHash.toString('hex') }
      yield `${JSON.stringify({ seq, ...hashes, entry })}\n`
    }
  }
  for (let after = 0; ;) {
    const heads = await listCheckpoints(tx, workspaceId, after, BATCH)
    for (const head of heads) yield `${JSON.stringify({ checkpoint: toLine(head) })}\n`
    if (heads.length < BATCH) return
    after = heads.at(-1)?.seq ?? after
  }
}

function tell(verdict: AuditVerdict): string {
  const { fault } = verdict
  const found = fault
    ? `Fault at position ${fault.seq}: ${fault.kind}${fault.auditId === null ? '' : ` (${fault.auditId})`}.`
    : `The chain holds up to position ${verdict.headSeq}, ${verdict.headHash}.`
  return (
    `${verdict.links} entries, ${verdict.checkpoints} signed heads here and ${verdict.outsideCheckpoints} in the file outside checked; ` +
    `${verdict.unlinked} not linked yet.\n${found}\n`
  )
}
