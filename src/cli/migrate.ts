import { Command } from 'commander'
import { startApp } from '#app.ts'
import { loadConfig } from '#config.ts'

export function migrateCommand(): Command {
  return new Command('migrate')
    .description('Bring the database up to date and exit.')
    .action(async () => {
      const app = await startApp(loadConfig(process.env, { runJobs: false }), { listen: false })
      await app.stop()
      process.stdout.write('the database is up to date\n')
    })
}
