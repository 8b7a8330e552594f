import { availableParallelism } from 'node:os'
import type { Command } from 'commander'
import type { Journeys } from '#analytics/attribution/journeys.ts'
import { attributionModels } from '#analytics/attribution/models.ts'
import type { ModelOptions } from '#analytics/attribution/models.ts'
import { ruleModels } from '#analytics/attribution/rules.ts'
import type { PositionWeights } from '#analytics/attribution/rules.ts'
import { readJourneys, readPaths } from '#cli/attribution.files.ts'
import { asCsv, asJson, asTable } from '#cli/attribution.report.ts'
import type { Answer } from '#cli/attribution.report.ts'
import { DAY_MS } from '#core/time.ts'

/** The options of `throughline attribution` that concern files, as commander gives them. */
export interface FileOptions {
  paths?: string
  journeys?: string
  model?: string
  window?: string
  order: string
  unit: string
  format: string
  json: boolean
  interval: string
  replicates: string
  seed: string
  halfLife: string
  weights?: string
  direct: string
  workers: string
}

const FORMATS = { table: asTable, json: asJson, csv: asCsv }
const DEFAULT_MODEL = 'markov'

/** Models beyond those of the ledger. */
export function furtherModels(): string {
  return Object.keys(attributionModels)
    .filter((name) => !(ruleModels as readonly string[]).includes(name))
    .join(', ')
}

export function addFileOptions(command: Command): Command {
  return command
    .option(
      '--paths <file>',
      'of a file: path, total_conversions, total_conversion_value, total_null',
    )
    .option(
      '--journeys <folder>',
      'of a folder: touches.csv, conversions.csv, persons.csv (or .csv.gz)',
    )
    .option(
      '--order <k>',
      'files: how many of the last channels are a state of the Markov chain',
      '1',
    )
    .option('--unit <unit>', 'files: whose touches make a journey, account or person', 'account')
    .option('--format <format>', 'files: table, json or csv', 'table')
    .option(
      '--interval <level>',
      'files: level of the interval by resampling journeys, or none',
      '0.9',
    )
    .option('--replicates <n>', 'files: how often journeys are drawn again', '100')
    .option('--seed <n>', 'files: of all that is drawn', '1')
    .option('--half-life <days>', 'files: of time_decay', '7')
    .option('--weights <numbers>', 'files: of custom: first, …, last, and the rest, as in 40,40,20')
    .option('--direct <channel>', 'files: what last_non_direct passes over', 'direct')
    .option('--workers <n>', 'files: threads for costly models', String(availableParallelism()))
}

/** Credits the channels of a file by each model asked for and prints the answers. No database is started. */
export async function attributeFile(command: Command, options: FileOptions): Promise<void> {
  const refuse = (message: string): never => command.error(`error: ${message}`, { exitCode: 2 })
  const number = (text: string, name: string, least: number): number => {
    const value = text.trim() === '' ? Number.NaN : Number(text)
    return value >= least && value < Infinity
      ? value
      : refuse(`${name} is ${least} or more, not “${text}”.`)
  }
  if (options.paths !== undefined && options.journeys !== undefined)
    refuse('choose one of --paths and --journeys.')
  const format = options.json ? 'json' : options.format
  if (!Object.hasOwn(FORMATS, format)) refuse(`--format is table, json or csv, not “${format}”.`)
  if (options.unit !== 'account' && options.unit !== 'person')
    refuse(`--unit is account or person, not “${options.unit}”.`)
  const windowDays =
    options.window === undefined || options.window === 'all'
      ? null
      : number(options.window, '--window', 0)
  if (options.paths !== undefined && windowDays !== null)
    refuse('--window needs touch times, which a file of paths does not have: use --journeys.')
  const modelOptions = readModelOptions(options, number, refuse)
  const wanted = options.model === 'all' ? null : (options.model ?? DEFAULT_MODEL).split(',')
  for (const name of wanted ?? [])
    if (!Object.hasOwn(attributionModels, name))
      refuse(`there is no model “${name}”: choose of ${Object.keys(attributionModels).join(', ')}.`)

  const unit = options.unit as 'account' | 'person'
  const journeys =
    options.paths === undefined
      ? await readJourneys(options.journeys!, { unit, windowDays })
      : await readPaths(options.paths)
  const direct = journeys.channels.indexOf(options.direct)
  const answers: Answer[] = []
  for (const [name, model] of Object.entries(attributionModels)) {
    if (!(wanted?.includes(name) ?? true)) continue
    const missing = missingFor(name, journeys, modelOptions)
    if (missing !== null) {
      if (wanted !== null) refuse(`${name} ${missing}`)
      continue
    }
    const answer = await model.run(journeys, { ...modelOptions, directChannel: direct })
    answers.push({ name, model, ...answer })
  }
  process.stdout.write(FORMATS[format as keyof typeof FORMATS](journeys, answers))
}

/** What keeps the model from running on these journeys; null: nothing. */
function missingFor(
  name: string,
  journeys: Journeys,
  options: Omit<ModelOptions, 'directChannel'>,
): string | null {
  if (attributionModels[name]!.needs.some((column) => journeys[column] === null))
    return 'needs the times of touches, which this file does not have: use --journeys with persons.csv.'
  if (name === 'custom' && options.weights === undefined) return 'needs --weights, as in 40,40,20.'
  return null
}

function readModelOptions(
  options: FileOptions,
  number: (text: string, name: string, least: number) => number,
  refuse: (message: string) => never,
): ModelOptions {
  const order = number(options.order, '--order', 1)
  if (!Number.isInteger(order)) refuse('--order is a whole number.')
  const seed = number(options.seed, '--seed', 0)
  const level = options.interval === 'none' ? null : number(options.interval, '--interval', 0.01)
  if (level !== null && level >= 1) refuse('--interval is below 1, as in 0.9, or none.')
  const replicates = number(options.replicates, '--replicates', 2)
  const weights = options.weights?.split(',').map((text) => number(text, '--weights', 0))
  if (weights !== undefined && weights.length < 3) refuse('--weights takes three numbers or more.')
  const custom: { weights?: PositionWeights } =
    weights === undefined
      ? {}
      : { weights: { milestones: weights.slice(0, -1), rest: weights.at(-1)! } }
  return {
    order,
    seed,
    workers: number(options.workers, '--workers', 1),
    bootstrap: level === null ? null : { level, replicates: Math.floor(replicates), seed },
    halfLifeMs: number(options.halfLife, '--half-life', 0.001) * DAY_MS,
    ...custom,
  }
}
