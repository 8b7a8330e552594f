import { Command } from 'commander'
import { startApp } from '#app.ts'
import { loadConfig } from '#config.ts'
import { buildConsole } from '#cli/build-console.ts'
import { untilStopped } from '#cli/lifetime.ts'

export function serveCommand(): Command {
  return new Command('serve')
    .description('Run the hub until it is told to stop.')
    .option('-p, --port <port>', 'port to listen on; 0 takes a free one')
    .action(async (options: { port?: string }) => {
      const config = loadConfig({
        ...process.env,
        ...(options.port === undefined ? {} : { THROUGHLINE_HTTP_PORT: options.port }),
      })
      await buildConsole()
      const app = await startApp(config, { listen: true })
      process.stdout.write(`ready ${app.url}\n`)
      await untilStopped(() => app.stop())
    })
}
