import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout } from 'node:timers/promises'
import { Command } from 'commander'
import type { App } from '#app.ts'
import { describeCheck, describeCounts, describePlan } from '#cli/import.report.ts'
import { startMeter } from '#cli/import.meter.ts'
import { readChoices, type ImportOptions } from '#cli/import.options.ts'
import { withApp } from '#cli/with-app.ts'
import { chooseWorkspace } from '#cli/workspace.ts'
import { newId } from '#core/id.ts'
import { Problem } from '#core/problem.ts'
import type { Principal } from '#gateway/operation.ts'
import { checkRows } from '#imports/check.ts'
import { SAMPLE_BYTES } from '#imports/dialect.ts'
import type { ImportChoices } from '#imports/import.schema.ts'
import {
  findImport,
  findUnfinished,
  getWorkspaceDefaults,
  type ImportRecord,
} from '#imports/import.store.ts'
import { findTodo, prepareImport, type Preparation } from '#imports/plan.ts'
import { rejectsFile } from '#imports/rejects-file.ts'
import { runImport, type ImportEngine } from '#imports/run.ts'
import { startImport } from '#imports/start.ts'
import { getTarget, indexTargets, type BatchTarget } from '#imports/targets.ts'
import { DEFAULT_SOURCE, uploadFile } from '#imports/upload.ts'

const collect = (value: string, all: string[]) => [...all, value]

export function importCommand(): Command {
  return new Command('import')
    .description(
      'Import a CSV file (gzip too). The same file again changes nothing; an import that was stopped goes on.',
    )
    .argument('<target>', 'what the rows are, such as leads')
    .argument('<file>', 'path of the file')
    .option(
      '-m, --map <column=field>',
      'where a column goes: a field, custom:<key> or ignore; may be repeated',
      collect,
      [],
    )
    .option(
      '-d, --date-format <column=format>',
      'how a column writes dates, such as day-first; may be repeated',
      collect,
      [],
    )
    .option('-z, --zone <zone>', 'time zone of dates that state none; default: the workspace’s')
    .option('-s, --source <name>', `the system that the file is from; default: ${DEFAULT_SOURCE}`)
    .option('--encoding <name>', 'encoding of the file, when the guess is wrong')
    .option('--delimiter <character>', 'delimiter of the file, when the guess is wrong')
    .option('--dry-run', 'read every row and write nothing')
    .option('-r, --rejects <file>', 'write the rows that were not taken here, with reasons')
    .option('-w, --workspace <name>', 'the workspace, when there are several')
    .option('-y, --yes', 'do not ask')
    .action((target: string, path: string, options: ImportOptions) =>
      withApp((app) => importFile(app, target, path, options)),
    )
}

async function importFile(
  app: App,
  name: string,
  path: string,
  options: ImportOptions,
): Promise<void> {
  const targets = indexTargets(app.modules.flatMap((module) => module.importTargets ?? []))
  const engine: ImportEngine = { store: app.store, clock: app.clock, log: app.log, targets }
  const target = getTarget(targets, name)
  const choices = readChoices(options)
  const head = await readHead(path)
  const preparation = await prepareImport(head, target, choices)
  process.stdout.write(describePlan(path, preparation, target))
  refuseUnsettled(preparation, target)
  const workspaceId = await chooseWorkspace(app, options.workspace)
  const file: LocalFile = { path, target, choices, preparation }
  if (options.dryRun) {
    process.stdout.write(describeCheck(await checkFile(engine, workspaceId, file)))
    return
  }
  if (!(await mayBegin(options))) return
  const principal = principalOf(workspaceId, target)
  const importId =
    (await findInterrupted(engine, principal, file)) ?? (await upload(engine, principal, file))
  const record = await runToEnd(engine, principal, importId)
  process.stdout.write(describeCounts(record))
  if (options.rejects !== undefined && record.rejected > 0) {
    await pipeline(
      Readable.from(rejectsFile(app.store, record)),
      createWriteStream(options.rejects),
    )
    process.stdout.write(
      `The rejected rows are in ${options.rejects}: correct them and import that file.\n`,
    )
  }
  const isNothingTaken = record.rejected > 0 && record.rejected === record.position
  if (record.state !== 'done' || isNothingTaken) process.exitCode = 1
}

interface LocalFile {
  path: string
  target: BatchTarget
  choices: ImportChoices
  preparation: Preparation
}

async function readHead(path: string): Promise<Buffer> {
  const info = await stat(path).catch((cause: unknown) => {
    throw new Problem('request.invalid', `The file ${path} cannot be opened: check the path.`, {
      cause,
    })
  })
  if (!info.isFile()) throw new Problem('request.invalid', `${path} is not a file.`)
  const handle = await open(path)
  try {
    const head = Buffer.alloc(Math.min(SAMPLE_BYTES, info.size))
    let filled = 0
    while (filled < head.length) {
      const { bytesRead } = await handle.read(head, filled, head.length - filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    return head.subarray(0, filled)
  } finally {
    await handle.close()
  }
}

function refuseUnsettled({ columns }: Preparation, target: BatchTarget): void {
  const errors = findTodo(columns, target)
  if (errors.length === 0) return
  const ambiguous = columns.find(({ isAmbiguous }) => isAmbiguous)
  const hint = ambiguous
    ? `--date-format "${ambiguous.column}=day-first" or month-first`
    : '--map "column=field"'
  throw new Problem('import.unsettled', `Choose with ${hint}.`, { errors })
}

async function mayBegin({ yes }: ImportOptions): Promise<boolean> {
  if (yes || !process.stdin.isTTY || !process.stdout.isTTY) return true
  const lines = createInterface({ input: process.stdin, output: process.stdout })
  try {
    const answer = await lines.question('Import it like this? [Y/n] ')
    return !/^\s*n/i.test(answer)
  } finally {
    lines.close()
  }
}

function principalOf(workspaceId: string, { operation: { scope } }: BatchTarget): Principal {
  return {
    id: 'cli',
    kind: 'system',
    workspaceId,
    scopes: new Set(scope === null ? [] : [scope]),
    rateLimitPerMinute: Number.MAX_SAFE_INTEGER,
  }
}

async function checkFile({ store }: ImportEngine, workspaceId: string, file: LocalFile) {
  const { path, target, choices, preparation } = file
  return store.read(workspaceId, async (tx) => {
    const { timeZone, currency } = await getWorkspaceDefaults(tx)
    const { source = DEFAULT_SOURCE, zone = timeZone } = choices
    return checkRows(tx, preparation, createReadStream(path), target, { source, zone, currency })
  })
}

/** An import of the same bytes, read in the same way, that is not over: it goes on, and there is no second. */
async function findInterrupted(
  { store }: ImportEngine,
  { workspaceId }: Principal,
  { path, target, choices, preparation }: LocalFile,
): Promise<string | null> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer)
  const sha256 = hash.digest()
  const found = await store.read(workspaceId, async (tx) => {
    const { timeZone } = await getWorkspaceDefaults(tx)
    const { source = DEFAULT_SOURCE, zone = timeZone } = choices
    const same = await findUnfinished(tx, sha256)
    return same.find(
      (record) =>
        record.target === target.name &&
        record.source === source &&
        record.zone === zone &&
        waysOf(record) === waysOf(preparation),
    )
  })
  if (found === undefined) return null
  if (found.position > 0)
    process.stdout.write(`Going on after row ${found.position} of an import that was stopped.\n`)
  return found.id
}

/** How a file is read, without the reasons. */
function waysOf({ dialect, columns }: Pick<ImportRecord, 'dialect' | 'columns'>): string {
  const { reasons: _, ...way } = dialect
  const uses = columns.map(({ column, use, field, key, dateFormat, decimalMark }) => [
    column,
    use,
    field,
    key,
    dateFormat,
    decimalMark,
  ])
  return JSON.stringify([Object.entries(way).toSorted(([a], [b]) => (a < b ? -1 : 1)), uses])
}

async function upload(
  { store, clock }: ImportEngine,
  principal: Principal,
  { path, target, choices }: LocalFile,
): Promise<string> {
  const bytes = createReadStream(path) as AsyncIterable<Uint8Array>
  const file = { target, fileName: basename(path).slice(0, 255), bytes, choices }
  const { record } = await uploadFile(store, principal, file, {
    now: clock.now(),
    requestId: newId('req'),
  })
  return record.id
}

/** Runs the import here, or watches it while another process does. */
async function runToEnd(
  engine: ImportEngine,
  principal: Principal,
  importId: string,
): Promise<ImportRecord> {
  const { store } = engine
  const { workspaceId } = principal
  const stop = new AbortController()
  const onSignal = () =>
    stop.abort(new Problem('import.state_refused', 'Stopped: run the same command again to go on.'))
  process.once('SIGINT', onSignal)
  process.once('SIGTERM', onSignal)
  const find = () => store.read(workspaceId, (tx) => findImport(tx, importId))
  const first = (await find())!
  const meter = startMeter(first)
  try {
    if (first.state === 'uploaded' || first.state === 'failed')
      await store.transaction(workspaceId, (tx) =>
        startImport(tx, importId, principal, engine.targets),
      )
    for (;;) {
      const record =
        (await runImport(engine, workspaceId, importId, {
          signal: stop.signal,
          onProgress: (progress) => meter.update(progress),
        })) ?? (await find())
      if (record === null) throw new Problem('resource.gone', 'The import was deleted meanwhile.')
      meter.update(record)
      if (record.state !== 'queued' && record.state !== 'running') return record
      meter.wait()
      await setTimeout(WATCH_MS, undefined, { signal: stop.signal }).catch(() =>
        stop.signal.throwIfAborted(),
      )
    }
  } finally {
    meter.stop()
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
  }
}

const WATCH_MS = 1000
