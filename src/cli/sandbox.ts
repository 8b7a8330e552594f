import { InvalidArgumentError, Command, Option } from 'commander'
import { Problem } from '#core/problem.ts'
import { faultKinds, type Fault, type FaultRule } from '#sandbox/faults.ts'
import { vendorStarts } from '#sandbox/vendors.ts'

/** Where the sandbox of each vendor listens unless told otherwise. */
const PORTS: Readonly<Record<string, number>> = { hubspot: 4010, pipedrive: 4011, salesforce: 4012 }
const TIMEOUT_MS = 10_000

interface Target {
  vendor: string
  url?: string
}

interface FaultOptions extends Target {
  kind: Fault['kind']
  rate?: number
  seed: number
  of?: 'creates' | 'updates'
  by?: string
  status?: number
  policy?: string
  retryAfter?: number
  delayMs?: number
  everyNth: number
  code?: string
  field?: string[]
  method?: string
  path?: string
  count?: number
  after?: number
}

/** What is made of the options of one kind of fault; a text says which option is missing. */
type Reading = Fault | string

/** Vendors' sandboxes by hand: start one, and have it fail as the real one does. */
export function sandboxCommand(): Command {
  const command = new Command('sandbox').description(
    'Vendors to try things on: each speaks its API over HTTP, and fails on demand.',
  )
  // Sub-commands take over what is set before them: a wrong call is exit code 2, as everywhere.
  command.exitOverride()
  startCommand(command)
  faultCommand(command)
  withTarget(command.command('faults').description('List the faults that wait or go on.')).action(
    async (target: Target) => {
      const { faults } = await control<{ faults: { id: string; rule: FaultRule }[] }>(
        target,
        'GET',
        'faults',
      )
      for (const { id, rule } of faults) process.stdout.write(`${id} ${JSON.stringify(rule)}\n`)
      if (faults.length === 0) process.stderr.write('There are no faults.\n')
    },
  )
  withTarget(command.command('clear').description('End one fault, or all of them.'))
    .argument('[id]', 'as `sandbox faults` shows it')
    .action(async (id: string | undefined, target: Target) => {
      const path = id === undefined ? 'faults' : `faults/${encodeURIComponent(id)}`
      await control(target, 'DELETE', path)
    })
  return command
}

function startCommand(command: Command): void {
  command
    .command('start')
    .description(
      'Start a vendor’s sandbox; it prints its address and token, and stays until it is stopped.',
    )
    .addOption(vendorOption())
    .option('--port <port>', 'where it listens; 0 takes a free port', wholeNumber)
    .option('--state <file>', 'keep every write in this file, and go on from it')
    .option('--no-limits', 'lift the vendor’s limits of calls')
    .action(async (options: { vendor: string; port?: number; state?: string; limits: boolean }) => {
      const { vendor, port = PORTS[vendor] ?? 0, state, limits } = options
      const start = vendorStarts[vendor]!
      const more = state === undefined ? {} : { stateFile: state }
      const sandbox = await start({ port, hasLimits: limits, ...more })
      process.stdout.write(`ready ${sandbox.url} ${sandbox.token}\n`)
      for (const signal of ['SIGTERM', 'SIGINT'] as const) {
        process.once(signal, () => void sandbox.stop())
      }
    })
}

function faultCommand(command: Command): void {
  withTarget(command.command('fault').description('Have a sandbox fail from now on.'))
    .addOption(
      new Option('-k, --kind <kind>', 'what goes wrong').choices(faultKinds).makeOptionMandatory(),
    )
    .option('--rate <share>', 'drop-writes: the share of records, 0 to 1', share)
    .option('--seed <seed>', 'drop-writes: which records; the same ones each time', wholeNumber, 1)
    .addOption(
      new Option('--of <writes>', 'drop-writes: only new records, or only changes').choices([
        'creates',
        'updates',
      ]),
    )
    .option('--by <property>', 'drop-writes: the property that names a record; its id unless given')
    .option('--status <status>', 'status, html: what is answered, such as 429', wholeNumber)
    .option('--policy <policy>', 'status: which of the vendor’s limits, such as DAILY')
    .option('--retry-after <seconds>', 'status: when to come back', wholeNumber)
    .option('--delay-ms <ms>', 'slow: how long it takes', wholeNumber)
    .option('--every-nth <n>', 'lose-rows, refuse-rows: which rows; 1 is all', wholeNumber, 1)
    .option('--code <code>', 'refuse-rows: the vendor’s code, such as UNABLE_TO_LOCK_ROW')
    .option('--field <name...>', 'refuse-rows: the fields that are named')
    .option('--method <method>', 'only calls of this method')
    .option('--path <path>', 'only calls of this path; * stands for any text')
    .option('--count <n>', 'so many calls; until it is cleared unless given', wholeNumber)
    .option('--after <n>', 'let so many calls through first', wholeNumber)
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  throughline sandbox fault --vendor hubspot --kind drop-writes --rate 0.001 --seed 1\n' +
        '  throughline sandbox fault --vendor salesforce --kind status --status 503 --count 3\n',
    )
    .action(async (options: FaultOptions, self: Command) => {
      const fault = readFault(options)
      if (typeof fault === 'string') self.error(`error: ${fault}`, { exitCode: 2 })
      else await addFault(options, fault)
    })
}

async function addFault(options: FaultOptions, fault: Fault): Promise<void> {
  const { method, path, count, after } = options
  const rule: FaultRule = {
    ...fault,
    count: count ?? 'until-lifted',
    ...(method === undefined ? {} : { method: method.toUpperCase() }),
    ...(path === undefined ? {} : { path }),
    ...(after === undefined ? {} : { after }),
  }
  const { id } = await control<{ id: string }>(options, 'POST', 'faults', rule)
  process.stdout.write(`${id}\n`)
}

function readFault(options: FaultOptions): Reading {
  const { kind, everyNth, seed } = options
  switch (kind) {
    case 'status':
      return readStatus(options)
    case 'html':
      return { kind, status: options.status ?? 502 }
    case 'slow':
      if (options.delayMs === undefined) return 'slow needs --delay-ms.'
      return { kind, delayMs: options.delayMs }
    case 'lose-rows':
      return { kind, everyNth }
    case 'refuse-rows':
      if (options.vendor === 'pipedrive') return 'Pipedrive writes no batches: it refuses no rows.'
      if (options.code === undefined) return 'refuse-rows needs --code.'
      return { kind, everyNth, code: options.code, fields: options.field ?? [] }
    case 'drop-writes': {
      const { rate, of, by } = options
      if (rate === undefined) return 'drop-writes needs --rate, such as 0.001.'
      const more = { ...(of === undefined ? {} : { of }), ...(by === undefined ? {} : { by }) }
      return { kind, share: rate, seed, ...more }
    }
    case 'drop-before':
    case 'drop-after':
    case 'cut-body':
    case 'expire-token':
      return { kind }
  }
}

function readStatus({ status, policy, retryAfter }: FaultOptions): Reading {
  if (status === undefined) return 'status needs --status, such as 503.'
  return {
    kind: 'status',
    status,
    ...(policy === undefined ? {} : { policy }),
    ...(retryAfter === undefined ? {} : { headers: { 'retry-after': String(retryAfter) } }),
  }
}

function vendorOption(): Option {
  return new Option('-v, --vendor <vendor>', 'whose sandbox')
    .choices(Object.keys(vendorStarts))
    .default('hubspot')
}

function withTarget(command: Command): Command {
  const ports = Object.entries(PORTS).map(([vendor, port]) => `${vendor} ${port}`)
  return command
    .addOption(vendorOption())
    .option(
      '-u, --url <url>',
      `where it listens; on this machine unless given (${ports.join(', ')})`,
    )
}

/** Calls the sandbox's own controls. @throws Problem `connection.failed` when none answers there. */
async function control<Answer>(
  { vendor, url = `http://127.0.0.1:${PORTS[vendor]}` }: Target,
  method: string,
  path: string,
  body?: unknown,
): Promise<Answer> {
  const hint = `Start one with "throughline sandbox start --vendor ${vendor}", or name it with --url.`
  let answer: Response
  try {
    answer = await fetch(`${url.replace(/\/$/, '')}/__sim/${path}`, {
      method,
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  } catch (cause) {
    throw new Problem('connection.failed', `No sandbox answers at ${url}. ${hint}`, { cause })
  }
  const text = await answer.text()
  if (!answer.ok) {
    throw new Problem(
      'connection.failed',
      `${url} is no sandbox of ours: ${answer.status}. ${hint}`,
    )
  }
  return (text === '' ? undefined : JSON.parse(text)) as Answer
}

function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a whole number.')
}

function share(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && value >= 0 && value <= 1) return value
  throw new InvalidArgumentError('It must be from 0 to 1.')
}
