import { DAY_MS } from '#core/time.ts'
import { campaignPlans } from './campaigns.ts'
import type { CampaignPlan } from './campaigns.ts'
import { channelCauses } from './causes.ts'
import type { ChannelKey } from './causes.ts'
import { runDeals } from './deals.ts'
import type { WorldDeal } from './deals.ts'
import { createScene, isActive, simulateExposure } from './exposure.ts'
import { calibrateScale, integrateHazard } from './hazard.ts'
import { territories } from './names.ts'
import type { TerritoryKey } from './names.ts'
import { createPopulation } from './population.ts'
import type { WorldCompany, WorldOwner, WorldPerson } from './population.ts'
import { seededRandom } from '#core/random.ts'
import { recordTouches } from './touches.ts'
import type { WorldLead, WorldTouch } from './touches.ts'
import { measureTruth } from './truth.ts'
import type { WorldTruth } from './truth.ts'

export interface WorldOptions {
  /** A whole number, of which 32 bits count; the same options give the same world. */
  seed: number
  weeks: number
  people: number
  /** When the first week begins; a Monday, 00:00 UTC, puts everything into office hours. */
  startAt: Date
  /** Expected won deals; unless given, 8.5 for each 100 people and year. */
  wonDeals?: number
  /** Other true effects than the usual ones: 0 makes a channel useless. */
  effects?: Partial<Record<ChannelKey, number>>
  /** Channels switched off: the same company under the same luck without them, for experiments. */
  without?: readonly ChannelKey[]
}

export interface WorldCampaign {
  key: string
  name: string
  channel: ChannelKey
  utmSource: string
  utmMedium: string
  startsAt: Date
  budgetMinor: number
  currency: 'EUR'
  /** Each week with spend, oldest first. */
  spend: { weekStartAt: Date; spendMinor: number }[]
}

export interface World {
  startAt: Date
  endAt: Date
  channels: { key: ChannelKey; label: string; isHarvest: boolean }[]
  campaigns: WorldCampaign[]
  companies: WorldCompany[]
  people: WorldPerson[]
  territories: { key: TerritoryKey; label: string }[]
  owners: WorldOwner[]
  /** In order of time. */
  touches: WorldTouch[]
  /** In order of capture. */
  leads: WorldLead[]
  /** In order of opening; a company has one at most. */
  deals: WorldDeal[]
  truth: WorldTruth
}

/**
 * A B2B company whose causes are known: who was reached, what they did, which deals opened and why.
 *
 * Each company has a latent intent, which nobody sees. It draws people to brand search, retargeting
 * and direct visits, and it makes deals; so these channels stand in most journeys and move few. Paid
 * social and events reach people whatever their intent and move more than their counts suggest. Rule
 * models are thus wrong here in the way they are wrong outside, and `truth` says by how much.
 *
 * With `without`, the truth is still that of the company with everything on.
 *
 * @throws RangeError when weeks or people are not whole and positive.
 * @see own method; hazards with saturating adstock as in Ji & Wang, "Additional multi-touch attribution
 *   for online advertising", AAAI 2017; common random numbers as in Glasserman & Yao, Management
 *   Science 38 (1992).
 * O(people · weeks · sources · (channels + campaigns)): some 0.5 s for 2,000 people and a year.
 */
export function simulateWorld(options: WorldOptions): World {
  const { seed, weeks, people, startAt } = options
  if (!(Number.isInteger(weeks) && weeks > 0 && Number.isInteger(people) && people > 0)) {
    throw new RangeError(`A world has whole weeks and people above 0, not ${weeks} and ${people}.`)
  }
  const population = createPopulation(seed, people, weeks)
  const channels = channelCauses.map((cause) => ({
    ...cause,
    effect: options.effects?.[cause.key] ?? cause.effect,
  }))
  const scene = createScene(seed, weeks, population, channels, campaignPlans)

  const everything = simulateExposure(scene, new Uint8Array(scene.sources.length))
  const sums = integrateHazard(scene, everything)
  const scale = calibrateScale(scene, sums, options.wonDeals ?? (people * 8.5 * weeks) / 5200)
  const truth = measureTruth(scene, campaignPlans, everything, sums, scale)

  const off = Uint8Array.from(scene.sources, ({ channel }) =>
    options.without?.includes(channels[channel]!.key) ? 1 : 0,
  )
  const exposure = off.includes(1) ? simulateExposure(scene, off, everything) : everything
  const livedSums = off.includes(1)
    ? integrateHazard(scene, exposure, { exposure: everything, sums })
    : sums
  const runs = runDeals(scene, livedSums, scale, startAt.getTime(), exposure)
  return {
    startAt,
    endAt: new Date(startAt.getTime() + weeks * 7 * DAY_MS),
    channels: channels.map(({ key, label, isHarvest }) => ({ key, label, isHarvest })),
    campaigns: campaignPlans.map((plan, i) => planCampaign(plan, i, options)),
    companies: population.companies,
    people: population.people,
    territories: territories.map(({ key, label }) => ({ key, label })),
    owners: population.owners,
    ...recordTouches(scene, campaignPlans, exposure, runs, startAt.getTime()),
    deals: runs.map(({ deal }) => deal),
    truth,
  }
}

/** What the campaign was planned to cost and what it cost: the plan, give or take some 15 % a week. */
function planCampaign(
  plan: CampaignPlan,
  index: number,
  { seed, weeks, people, startAt, without }: WorldOptions,
): WorldCampaign {
  const random = seededRandom(seed, 100 + index)
  const weekAt = (week: number) => new Date(startAt.getTime() + week * 7 * DAY_MS)
  const plannedMinor = plan.costPerTouchMinor * plan.weeklyRate * people
  const activeWeeks = Array.from({ length: weeks }, (_, week) => week).filter((week) =>
    isActive(plan, week),
  )
  const isOff = without?.includes(plan.channel) === true
  return {
    key: plan.key,
    name: plan.name,
    channel: plan.channel,
    utmSource: plan.utmSource,
    utmMedium: plan.utmMedium,
    startsAt: weekAt(plan.firstWeek),
    budgetMinor: Math.ceil((plannedMinor * activeWeeks.length * 1.05) / 100_000) * 100_000,
    currency: 'EUR',
    spend: (isOff ? [] : activeWeeks).map((week) => ({
      weekStartAt: weekAt(week),
      spendMinor: Math.round(plannedMinor * Math.exp(0.15 * random.normal())),
    })),
  }
}
