import { momentOf } from './calendar.ts'
import type { WeekPosition } from './calendar.ts'
import type { Exposure, Scene } from './exposure.ts'
import { ordinal } from './population.ts'
import { keyedUniform } from '#core/random.ts'

/** The stages of the one pipeline, in order; `won` and `lost` close a deal. */
export const dealStages = [
  'qualification',
  'discovery',
  'proposal',
  'negotiation',
  'won',
  'lost',
] as const
export type DealStage = (typeof dealStages)[number]

export interface StageEntry {
  stage: DealStage
  enteredAt: Date
  /** What the deal was thought to bring from then on, EUR minor units. */
  amountMinor: number
}

export interface WorldDeal {
  id: string
  name: string
  companyId: string
  /** People of the company who take part, the main contact first. */
  personIds: string[]
  ownerId: string
  status: 'open' | 'won' | 'lost'
  amountMinor: number
  currency: 'EUR'
  createdAt: Date
  /** Null while open. */
  closedAt: Date | null
  stages: StageEntry[]
}

/** A deal and where it stands in the simulation. */
export interface DealRun {
  deal: WorldDeal
  company: number
  openedIn: WeekPosition
  /** Infinity unless won: from then on the company has no more touches. */
  wonIn: WeekPosition
}

const WORKING_STAGES = 4
const MEAN_WEEKS = [1.2, 1.8, 2, 1.4]
/** In which stage a lost deal is lost, cumulative. */
const LOST_IN = [0.35, 0.65, 0.85, 1]

/**
 * Opens at most one deal a company, when its integrated hazard passes an exponential draw, and takes
 * it through the stages. Whether it is won, for how much and how fast depends on the company and its
 * luck, not on touches: those act on the opening alone.
 *
 * Luck is keyed by company: with a cause switched off, each deal opens at the same time, later or not
 * at all, and then has the same course.
 * O(companies · weeks).
 */
export function runDeals(
  scene: Scene,
  sums: Float64Array,
  scale: number,
  startAtMs: number,
  exposure: Exposure,
): DealRun[] {
  const runs: DealRun[] = []
  for (let company = 0; company < scene.population.companies.length; company++) {
    const openedIn = openingOf(scene, sums, scale, company)
    if (openedIn < scene.weeks) runs.push(runDeal(scene, company, openedIn, startAtMs, exposure))
  }
  runs.sort((a, b) => a.openedIn - b.openedIn || a.company - b.company)
  runs.forEach((run, i) => {
    run.deal.id = `deal-${ordinal(i)}`
  })
  return runs
}

/** When the scaled hazard passes the company's draw; Infinity when it does not. */
function openingOf(
  { seed, weeks }: Scene,
  sums: Float64Array,
  scale: number,
  company: number,
): WeekPosition {
  const passes = -Math.log1p(-keyedUniform(seed, company, 0, 9000)) / scale
  let before = 0
  for (let week = 0; week < weeks; week++) {
    const after = sums[company * weeks + week]!
    if (after > passes) return week + Math.min(0.999_999, (passes - before) / (after - before))
    before = after
  }
  return Infinity
}

function runDeal(
  scene: Scene,
  company: number,
  openedIn: WeekPosition,
  startAtMs: number,
  exposure: Exposure,
): DealRun {
  const { seed, weeks, population } = scene
  const luck = (key: number) => keyedUniform(seed, company, key, 9001)
  const { name, territory, id: companyId } = population.companies[company]!
  const finalMinor = population.hidden.amountMinor[company]!
  const isWon = luck(0) < population.hidden.winProbability[company]!
  const lastStage = isWon ? WORKING_STAGES - 1 : LOST_IN.findIndex((below) => luck(1) < below)
  const guessMinor = Math.max(
    10_000,
    Math.round((finalMinor * (0.7 + 0.7 * luck(2))) / 10_000) * 10_000,
  )
  const stages: StageEntry[] = []
  let position = openedIn
  for (let stage = 0; stage <= lastStage && position < weeks; stage++) {
    const amountMinor = stage < 2 ? guessMinor : finalMinor
    stages.push({
      stage: dealStages[stage]!,
      enteredAt: momentOf(startAtMs, position),
      amountMinor,
    })
    position += 0.05 - MEAN_WEEKS[stage]! * Math.log1p(-luck(10 + stage))
  }
  const isClosed = stages.length === lastStage + 1 && position < weeks
  const amountMinor = isClosed && isWon ? finalMinor : stages.at(-1)!.amountMinor
  const closedAt = isClosed ? momentOf(startAtMs, position) : null
  if (closedAt) stages.push({ stage: isWon ? 'won' : 'lost', enteredAt: closedAt, amountMinor })
  const owners = population.owners.filter((owner) => owner.territory === territory)
  return {
    company,
    openedIn,
    wonIn: isClosed && isWon ? position : Infinity,
    deal: {
      id: '',
      name: `${name}: ${openedIn < weeks / 2 ? 'first' : 'new'} subscription`,
      companyId,
      personIds: contactsOf(scene, company, openedIn, exposure),
      ownerId: owners[company % owners.length]!.id,
      status: isClosed ? (isWon ? 'won' : 'lost') : 'open',
      amountMinor,
      currency: 'EUR',
      createdAt: stages[0]!.enteredAt,
      closedAt,
      stages,
    },
  }
}

/** Who had a touch in the weeks before the opening, the busiest first; with nobody, the first of the company. */
function contactsOf(
  { weeks, population, sources }: Scene,
  company: number,
  openedIn: WeekPosition,
  exposure: Exposure,
): string[] {
  const { firstPerson } = population
  const counts: { id: string; count: number }[] = []
  for (let person = firstPerson[company]!; person < firstPerson[company + 1]!; person++) {
    const from = person * weeks * sources.length
    const to = from + Math.floor(openedIn) * sources.length
    const count = exposure.touches.subarray(from, to).reduce((sum, touches) => sum + touches, 0)
    counts.push({ id: population.people[person]!.id, count })
  }
  const busy = counts.filter(({ count }) => count > 0).sort((a, b) => b.count - a.count)
  return (busy.length > 0 ? busy : counts.slice(0, 1)).map(({ id }) => id)
}
