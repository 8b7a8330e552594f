// Worlds of journeys for evaluations: read from folders, or simulated; with what is true of each.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AccountJourneys } from '#analytics/attribution/causal/data.ts'
import { NO_CHANNEL } from '#analytics/attribution/journeys.ts'
import type { Journeys } from '#analytics/attribution/journeys.ts'
import { readTable } from '#cli/attribution.table.ts'
import { drawSpec } from '#worlds/journeys/kinds.ts'
import type { JourneyKind } from '#worlds/journeys/kinds.ts'
import { simulateJourneys } from '#worlds/journeys/world.ts'
import { describeTruth } from '#worlds/journeys/write.ts'

/** Shares by channel, in the data's order. They are read to score, never to fit. */
export interface Truth {
  /** Sum to 1 over channels. */
  shares: Float64Array
  campaignShares: Float64Array
  baseline: number
  /** Best shares that the realised conversions allow, the baseline last; null when they are not known. */
  oracle: Float64Array | null
}

export interface ScoredWorld {
  name: string
  data: AccountJourneys
  truth: Truth
}

interface TruthFile {
  baseline_share_of_revenue: number
  true_share_removal: Record<string, number>
  campaign_true_share_removal?: Record<string, number>
  oracle_share?: Record<string, number>
}

export function simulateScored(kind: JourneyKind, seed: number, scale = 1): ScoredWorld {
  const world = simulateJourneys(drawSpec(kind, seed, scale))
  const truth = describeTruth(world) as unknown as TruthFile
  return {
    name: `${kind}_${seed}`,
    data: world.columns,
    truth: truthOf(world.columns, truth),
  }
}

/** Each folder below, or the folder itself, that holds a world. */
export async function listWorlds(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  if (entries.some(({ name }) => name.startsWith('touches.csv'))) return [folder]
  return entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(folder, name))
    .sort()
}

/** Reads a world as `throughline worlds` writes it. */
export async function readWorld(folder: string): Promise<ScoredWorld> {
  const data = await readAccounts(folder)
  const truth = JSON.parse(await readFile(join(folder, 'truth.json'), 'utf8')) as TruthFile
  return { name: folder.split('/').at(-1)!, data, truth: truthOf(data, truth) }
}

function truthOf(data: AccountJourneys, truth: TruthFile): Truth {
  const { channels, campaigns } = data
  const known = truth.campaign_true_share_removal ?? {}
  const oracle = truth.oracle_share
  return {
    shares: Float64Array.from(channels, (key) => truth.true_share_removal[key] ?? 0),
    campaignShares: Float64Array.from(campaigns, (key) => known[key] ?? 0),
    baseline: truth.baseline_share_of_revenue,
    oracle: oracle
      ? Float64Array.from([...channels, '(baseline)'], (key) => oracle[key] ?? 0)
      : null,
  }
}

async function fileOf(folder: string, name: string): Promise<string> {
  const files = await readdir(folder)
  const found = files.find((file) => file === `${name}.csv` || file === `${name}.csv.gz`)
  if (found === undefined) throw new Error(`${folder} has no ${name}.csv or ${name}.csv.gz.`)
  return join(folder, found)
}

/** A growing list of names and their positions. */
class Names {
  readonly names: string[] = []
  readonly #positions = new Map<string, number>()
  of(name: string): number {
    const known = this.#positions.get(name)
    if (known !== undefined) return known
    this.#positions.set(name, this.names.length)
    return this.names.push(name) - 1
  }
}

const SEGMENTS = ['company_size', 'industry', 'region']

async function readAccounts(folder: string): Promise<AccountJourneys> {
  const accounts = new Names()
  const people = new Map<string, number>()
  const rows: { unit: number; from: number; until: number; heldOut: string; codes: string[] }[] = []
  const wanted = ['person_id', 'account_id', 'first_seen', 'observed_until', 'holdout_channel']
  const columns = [...wanted, ...SEGMENTS.map((name) => `${name}?`)]
  for await (const page of readTable(await fileOf(folder, 'persons'), columns)) {
    for (const { cells } of page) {
      const [person = '', account = '', from = '', until = '', heldOut = '', ...codes] = cells
      const unit = accounts.of(account === '' ? person : account)
      people.set(person, unit)
      rows.push({ unit, from: Date.parse(from), until: Date.parse(until), heldOut, codes })
    }
  }
  const channels = new Names()
  const campaigns = new Names()
  const touches: { unit: number; ms: number; channel: number; campaign: number }[] = []
  const touchColumns = ['person_id', 'ts', 'channel', 'campaign?']
  for await (const page of readTable(await fileOf(folder, 'touches'), touchColumns)) {
    for (const { cells } of page) {
      const [person = '', ts = '', channel = '', campaign = ''] = cells
      const unit = people.get(person)
      if (unit === undefined) continue
      touches.push({
        unit,
        ms: Date.parse(ts),
        channel: channels.of(channel),
        campaign: campaigns.of(campaign === '' ? channel : campaign),
      })
    }
  }
  const sold: { unit: number; ms: number; minor: number }[] = []
  const soldColumns = ['person_id', 'ts', 'revenue']
  for await (const page of readTable(await fileOf(folder, 'conversions'), soldColumns)) {
    for (const { cells } of page) {
      const [person = '', ts = '', revenue = ''] = cells
      const unit = people.get(person)
      if (unit !== undefined)
        sold.push({ unit, ms: Date.parse(ts), minor: Math.round(Number(revenue) * 100) })
    }
  }
  for (const { heldOut } of rows) if (heldOut !== '') channels.of(heldOut)
  return toColumns(accounts.names.length, rows, touches, sold, channels, campaigns)
}

function toColumns(
  units: number,
  rows: { unit: number; from: number; until: number; heldOut: string; codes: string[] }[],
  touches: { unit: number; ms: number; channel: number; campaign: number }[],
  sold: { unit: number; ms: number; minor: number }[],
  channels: Names,
  campaigns: Names,
): AccountJourneys {
  rows.sort((a, b) => a.unit - b.unit)
  touches.sort((a, b) => a.unit - b.unit || a.ms - b.ms)
  sold.sort((a, b) => a.unit - b.unit || a.ms - b.ms)
  const firstSeenMs = new Float64Array(units).fill(Infinity)
  const observedUntilMs = new Float64Array(units)
  const levels = SEGMENTS.map(() => new Names())
  const codes = SEGMENTS.map(() => new Uint8Array(units))
  for (const { unit, from, until, codes: own } of rows) {
    firstSeenMs[unit] = Math.min(firstSeenMs[unit]!, from)
    observedUntilMs[unit] = Math.max(observedUntilMs[unit]!, until)
    own.forEach((level, s) => {
      codes[s]![unit] = levels[s]!.of(level)
    })
  }
  const campaignChannel = new Uint16Array(campaigns.names.length)
  for (const { channel, campaign } of touches) campaignChannel[campaign] = channel
  return {
    channels: channels.names,
    campaigns: campaigns.names,
    campaignChannel,
    firstSeenMs,
    observedUntilMs,
    segments: SEGMENTS.map((name, s) => ({
      name,
      levels: levels[s]!.names,
      codes: codes[s]!,
    })).filter(({ levels }) => levels.length > 1),
    personOffsets: offsetsOf(units, rows),
    heldOut: Int16Array.from(rows, ({ heldOut }) => (heldOut === '' ? -1 : channels.of(heldOut))),
    touchOffsets: offsetsOf(units, touches),
    touchMs: Float64Array.from(touches, ({ ms }) => ms),
    touchChannel: Uint16Array.from(touches, ({ channel }) => channel),
    touchCampaign: Uint32Array.from(touches, ({ campaign }) => campaign),
    conversionUnit: Uint32Array.from(sold, ({ unit }) => unit),
    conversionMs: Float64Array.from(sold, ({ ms }) => ms),
    revenueMinor: Float64Array.from(sold, ({ minor }) => minor),
  }
}

function offsetsOf(units: number, rows: readonly { unit: number }[]): Uint32Array {
  const offsets = new Uint32Array(units + 1)
  for (const { unit } of rows) offsets[unit + 1]! += 1
  for (let unit = 0; unit < units; unit++) offsets[unit + 1]! += offsets[unit]!
  return offsets
}

/** The same journeys as the other models take them; an account of these worlds converts once at most. */
export function toJourneys(data: AccountJourneys): Journeys {
  const units = data.firstSeenMs.length
  const conversions = new Float64Array(units)
  const value = new Float64Array(units)
  const endedAtMs = Float64Array.from(data.observedUntilMs)
  data.conversionUnit.forEach((unit, i) => {
    conversions[unit]! += 1
    value[unit]! += data.revenueMinor[i]! / 100
    endedAtMs[unit] = data.conversionMs[i]!
  })
  return {
    channels: data.channels,
    offsets: data.touchOffsets,
    channel: data.touchChannel,
    touchedAtMs: data.touchMs,
    conversions,
    value,
    nulls: conversions.map((count) => (count > 0 ? 0 : 1)),
    startedAtMs: data.firstSeenMs,
    endedAtMs,
    heldOut: Uint16Array.from({ length: units }, (_, unit) => {
      const channel = data.heldOut[data.personOffsets[unit]!]!
      return channel < 0 ? NO_CHANNEL : channel
    }),
    cluster: null,
  }
}
