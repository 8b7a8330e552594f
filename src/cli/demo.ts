import { join } from 'node:path'
import { Command } from 'commander'
import { startApp } from '#app.ts'
import { buildConsole } from '#cli/build-console.ts'
import { untilStopped } from '#cli/lifetime.ts'
import { showProgress } from '#cli/progress.ts'
import { ConfigError, loadConfig } from '#config.ts'
import { runDemo, type Demo } from '#demo/demo.ts'

export function demoCommand(): Command {
  return new Command('demo')
    .description(
      'Start the hub and a CRM sandbox with a made-up company, run the chain once, and stay up.',
    )
    .option('-p, --port <port>', 'port to listen on; 0 takes a free one')
    .option('--once', 'print a summary as JSON and exit', false)
    .action(async (options: { port?: string; once: boolean }) => {
      const environment = { ...process.env }
      environment['THROUGHLINE_LOG_LEVEL'] ??= 'warn'
      if (options.port !== undefined) environment['THROUGHLINE_HTTP_PORT'] = options.port
      const given = loadConfig(environment)
      if (given.databaseUrl !== undefined && process.env['THROUGHLINE_DATA_DIR'] === undefined) {
        throw new ConfigError(
          'The demo keeps its sandbox beside its keys: with DATABASE_URL, set THROUGHLINE_DATA_DIR too.',
        )
      }
      const config = Object.freeze({
        ...given,
        dataDir: process.env['THROUGHLINE_DATA_DIR'] ? given.dataDir : join(given.dataDir, 'demo'),
      })
      if (!options.once) await buildConsole()
      const app = await startApp(config, { listen: true })
      const demo = await runDemo(app, showProgress())
      const stop = async () => {
        await app.stop()
        await demo.sandbox.stop()
      }
      if (options.once) {
        await stop()
        process.stdout.write(`${JSON.stringify(demo.summary)}\n`)
        return
      }
      process.stdout.write(welcome(app.url, demo))
      await untilStopped(stop)
    })
}

function welcome(url: string, { key, signInLink, campaignId, sandbox }: Demo): string {
  const curl = (path: string) => `  curl -s -H 'Authorization: Bearer ${key}' '${url}${path}'`
  return `
Console, signed in (once, within 15 minutes):
  ${signInLink}
API key: ${key}
Try:
${curl('/api/v1/integrations/sales/performance')}
${curl(`/api/v1/integrations/sales/attribution/${campaignId}`)}
  curl -s -H 'Authorization: Bearer ${key}' -H 'content-type: application/json' \\
    -d '{"email":"you@acme.example","firstName":"You","country":"DE","employees":250,"utm":{"source":"google","medium":"cpc"}}' \\
    '${url}/api/v1/integrations/sales/leads'
Documentation: ${url}/docs   HubSpot sandbox: ${sandbox.url}
ready ${url}
`
}
