import { Command } from 'commander'
import type { App } from '#app.ts'
import { call } from '#cli/call.ts'
import { withApp } from '#cli/with-app.ts'
import { chooseWorkspace } from '#cli/workspace.ts'
import { Problem } from '#core/problem.ts'

interface Options {
  connection?: string
  workspace?: string
}

interface ConnectionRow {
  id: string
  name: string
}

interface ApprovalRow {
  signatures: { domain: string }[]
}

interface RunRow {
  id: string
  state: string
  calls: number
  counts: Record<string, Record<string, number>>
  fault: { title: string; whatToDo: string } | null
}

export function syncCommand(): Command {
  const command = new Command('sync').description('Sync with the connected systems.')
  command
    .command('connect')
    .description('Connect a system: its settings as name=value.')
    .argument('<vendor>', 'such as hubspot')
    .argument('<settings...>', 'such as token=pat-… baseUrl=http://127.0.0.1:4010')
    .option('-n, --name <name>', 'how to call the connection')
    .option('-w, --workspace <name>', 'the workspace, when there are several')
    .action((vendor: string, pairs: string[], options: { name?: string; workspace?: string }) =>
      withApp(async (app) => {
        const workspaceId = await chooseWorkspace(app, options.workspace)
        const settings = Object.fromEntries(pairs.map(readPair))
        const made = await call<ConnectionRow>(app, workspaceId, 'createConnection', {
          vendor,
          name: options.name ?? vendor,
          settings,
        })
        process.stdout.write(`${made.id} ${made.name}\n`)
        process.stderr.write(
          'It waits until each domain that it touches has signed it: throughline sync approve, or the API.\n',
        )
      }),
    )
  withTarget(
    command
      .command('approve')
      .description('Sign a connection for its domains, as whoever stands at the machine.')
      .option('-d, --domain <domain...>', 'only for these domains'),
  ).action((options: Options & { domain?: string[] }) => withApp((app) => approve(app, options)))
  withTarget(
    command.command('run').description('Run a connection now, and wait for the end.'),
  ).action((options: Options) => withApp((app) => runNow(app, options)))
  withTarget(command.command('status').description('How sync stands, as JSON.')).action(
    (options: Options) =>
      withApp(async (app) => {
        const workspaceId = await chooseWorkspace(app, options.workspace)
        const health = await call<unknown>(app, workspaceId, 'getSyncHealth', {})
        process.stdout.write(`${JSON.stringify(health, null, 2)}\n`)
      }),
  )
  return command
}

function withTarget(command: Command): Command {
  return command
    .option('-c, --connection <name>', 'the connection, when there are several')
    .option('-w, --workspace <name>', 'the workspace, when there are several')
}

function readPair(pair: string): [string, string] {
  const cut = pair.indexOf('=')
  if (cut < 1) throw new Problem('request.invalid', `Give settings as name=value, not ${pair}.`)
  return [pair.slice(0, cut), pair.slice(cut + 1)]
}

async function approve(app: App, options: Options & { domain?: string[] }): Promise<void> {
  const workspaceId = await chooseWorkspace(app, options.workspace)
  const { id: connectionId } = await chooseConnection(app, workspaceId, options.connection)
  const known = await call<ApprovalRow>(app, workspaceId, 'getConnectionApproval', { connectionId })
  const domains = options.domain ?? known.signatures.map(({ domain }) => domain)
  for (const domain of domains) {
    const scopes = [`${domain}:approve`]
    await call(app, workspaceId, 'approveConnection', { connectionId, domain }, scopes)
  }
  process.stdout.write(`signed for ${domains.join(', ')}\n`)
}

/** Queues the run as the API does; this process then works on it, or a running hub does, whoever is first. */
async function runNow(app: App, options: Options): Promise<void> {
  const workspaceId = await chooseWorkspace(app, options.workspace)
  await app.jobs.drain() // what happened since decides what is due
  const connection = await chooseConnection(app, workspaceId, options.connection)
  const { id } = await call<RunRow>(app, workspaceId, 'createSyncRun', {
    connectionId: connection.id,
  })
  let run: RunRow
  do {
    await app.jobs.drain()
    run = await call<RunRow>(app, workspaceId, 'getSyncRun', { runId: id })
    if (run.state === 'queued' || run.state === 'running')
      await new Promise((resolve) => setTimeout(resolve, 500))
  } while (run.state === 'queued' || run.state === 'running')
  process.stdout.write(
    `${JSON.stringify({ id: run.id, state: run.state, calls: run.calls, counts: run.counts })}\n`,
  )
  if (run.state === 'succeeded') return
  if (run.fault) process.stderr.write(`throughline: ${run.fault.title} ${run.fault.whatToDo}\n`)
  process.exitCode = 1
}

async function chooseConnection(
  app: App,
  workspaceId: string,
  name: string | undefined,
): Promise<ConnectionRow> {
  const { data } = await call<{ data: ConnectionRow[] }>(app, workspaceId, 'listConnections', {
    limit: 500,
  })
  const named = name === undefined ? data : data.filter((connection) => connection.name === name)
  if (named.length === 1) return named[0]!
  const names = data.map((connection) => connection.name).join(', ')
  throw new Problem(
    'resource.not_found',
    data.length === 0
      ? 'No system is connected yet: see "throughline sync connect".'
      : `Choose a connection with --connection: ${names}.`,
  )
}
