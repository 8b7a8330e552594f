import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Command } from 'commander'
import type { App } from '#app.ts'
import { systemPrincipal } from '#cli/call.ts'
import { withApp } from '#cli/with-app.ts'
import { chooseWorkspace } from '#cli/workspace.ts'
import { Problem } from '#core/problem.ts'
import { exportList } from '#gateway/export.ts'
import type { CsvColumn, Operation } from '#gateway/operation.ts'

interface Options {
  filter: string[]
  out?: string
  workspace?: string
}

type CsvList = Operation & { csv: readonly CsvColumn[] }

export function exportCommand(): Command {
  return new Command('export')
    .description(
      'Write a list as CSV: leads, campaigns, touchpoints and the like, the same as the API gives.',
    )
    .argument('<list>', 'the end of the list’s path, such as leads, or its operation id')
    .option(
      '-f, --filter <name=value>',
      'a filter of the list; may be repeated',
      (value: string, all: string[]) => [...all, value],
      [],
    )
    .option('-o, --out <file>', 'where to write; default: standard output')
    .option('-w, --workspace <name>', 'the workspace, when there are several')
    .action((name: string, options: Options) => withApp((app) => writeList(app, name, options)))
}

async function writeList(app: App, name: string, options: Options): Promise<void> {
  const operation = findList(app.operations, name)
  const workspaceId = await chooseWorkspace(app, options.workspace)
  const principal = systemPrincipal(workspaceId, operation.scope)
  const text = exportList(app.store, operation, principal, readFilters(options.filter), app.clock)
  if (options.out === undefined) await writeOut(text)
  else await writeFile(text, options.out)
}

/** Under its name only once it is whole: what broke off leaves no file, and one that was there before as it was. */
async function writeFile(text: AsyncIterable<string>, out: string): Promise<void> {
  const part = `${out}.part`
  try {
    await pipeline(Readable.from(text), createWriteStream(part, { mode: 0o600 }))
    await rename(part, out)
  } catch (error) {
    await rm(part, { force: true })
    throw error
  }
}

/** To standard output; a reader that has enough, such as `head`, ends it quietly. */
async function writeOut(text: AsyncIterable<string>): Promise<void> {
  try {
    await pipeline(Readable.from(text), process.stdout, { end: false })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error
  }
}

/** @throws Problem `request.invalid` that names the lists there are. */
function findList(operations: readonly Operation[], name: string): CsvList {
  const lists = operations.filter((operation): operation is CsvList => operation.csv !== undefined)
  const found =
    lists.find(({ id }) => id === name) ?? lists.find(({ path }) => tailOf(path) === name)
  if (found !== undefined) return found
  throw new Problem(
    'request.invalid',
    `There is no list ${name}: there are ${lists.map(({ path }) => tailOf(path)).join(', ')}.`,
  )
}

function tailOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** Repeated filters of one name become a list, as in a query string. */
function readFilters(filters: readonly string[]): Record<string, string | string[]> {
  const query: Record<string, string | string[]> = {}
  for (const text of filters) {
    const at = text.indexOf('=')
    if (at < 1) throw new Problem('request.invalid', `--filter takes name=value, not “${text}”.`)
    const [name, value] = [text.slice(0, at), text.slice(at + 1)]
    query[name] = Object.hasOwn(query, name) ? [query[name] ?? [], value].flat() : value
  }
  return query
}
