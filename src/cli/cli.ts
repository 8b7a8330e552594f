import { Command, CommanderError } from 'commander'
import { attributionCommand } from '#cli/attribution.ts'
import { auditCommand } from '#cli/audit.ts'
import { backupCommand, restoreCommand } from '#cli/backup.ts'
import { demoCommand } from '#cli/demo.ts'
import { exportCommand } from '#cli/export.ts'
import { importCommand } from '#cli/import.ts'
import { keysCommand } from '#cli/keys.ts'
import { masterKeyCommand } from '#cli/master-key.ts'
import { migrateCommand } from '#cli/migrate.ts'
import { probeCommand } from '#cli/probe.ts'
import { sandboxCommand } from '#cli/sandbox.ts'
import { serveCommand } from '#cli/serve.ts'
import { syncCommand } from '#cli/sync.ts'
import { worldsCommand } from '#cli/worlds.ts'
import { ConfigError } from '#config.ts'
import { Problem } from '#core/problem.ts'

/** Exit codes: 0 done, 1 failed, 2 wrong call, 78 wrong configuration (sysexits.h). */
export async function runCli(argv: string[]): Promise<void> {
  const program = new Command('throughline')
    .description('The revenue integration hub: one chain from the first touch to the money.')
    .exitOverride()
    .configureHelp({ sortSubcommands: true })
  for (const command of [
    serveCommand(),
    demoCommand(),
    migrateCommand(),
    keysCommand(),
    masterKeyCommand(),
    importCommand(),
    exportCommand(),
    syncCommand(),
    attributionCommand(),
    worldsCommand(),
    auditCommand(),
    backupCommand(),
    restoreCommand(),
    probeCommand(),
    sandboxCommand(),
  ])
    program.addCommand(command.exitOverride())
  try {
    await program.parseAsync(argv)
  } catch (error) {
    process.exitCode = report(error)
  }
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  if (error instanceof ConfigError) {
    process.stderr.write(`throughline: ${error.message}\n`)
    return 78
  }
  if (error instanceof Problem) {
    process.stderr.write(`throughline: ${error.title}: ${error.message}\n`)
    for (const fault of error.errors) process.stderr.write(`  ${fault.pointer}: ${fault.detail}\n`)
    return 1
  }
  process.stderr.write(
    `throughline: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  )
  return 1
}
