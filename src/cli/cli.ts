import { Command, CommanderError } from 'commander'
import { ConfigError } from '#config.ts'
import { Problem } from '#core/problem.ts'

/** Every command, loaded only when it is called: the hub itself is no part of most. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import('#cli/serve.ts')).serveCommand(),
  demo: async () => (await import('#cli/demo.ts')).demoCommand(),
  migrate: async () => (await import('#cli/migrate.ts')).migrateCommand(),
  keys: async () => (await import('#cli/keys.ts')).keysCommand(),
  'master-key': async () => (await import('#cli/master-key.ts')).masterKeyCommand(),
  import: async () => (await import('#cli/import.ts')).importCommand(),
  export: async () => (await import('#cli/export.ts')).exportCommand(),
  sync: async () => (await import('#cli/sync.ts')).syncCommand(),
  attribution: async () => (await import('#cli/attribution.ts')).attributionCommand(),
  worlds: async () => (await import('#cli/worlds.ts')).worldsCommand(),
  audit: async () => (await import('#cli/audit.ts')).auditCommand(),
  backup: async () => (await import('#cli/backup.ts')).backupCommand(),
  restore: async () => (await import('#cli/backup.ts')).restoreCommand(),
  probe: async () => (await import('#cli/probe.ts')).probeCommand(),
  sandbox: async () => (await import('#cli/sandbox.ts')).sandboxCommand(),
}

/** Exit codes: 0 done, 1 failed, 2 wrong call, 78 wrong configuration (sysexits.h). */
export async function runCli(argv: string[]): Promise<void> {
  const program = new Command('throughline')
    .description('The revenue integration hub: one chain from the first touch to the money.')
    .exitOverride()
    .configureHelp({ sortSubcommands: true })
  const asked = argv[2] ?? ''
  const named = Object.hasOwn(commands, asked) ? [commands[asked]!] : Object.values(commands)
  for (const load of named) program.addCommand((await load()).exitOverride())
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
