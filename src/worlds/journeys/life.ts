import { seededRandom } from '#core/random.ts'
import type { JourneySpec } from './spec.ts'

/** What is fixed about an account before any marketing: its people, its intent, its luck. */
export interface Account {
  people: number
  /** Per person, the channel that leaves it out at random; −1 for none. */
  heldOut: Int8Array
  size: number
  industry: number
  region: number
  /** Day of the calendar on which it is first seen. */
  firstDay: number
  lastingIntent: number
  /** Days in the market, from and to; equal when never. */
  marketFrom: number
  marketTo: number
  /** Base hazard of each day without marketing and before any scale, days long. */
  base: Float64Array
  /** Expected revenue, and the one it would bring, in minor units. */
  expectedMinor: number
  revenueMinor: number
  /** Exponential luck: it converts when the integrated hazard reaches this. */
  threshold: number
}

/** Touches that could happen to an account, in order of time; whether they do depends on what went before. */
export interface Chances {
  count: number
  day: Float64Array
  person: Uint8Array
  channel: Uint8Array
  campaign: Uint8Array
  /** The chance is taken when this is below the probability of the moment. */
  luck: Float64Array
}

const SIZE_WEIGHTS = [0.5, 0.32, 0.18]
const YEAR_DAYS = 365.25

/** The account with this number, always the same. `base` is written into the array that is given. */
export function drawAccount(spec: JourneySpec, unit: number, base: Float64Array): Account {
  const random = seededRandom(spec.seed, 10_000 + unit * 2)
  const people = random.weighted(spec.peopleWeights) + 1
  const heldOut = new Int8Array(people).fill(-1)
  for (let person = 0; person < people; person++) {
    let draw = random.uniform()
    for (const { channel, share } of spec.holdouts) {
      if (draw >= 0 && draw < share) heldOut[person] = channel
      draw -= share
    }
  }
  const [size, industry, region] = [
    random.weighted(SIZE_WEIGHTS),
    random.integer(5),
    random.integer(4),
  ]
  const firstDay = random.integer(300)
  const lastingIntent = spec.intent.lasting * random.normal()
  const isEver = random.uniform() < spec.intent.marketShare
  const marketFrom = Math.floor(random.uniform() * (spec.days + 30)) - 30
  const marketTo = isEver ? marketFrom + 30 : marketFrom
  const segment =
    spec.segmentEffect * ((size - 0.7) * 1.2 + (industry - 2) * 0.3 + (region === 1 ? 0.8 : 0))
  for (let day = 0; day < spec.days; day++) {
    const market = day >= marketFrom && day < marketTo ? spec.intent.market : 0
    const season = spec.season.hazard * wave(firstDay + day)
    base[day] = Math.exp(spec.intent.effect * (lastingIntent + market) + segment + season)
  }
  const median = 600_000 * Math.exp(spec.revenue.sizeSpread * (size - 0.7))
  const spread = spec.revenue.spread
  return {
    people,
    heldOut,
    size,
    industry,
    region,
    firstDay,
    lastingIntent,
    marketFrom,
    marketTo,
    base,
    expectedMinor: median * Math.exp((spread * spread) / 2),
    revenueMinor: Math.max(100, Math.round(median * Math.exp(spread * random.normal()))),
    threshold: -Math.log(1 - random.uniform()),
  }
}

/** How far a touch opens somebody to be followed: who comes directly has often been followed before. */
function visitWeight(type: string): number {
  if (type === 'impression') return 0
  return type === 'visit' ? 0.3 : 1
}

/** The yearly wave, in [−1, 1]. */
function wave(day: number): number {
  return Math.sin((2 * Math.PI * day) / YEAR_DAYS)
}

export function createChances(): Chances {
  const room = 4096
  return {
    count: 0,
    day: new Float64Array(room),
    person: new Uint8Array(room),
    channel: new Uint8Array(room),
    campaign: new Uint8Array(room),
    luck: new Float64Array(room),
  }
}

/**
 * Draws all chances of an account at the highest rate that it may have; `liveThrough` thins them. The
 * same chances serve every counterfactual world, so that these share all luck with the factual one.
 */
export function drawChances(
  spec: JourneySpec,
  unit: number,
  account: Account,
  into: Chances,
): void {
  const random = seededRandom(spec.seed, 10_001 + unit * 2)
  const found: { day: number; person: number; channel: number; campaign: number; luck: number }[] =
    []
  const peak =
    account.lastingIntent + (account.marketTo > account.marketFrom ? spec.intent.market : 0)
  for (let person = 0; person < account.people; person++) {
    const activity = Math.exp(spec.activity * random.normal())
    for (let channel = 0; channel < spec.channels.length; channel++) {
      const { dailyRate, pull, needs, campaigns } = spec.channels[channel]!
      const rate =
        dailyRate *
        activity *
        Math.exp(pull * peak + spec.season.touches) *
        (needs === 'awareness' ? 3 : 1)
      let day = 0
      for (;;) {
        day -= Math.log(1 - random.uniform()) / Math.min(rate, 1.5)
        if (day >= spec.days) break
        const luck = random.uniform()
        let left = random.uniform()
        let campaign = 0
        while (campaign < campaigns.length - 1 && left >= campaigns[campaign]!.share) {
          left -= campaigns[campaign]!.share
          campaign += 1
        }
        found.push({ day, person, channel, campaign, luck })
      }
    }
  }
  found.sort((a, b) => a.day - b.day)
  into.count = Math.min(found.length, into.day.length)
  for (let i = 0; i < into.count; i++) {
    const chance = found[i]!
    into.day[i] = chance.day
    into.person[i] = chance.person
    into.channel[i] = chance.channel
    into.campaign[i] = chance.campaign
    into.luck[i] = chance.luck
  }
}

/**
 * Lives through the chances and marks in `taken` those that happen, with what is off left out. Channels
 * react: who never visited is not followed, who never heard of us does not search for us.
 *
 * @param offChannel  −1 for none. @param offCampaign  a campaign of that channel, or −1 for all of it.
 * @param holdsOut  whether people are left out as the experiments want it.
 */
export function liveThrough(
  spec: JourneySpec,
  account: Account,
  chances: Chances,
  taken: Uint8Array,
  offChannel: number,
  offCampaign: number,
  holdsOut = false,
): void {
  const visits = new Float64Array(account.people)
  const awareness = new Float64Array(account.people)
  const lastDay = new Float64Array(account.people)
  const isKnown = new Uint8Array(account.people)
  const hasMarket = account.marketTo > account.marketFrom
  for (let i = 0; i < chances.count; i++) {
    const channel = chances.channel[i]!
    taken[i] = 0
    if (channel === offChannel && (offCampaign < 0 || chances.campaign[i] === offCampaign)) continue
    const day = chances.day[i]!
    const person = chances.person[i]!
    if (holdsOut && account.heldOut[person] === channel) continue
    const { pull, needs, type } = spec.channels[channel]!
    const passed = day - lastDay[person]!
    let probability = 1
    if (hasMarket && (day < account.marketFrom || day >= account.marketTo))
      probability *= Math.exp(-pull * spec.intent.market)
    if (spec.season.touches > 0)
      probability *= Math.exp(spec.season.touches * (wave(account.firstDay + day) - 1))
    switch (needs) {
      case 'visit': {
        const stock = visits[person]! * 0.5 ** (passed / 7)
        probability *= stock < 0.05 ? 0 : stock / (stock + 0.25)
        break
      }
      case 'awareness': {
        const stock = awareness[person]! * 0.5 ** (passed / 14)
        probability *= (1 + (2 * stock) / (stock + 1.5)) / 3
        break
      }
      case 'acquaintance':
        probability *= isKnown[person]!
        break
      case 'nothing':
        break
    }
    if (chances.luck[i]! >= probability) continue
    taken[i] = 1
    visits[person] = visits[person]! * 0.5 ** (passed / 7) + visitWeight(type)
    awareness[person] =
      awareness[person]! * 0.5 ** (passed / 14) + (type === 'impression' ? 1 : 0.3)
    lastDay[person] = day
    if (type !== 'impression') isKnown[person] = 1
  }
}
