import { DAY_MS } from '#core/time.ts'
import { createHazardRoom, hazardAt, integrate } from './hazard.ts'
import type { HazardRoom } from './hazard.ts'
import { createChances, drawAccount, drawChances, liveThrough } from './life.ts'
import type { Account, Chances } from './life.ts'
import type { JourneySpec } from './spec.ts'

/** Journeys as columns: u accounts, p people, t touches, v conversions. */
export interface JourneyColumns {
  channels: string[]
  campaigns: string[]
  /** Position of the channel of each campaign. */
  campaignChannel: Uint16Array
  /** u accounts: first and last moment of observation, epoch milliseconds. */
  firstSeenMs: Float64Array
  observedUntilMs: Float64Array
  /** u rows of what is known of the account, each a small whole number. */
  segments: { name: string; levels: string[]; codes: Uint8Array }[]
  /** u + 1 positions into people. */
  personOffsets: Uint32Array
  /** p channels that leave the person out at random; −1 for none. */
  heldOut: Int16Array
  /** u + 1 positions into touches, which are in order of time within the account. */
  touchOffsets: Uint32Array
  touchMs: Float64Array
  touchChannel: Uint16Array
  touchCampaign: Uint32Array
  /** Position of the person in its account. */
  touchPerson: Uint8Array
  /** v conversions in order of their account. */
  conversionUnit: Uint32Array
  conversionMs: Float64Array
  /** Whole minor units. */
  revenueMinor: Float64Array
}

/** What nobody can see: expected revenue lost without each channel and campaign. */
export interface JourneyTruth {
  expectedConversions: number
  expectedRevenueMinor: number
  baselineShare: number
  /** By channel and by campaign, minor units; others react. */
  removedMinor: Float64Array
  removedConversions: Float64Array
  removedCampaignMinor: Float64Array
  /** Revenue of realised conversions by the true hazard: what could be known at best; baseline last. */
  oracleMinor: Float64Array
}

export interface JourneyWorld {
  spec: JourneySpec
  columns: JourneyColumns
  truth: JourneyTruth
}

const EPOCH_MS = Date.UTC(2024, 0, 1)
const LEVELS = {
  company_size: ['smb', 'mid', 'enterprise'],
  industry: ['software', 'finance', 'health', 'retail', 'services'],
  region: ['na', 'emea', 'apac', 'latam'],
}

/**
 * Simulates journeys with known causes: touches that follow intent and each other, hazards that they
 * move, conversions, and the truth by removal under the same luck.
 *
 * @see own method; thinning as in Lewis & Shedler, Naval Research Logistics 26 (1979).
 * O(accounts · days · channels · (channels + campaigns of an account)).
 */
export function simulateJourneys(spec: JourneySpec): JourneyWorld {
  const scales = calibrate(spec)
  const gathered = gather(spec)
  const truth: JourneyTruth = {
    expectedConversions: 0,
    expectedRevenueMinor: 0,
    baselineShare: 0,
    removedMinor: new Float64Array(spec.channels.length),
    removedConversions: new Float64Array(spec.channels.length),
    removedCampaignMinor: new Float64Array(gathered.campaigns.length),
    oracleMinor: new Float64Array(spec.channels.length + 1),
  }
  const life = createLife(spec)
  let baselineMinor = 0
  for (let unit = 0; unit < spec.units; unit++) {
    const account = drawAccount(spec, unit, life.base)
    drawChances(spec, unit, account, life.chances)
    liveThrough(spec, account, life.chances, life.taken, -1, -1)
    const whole = integrate(spec, account, life.chances, life.taken, scales.effect, life.room)
    const expect = (sum: number) => -Math.expm1(-scales.hazard * sum)
    truth.expectedConversions += expect(whole)
    truth.expectedRevenueMinor += expect(whole) * account.expectedMinor
    baselineMinor += expect(account.base.reduce((sum, h) => sum + h, 0)) * account.expectedMinor
    remove(spec, account, life, scales, whole, truth)
    // What is truly seen: the same life, but for those that an experiment leaves out.
    liveThrough(spec, account, life.chances, life.taken, -1, -1, true)
    integrate(spec, account, life.chances, life.taken, scales.effect, life.room)
    const day = convertedOn(life.room.daily, scales.hazard, account.threshold)
    record(gathered, spec, account, life, unit, day)
    if (day >= 0) creditByTruth(spec, account, life, scales.effect, day, truth.oracleMinor)
  }
  truth.baselineShare = baselineMinor / truth.expectedRevenueMinor
  return { spec, columns: finish(gathered), truth }
}

interface Life {
  base: Float64Array
  chances: Chances
  taken: Uint8Array
  without: Uint8Array
  room: HazardRoom
}

function createLife(spec: JourneySpec): Life {
  const chances = createChances()
  return {
    base: new Float64Array(spec.days),
    chances,
    taken: new Uint8Array(chances.day.length),
    without: new Uint8Array(chances.day.length),
    room: createHazardRoom(spec),
  }
}

interface Scales {
  effect: number
  hazard: number
}

/** Scales of effects and hazard at which baseline and conversions are as the spec wants them, from 2,000 accounts. */
function calibrate(spec: JourneySpec): Scales {
  const count = Math.min(2000, spec.units)
  const target = (spec.expectedConversions * count) / spec.units
  const lives = Array.from({ length: count }, (_, unit) => {
    const life = pilotLife(spec, unit)
    return { ...life, baseSum: life.account.base.reduce((sum, h) => sum + h, 0) }
  })
  const room = createHazardRoom(spec)
  const sums = new Float64Array(count)
  const solveHazard = () => {
    const converted = (scale: number) => sums.reduce((n, sum) => n - Math.expm1(-scale * sum), 0)
    return bisect(-25, 2, (x) => converted(Math.exp(x)) < Math.min(target, 0.8 * count))
  }
  const baselineAt = (effect: number) => {
    let [base, whole] = [0, 0]
    lives.forEach(({ account, chances, taken }, i) => {
      sums[i] = integrate(spec, account, chances, taken, effect, room)
    })
    const scale = Math.exp(solveHazard())
    lives.forEach(({ account, baseSum }, i) => {
      base -= Math.expm1(-scale * baseSum) * account.expectedMinor
      whole -= Math.expm1(-scale * sums[i]!) * account.expectedMinor
    })
    return base / whole
  }
  const effect = Math.exp(bisect(-5, 4, (x) => baselineAt(Math.exp(x)) > spec.baselineShare, 16))
  baselineAt(effect)
  return { effect, hazard: Math.exp(solveHazard()) }
}

function pilotLife(spec: JourneySpec, unit: number) {
  const account = drawAccount(spec, unit, new Float64Array(spec.days))
  const drawn = createChances()
  drawChances(spec, unit, account, drawn)
  const chances: Chances = {
    count: drawn.count,
    day: drawn.day.slice(0, drawn.count),
    person: drawn.person.slice(0, drawn.count),
    channel: drawn.channel.slice(0, drawn.count),
    campaign: drawn.campaign.slice(0, drawn.count),
    luck: drawn.luck.slice(0, drawn.count),
  }
  const taken = new Uint8Array(chances.count)
  liveThrough(spec, account, chances, taken, -1, -1)
  return { account, chances, taken }
}

/** The x up to which `isBelow` holds, when it holds up to some point. */
function bisect(low: number, high: number, isBelow: (x: number) => boolean, steps = 40): number {
  let [from, to] = [low, high]
  for (let i = 0; i < steps; i++) {
    const middle = (from + to) / 2
    if (isBelow(middle)) from = middle
    else to = middle
  }
  return (from + to) / 2
}

/** The day on which the integrated hazard reaches the account's luck; −1 when it does not. */
function convertedOn(daily: Float64Array, scale: number, threshold: number): number {
  let sum = 0
  for (let day = 0; day < daily.length; day++) {
    sum += scale * daily[day]!
    if (sum >= threshold) return day
  }
  return -1
}

/** Credits the conversion by the true hazard with each channel thought away, shared out below the whole. */
function creditByTruth(
  spec: JourneySpec,
  account: Account,
  life: Life,
  effect: number,
  day: number,
  into: Float64Array,
): void {
  integrate(spec, account, life.chances, life.taken, effect, life.room, day)
  const stock = life.room.keptStock
  const base = account.base[day]!
  const whole = hazardAt(spec, base, stock, effect)
  const lost = Float64Array.from(stock, (_, c) => whole - hazardAt(spec, base, stock, effect, c))
  const total = lost.reduce((sum, value) => sum + value, 0)
  const moved = (account.revenueMinor * (whole - base)) / whole
  lost.forEach((value, c) => {
    if (total > 0) into[c]! += (moved * value) / total
  })
  into[stock.length]! += account.revenueMinor - (total > 0 ? moved : 0)
}

/** Adds what is lost without each channel and campaign that reached the account. */
function remove(
  spec: JourneySpec,
  account: Account,
  life: Life,
  scales: Scales,
  whole: number,
  truth: JourneyTruth,
): void {
  const { chances, taken, without, room } = life
  const reached = new Set<number>()
  for (let i = 0; i < chances.count; i++) {
    if (taken[i] === 1) reached.add(chances.channel[i]! * 8 + chances.campaign[i]!)
  }
  const lost = (channel: number, campaign: number) => {
    liveThrough(spec, account, chances, without, channel, campaign)
    const sum = integrate(spec, account, chances, without, scales.effect, room)
    return Math.exp(-scales.hazard * sum) - Math.exp(-scales.hazard * whole)
  }
  for (const channel of new Set([...reached].map((key) => key >> 3))) {
    const conversions = lost(channel, -1)
    truth.removedConversions[channel]! += conversions
    truth.removedMinor[channel]! += conversions * account.expectedMinor
  }
  for (const key of reached) {
    const [channel, campaign] = [key >> 3, key & 7]
    truth.removedCampaignMinor[channel * 3 + campaign]! +=
      lost(channel, campaign) * account.expectedMinor
  }
}

interface Gathered {
  channels: string[]
  campaigns: string[]
  rows: {
    firstSeenMs: number[]
    observedUntilMs: number[]
    size: number[]
    industry: number[]
    region: number[]
    personOffsets: number[]
    heldOut: number[]
    touchOffsets: number[]
    touchMs: number[]
    touchChannel: number[]
    touchCampaign: number[]
    touchPerson: number[]
    conversionUnit: number[]
    conversionMs: number[]
    revenueMinor: number[]
  }
}

function gather(spec: JourneySpec): Gathered {
  return {
    channels: spec.channels.map(({ key }) => key),
    campaigns: spec.channels.flatMap(({ key, campaigns }) =>
      campaigns.map((_, i) => `${key}-${i + 1}`),
    ),
    rows: {
      firstSeenMs: [],
      observedUntilMs: [],
      size: [],
      industry: [],
      region: [],
      personOffsets: [0],
      heldOut: [],
      touchOffsets: [0],
      touchMs: [],
      touchChannel: [],
      touchCampaign: [],
      touchPerson: [],
      conversionUnit: [],
      conversionMs: [],
      revenueMinor: [],
    },
  }
}

function record(
  { rows }: Gathered,
  spec: JourneySpec,
  account: Account,
  { chances, taken }: Life,
  unit: number,
  convertedOnDay: number,
): void {
  const startMs = EPOCH_MS + account.firstDay * DAY_MS
  rows.firstSeenMs.push(startMs)
  rows.observedUntilMs.push(startMs + spec.days * DAY_MS)
  rows.size.push(account.size)
  rows.industry.push(account.industry)
  rows.region.push(account.region)
  for (const channel of account.heldOut) rows.heldOut.push(channel)
  rows.personOffsets.push(rows.heldOut.length)
  // With a lag the conversion falls into office hours, without one behind all touches of its day.
  const luck = account.threshold - Math.floor(account.threshold)
  const hour = spec.lagDays === 1 ? 8 + 10 * luck : 23 + 0.95 * luck
  const until = convertedOnDay < 0 ? Infinity : convertedOnDay + hour / 24
  for (let i = 0; i < chances.count && chances.day[i]! < until; i++) {
    if (taken[i] === 0) continue
    rows.touchMs.push(Math.floor(startMs + chances.day[i]! * DAY_MS))
    rows.touchChannel.push(chances.channel[i]!)
    rows.touchCampaign.push(chances.channel[i]! * 3 + chances.campaign[i]!)
    rows.touchPerson.push(chances.person[i]!)
  }
  rows.touchOffsets.push(rows.touchMs.length)
  if (convertedOnDay >= 0) {
    rows.conversionUnit.push(unit)
    rows.conversionMs.push(Math.floor(startMs + until * DAY_MS))
    rows.revenueMinor.push(account.revenueMinor)
  }
}

function finish({ channels, campaigns, rows }: Gathered): JourneyColumns {
  const segment = (name: keyof typeof LEVELS, codes: number[]) => ({
    name,
    levels: LEVELS[name],
    codes: Uint8Array.from(codes),
  })
  return {
    channels,
    campaigns,
    campaignChannel: Uint16Array.from(campaigns, (_, i) => Math.floor(i / 3)),
    firstSeenMs: Float64Array.from(rows.firstSeenMs),
    observedUntilMs: Float64Array.from(rows.observedUntilMs),
    segments: [
      segment('company_size', rows.size),
      segment('industry', rows.industry),
      segment('region', rows.region),
    ],
    personOffsets: Uint32Array.from(rows.personOffsets),
    heldOut: Int16Array.from(rows.heldOut),
    touchOffsets: Uint32Array.from(rows.touchOffsets),
    touchMs: Float64Array.from(rows.touchMs),
    touchChannel: Uint16Array.from(rows.touchChannel),
    touchCampaign: Uint32Array.from(rows.touchCampaign),
    touchPerson: Uint8Array.from(rows.touchPerson),
    conversionUnit: Uint32Array.from(rows.conversionUnit),
    conversionMs: Float64Array.from(rows.conversionMs),
    revenueMinor: Float64Array.from(rows.revenueMinor),
  }
}
