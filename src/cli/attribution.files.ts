import { access, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { JourneyBuilder, NO_CHANNEL } from '#analytics/attribution/journeys.ts'
import type { Journeys } from '#analytics/attribution/journeys.ts'
import { TouchTable } from '#analytics/attribution/touch-table.ts'
import type { Conversions } from '#analytics/attribution/touch-table.ts'
import { numberOf, readTable, unreadable } from '#cli/attribution.table.ts'
import { Problem } from '#core/problem.ts'

/**
 * Journeys of a file of paths: columns path ("a > b > a"), total_conversions and, if there are any, total_conversion_value and total_null.
 *
 * @throws Problem `import.file_unreadable` naming the line.
 */
export async function readPaths(path: string): Promise<Journeys> {
  const builder = new JourneyBuilder()
  const columns = ['path', 'total_conversions', 'total_conversion_value?', 'total_null?']
  for await (const rows of readTable(path, columns)) {
    for (const { line, cells } of rows) {
      const [route = '', conversions = '', value = '', nulls = ''] = cells
      for (const touch of route.split('>')) {
        const name = touch.trim()
        if (name === '')
          throw unreadable(path, line, `the path “${route.slice(0, 60)}” has an empty step.`)
        builder.addTouch(name)
      }
      const converted = numberOf(path, line, 'total_conversions', conversions, 0)
      const total = value === '' ? 0 : numberOf(path, line, 'total_conversion_value', value)
      if (converted === 0 && total !== 0)
        throw unreadable(path, line, `the path has a value of ${total} and no conversion.`)
      builder.endJourney({
        conversions: converted,
        value: total,
        nulls: nulls === '' ? 0 : numberOf(path, line, 'total_null', nulls, 0),
      })
    }
  }
  return builder.build()
}

export interface JourneyFileOptions {
  /** Whose touches make a journey. Accounts are the unit where a purchase is decided by several people. */
  unit: 'account' | 'person'
  windowDays: number | null
}

/**
 * Journeys of a folder with touches.csv and conversions.csv and, if it is there, persons.csv, each plain or as .csv.gz; or of the touches
 * file of such a folder. Columns: touches person_id, ts, channel; conversions person_id, account_id, ts, revenue; persons person_id,
 * account_id, first_seen, observed_until, holdout_channel. Without persons.csv, people without a touch or a conversion are not known.
 *
 * Channels are numbered by first appearance in the touches. Bootstraps draw accounts, whichever the unit.
 *
 * @throws Problem `import.file_unreadable` naming file and line.
 */
export async function readJourneys(path: string, options: JourneyFileOptions): Promise<Journeys> {
  const isFolder = (await stat(path).catch(() => null))?.isDirectory() ?? false
  const folder = isFolder ? path : dirname(path)
  const touchesFile = isFolder ? await requireFile(folder, 'touches') : path
  const people = new People(options.unit)
  const personsFile = await findFile(folder, 'persons')
  if (personsFile !== null) await people.read(personsFile)
  const sold = await readConversions(await requireFile(folder, 'conversions'), people)
  const table = new TouchTable()
  for await (const rows of readTable(touchesFile, ['person_id', 'ts', 'channel'])) {
    for (const { line, cells } of rows) {
      const [person = '', ts = '', channel = ''] = cells
      if (channel === '') throw unreadable(touchesFile, line, 'the touch has no channel.')
      table.add(
        people.unitOf(person, null),
        table.channels.numberOf(channel),
        momentOf(touchesFile, line, ts),
      )
    }
  }
  return table.toJourneys(
    people.units((name) => table.channels.numberOf(name)),
    sold,
    options.windowDays,
  )
}

async function readConversions(path: string, people: People): Promise<Conversions> {
  const unit: number[] = []
  const atMs: number[] = []
  const value: number[] = []
  for await (const rows of readTable(path, ['person_id', 'account_id?', 'ts', 'revenue'])) {
    for (const { line, cells } of rows) {
      const [person = '', account = '', ts = '', revenue = ''] = cells
      unit.push(people.unitOf(person, account))
      atMs.push(momentOf(path, line, ts))
      value.push(numberOf(path, line, 'revenue', revenue))
    }
  }
  return {
    unit: Uint32Array.from(unit),
    atMs: Float64Array.from(atMs),
    value: Float64Array.from(value),
  }
}

/** Numbers units, people or accounts, and keeps since when and until when each was observed. */
class People {
  readonly #unit: 'account' | 'person'
  readonly #unitByPerson = new Map<string, number>()
  readonly #unitByAccount = new Map<string, number>()
  readonly #accounts = new Map<string, number>()
  readonly #cluster: number[] = []
  readonly #startedAtMs: number[] = []
  readonly #endedAtMs: number[] = []
  readonly #heldOut: string[] = []
  #hasTimes = false

  constructor(unit: 'account' | 'person') {
    this.#unit = unit
  }

  async read(path: string): Promise<void> {
    const columns = [
      'person_id',
      'account_id?',
      'first_seen?',
      'observed_until?',
      'holdout_channel?',
    ]
    for await (const rows of readTable(path, columns)) {
      for (const { line, cells } of rows) {
        const [person = '', account = '', firstSeen = '', until = '', heldOut = ''] = cells
        const unit = this.unitOf(person, account)
        if (firstSeen !== '' && until !== '') {
          this.#hasTimes = true
          const started = momentOf(path, line, firstSeen)
          const ended = momentOf(path, line, until)
          this.#startedAtMs[unit] = Math.min(this.#startedAtMs[unit] ?? started, started)
          this.#endedAtMs[unit] = Math.max(this.#endedAtMs[unit] ?? ended, ended)
        }
        if (heldOut !== '') this.#heldOut[unit] ??= heldOut
      }
    }
  }

  /** The number of the person's unit; a person or account that is not known yet becomes a new one. */
  unitOf(person: string, account: string | null): number {
    const known = this.#unitByPerson.get(person)
    if (known !== undefined) return known
    const accountName = account === null || account === '' ? `person ${person}` : account
    let unit = this.#unit === 'account' ? this.#unitByAccount.get(accountName) : undefined
    if (unit === undefined) {
      unit = this.#cluster.length
      const number = this.#accounts.get(accountName) ?? this.#accounts.size
      this.#accounts.set(accountName, number)
      this.#cluster.push(number)
      this.#unitByAccount.set(accountName, unit)
    }
    this.#unitByPerson.set(person, unit)
    return unit
  }

  units(channelOf: (name: string) => number) {
    const count = this.#cluster.length
    const times = (column: readonly number[]) =>
      this.#hasTimes
        ? Float64Array.from({ length: count }, (_, u) => column[u] ?? Number.NaN)
        : null
    const hasHoldouts = this.#heldOut.length > 0
    return {
      count,
      startedAtMs: times(this.#startedAtMs),
      endedAtMs: times(this.#endedAtMs),
      heldOut: hasHoldouts
        ? Uint16Array.from({ length: count }, (_, u) => {
            const name = this.#heldOut[u]
            return name === undefined ? NO_CHANNEL : channelOf(name)
          })
        : null,
      cluster: Uint32Array.from(this.#cluster),
    }
  }
}

/** RFC 3339 or a plain date (UTC), in epoch milliseconds. */
function momentOf(path: string, line: number, text: string): number {
  const atMs = Date.parse(text.includes(' ') ? `${text.replace(' ', 'T')}Z` : text)
  if (Number.isNaN(atMs))
    throw unreadable(path, line, `“${text.slice(0, 60)}” is no time: write 2026-11-25T09:30:00Z.`)
  return atMs
}

async function findFile(folder: string, name: string): Promise<string | null> {
  for (const path of [join(folder, `${name}.csv`), join(folder, `${name}.csv.gz`)]) {
    const isThere = await access(path).then(
      () => true,
      () => false,
    )
    if (isThere) return path
  }
  return null
}

async function requireFile(folder: string, name: string): Promise<string> {
  const path = await findFile(folder, name)
  if (path !== null) return path
  throw new Problem(
    'import.file_unreadable',
    `There is no ${name}.csv or ${name}.csv.gz in ${folder}.`,
  )
}
