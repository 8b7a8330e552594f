import { DIRECT_WEEKLY_RATE } from './causes.ts'
import type { CampaignPlan } from './campaigns.ts'
import type { ChannelCause } from './causes.ts'
import type { Population } from './population.ts'
import { keyedUniform, poissonAt } from '#core/random.ts'

/** A way to reach people: a campaign, or the last one, coming directly, which belongs to none. */
export interface Source {
  channel: number
  weeklyRate: number
  everyWeeks: number
  firstWeek: number
}

/** What a simulation runs on; the same for the world as it is and for each world without a cause. */
export interface Scene {
  seed: number
  weeks: number
  population: Population
  channels: readonly ChannelCause[]
  sources: readonly Source[]
  /** Latent intent of each company in each week: `company · weeks + week`. */
  intent: Float32Array
  /** What intent does to rates: `(company · weeks + week) · 4 + pull`. */
  pulls: Float32Array
}

/**
 * The touches that each person would have if no deal ever ended them, a count for each
 * `(person · weeks + week) · sources + source`; and the cells in which one of them is a form.
 */
export interface Exposure {
  touches: Uint8Array
  forms: Uint8Array
  /** Per person, bit s is set when source s ever reached it; so there are at most 32 sources. */
  reachedBy: Uint32Array
}

/** Sets the scene: all that is the same whatever is switched off. O(companies · weeks). */
export function createScene(
  seed: number,
  weeks: number,
  population: Population,
  channels: readonly ChannelCause[],
  plans: readonly CampaignPlan[],
): Scene {
  const intent = drawIntent(population, weeks)
  const sources = sourcesOf(plans, channels)
  return { seed, weeks, population, channels, sources, intent, pulls: pullTable(intent) }
}

/** The campaigns as sources, direct visits after them. */
function sourcesOf(plans: readonly CampaignPlan[], channels: readonly ChannelCause[]): Source[] {
  const positionOf = (key: string) => channels.findIndex((channel) => channel.key === key)
  return [
    ...plans.map(({ channel, weeklyRate, everyWeeks, firstWeek }) => ({
      channel: positionOf(channel),
      weeklyRate,
      everyWeeks,
      firstWeek,
    })),
    { channel: positionOf('direct'), weeklyRate: DIRECT_WEEKLY_RATE, everyWeeks: 1, firstWeek: 0 },
  ]
}

export function isActive(source: Pick<Source, 'firstWeek' | 'everyWeeks'>, week: number): boolean {
  return week >= source.firstWeek && (week - source.firstWeek) % source.everyWeeks === 0
}

/** Intent: a lasting part, and 1.6 more while the company is in the market. */
function drawIntent({ companies, hidden }: Population, weeks: number): Float32Array {
  const intent = new Float32Array(companies.length * weeks)
  for (let company = 0; company < companies.length; company++) {
    for (let week = 0; week < weeks; week++) {
      const isInMarket =
        week >= hidden.marketFromWeek[company]! && week < hidden.marketToWeek[company]!
      intent[company * weeks + week] = hidden.lastingIntent[company]! + (isInMarket ? 1.6 : 0)
    }
  }
  return intent
}

/**
 * Lives through the weeks of each person and counts its touches.
 *
 * Retargeting needs a recent visit, e-mail needs a form with consent, brand search and direct visits
 * grow with awareness: so a channel that is off also takes away what it would have led to. Every
 * draw is keyed by its cell, so that a world without a cause shares all other luck with this one. What
 * happens in a week is caused by the weeks before it only.
 *
 * @param off  a flag a source: 1 when it is switched off.
 * @param known  the exposure with everything on. It saves most of the work: who was never reached by
 *   what is off lives the same life, and sources that need nothing are copied from it.
 * O(people · weeks · sources).
 */
export function simulateExposure(scene: Scene, off: Uint8Array, known?: Exposure): Exposure {
  const { weeks, population, sources } = scene
  const people = population.people.length
  const cells = people * weeks * sources.length
  const exposure: Exposure = {
    touches: known ? known.touches.slice() : new Uint8Array(cells),
    forms: known ? known.forms.slice() : new Uint8Array(cells),
    reachedBy: known ? known.reachedBy.slice() : new Uint32Array(people),
  }
  const offBits = off.reduce((bits, flag, s) => (flag === 1 ? bits | (1 << s) : bits), 0)
  const life: Life = { exposure, known, active: activeSources(scene, off) }
  for (let person = 0; person < people; person++) {
    if (known !== undefined && (known.reachedBy[person]! & offBits) === 0) continue
    const [from, to] = [person * weeks * sources.length, (person + 1) * weeks * sources.length]
    exposure.touches.fill(0, from, to)
    exposure.forms.fill(0, from, to)
    exposure.reachedBy[person] = simulatePerson(scene, person, life)
  }
  return exposure
}

/** What the lives of one simulation share. */
interface Life {
  exposure: Exposure
  known: Exposure | undefined
  /** Per week, the positions of the sources that are on. */
  active: number[][]
}

function activeSources({ weeks, sources }: Scene, off: Uint8Array): number[][] {
  const on = sources.map((_, s) => s).filter((s) => off[s] !== 1)
  return Array.from({ length: weeks }, (_, week) => on.filter((s) => isActive(sources[s]!, week)))
}

/** e^(pull · intent ⁄ 2) for the four pulls. */
function pullTable(intent: Float32Array): Float32Array {
  const table = new Float32Array(intent.length * 4)
  for (let i = 0; i < intent.length; i++) {
    const factor = Math.exp(intent[i]! / 2)
    for (let pull = 0, value = 1; pull < 4; pull++, value *= factor) table[i * 4 + pull] = value
  }
  return table
}

/** Fills the person's cells and returns the bits of the sources that reached it. */
function simulatePerson(scene: Scene, person: number, { exposure, known, active }: Life): number {
  const { seed, weeks, population, channels, sources, pulls } = scene
  const { activity, agrees } = population.hidden
  const firstPull = population.companyOfPerson[person]! * weeks * 4
  let reachedBy = 0
  let visits = 0
  let awareness = 0
  let hasConsent = false
  for (let week = 0; week < weeks; week++) {
    const row = (person * weeks + week) * sources.length
    const pull = firstPull + week * 4
    let weekVisits = 0
    let weekAwareness = 0
    let hasForm = false
    for (const s of active[week]!) {
      const source = sources[s]!
      const cause = channels[source.channel]!
      let count: number
      let isForm: boolean
      if (known !== undefined && cause.needs === 'nothing') {
        count = known.touches[row + s]!
        isForm = known.forms[row + s] === 1
      } else {
        const opening = openingOf(cause, visits, awareness, hasConsent)
        if (opening === 0) continue
        const rate =
          source.weeklyRate * opening * activity[person]! * pulls[pull + cause.intentPull]!
        count = poissonAt(keyedUniform(seed, person, week, s), rate)
        const formRate = cause.formProbability * count * pulls[pull + 1]!
        isForm = count > 0 && keyedUniform(seed, person, week, 1000 + s) < formRate
      }
      if (count === 0) continue
      exposure.touches[row + s] = count
      exposure.forms[row + s] = isForm ? 1 : 0
      reachedBy |= 1 << s
      if (cause.key === 'display' || cause.key === 'paid_social') weekAwareness += count
      if (cause.key !== 'display') weekVisits += count
      hasForm ||= isForm
    }
    visits = visits * 0.7 + weekVisits
    awareness = awareness * 0.85 + weekAwareness
    if (hasForm && agrees[person] === 1) hasConsent = true
  }
  return reachedBy
}

/** How open a person is to a channel by what happened to it before: the factor on the rate. */
function openingOf(
  { needs }: ChannelCause,
  visits: number,
  awareness: number,
  hasConsent: boolean,
): number {
  switch (needs) {
    case 'visit':
      return visits < 0.1 ? 0 : Math.min(1, visits)
    case 'consent':
      return hasConsent ? 1 : 0
    case 'awareness':
      return 1 + awareness / (awareness + 2)
    case 'nothing':
      break
  }
  return 1
}
