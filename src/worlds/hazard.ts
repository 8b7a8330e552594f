import { INTENT_EFFECT } from './causes.ts'
import type { Exposure, Scene } from './exposure.ts'

/**
 * The integrated hazard of a deal of each company, up to the end of each week and before any scale:
 * `company · weeks + week`, not falling within a company.
 *
 * The hazard of a week is e^(1.2 · intent + fit) · (1 + Σ effect · adstock ⁄ (adstock + half
 * saturation)). Adstocks count the touches of all people of the company in the weeks before and halve
 * with their half-life. Channels add to each other and multiply with intent: who wants to buy is
 * moved more.
 *
 * @param known  a result for another exposure of the same scene with everything on: a company whose
 *   people were all reached by the same sources in both lived the same life, and is copied.
 * @returns a new array. O(people · weeks · sources).
 */
export function integrateHazard(
  { weeks, population, channels, sources, intent }: Scene,
  exposure: Exposure,
  known?: { exposure: Exposure; sums: Float64Array },
): Float64Array {
  const companies = population.companies.length
  const { firstPerson } = population
  const sums = new Float64Array(companies * weeks)
  const keeps = channels.map((channel) => 0.5 ** (1 / channel.halfLifeWeeks))
  const isKnown = (company: number) => {
    for (let person = firstPerson[company]!; person < firstPerson[company + 1]!; person++) {
      if (known?.exposure.reachedBy[person] !== exposure.reachedBy[person]) return false
    }
    return known !== undefined
  }
  const adstock = new Float64Array(channels.length)
  for (let company = 0; company < companies; company++) {
    if (known !== undefined && isKnown(company)) {
      sums.set(known.sums.subarray(company * weeks, (company + 1) * weeks), company * weeks)
      continue
    }
    adstock.fill(0)
    const fit = population.hidden.fit[company]!
    let sum = 0
    for (let week = 0; week < weeks; week++) {
      let boost = 1
      for (let c = 0; c < channels.length; c++) {
        const stock = adstock[c]!
        if (stock > 0)
          boost += (channels[c]!.effect * stock) / (stock + channels[c]!.halfSaturation)
        adstock[c]! *= keeps[c]!
      }
      const cell = company * weeks + week
      sum += Math.exp(INTENT_EFFECT * intent[cell]! + fit) * boost
      sums[cell] = sum
      for (let person = firstPerson[company]!; person < firstPerson[company + 1]!; person++) {
        const row = (person * weeks + week) * sources.length
        for (let s = 0; s < sources.length; s++) {
          const count = exposure.touches[row + s]!
          if (count > 0) adstock[sources[s]!.channel]! += count
        }
      }
    }
  }
  return sums
}

/**
 * Expected won deals and revenue of all companies: Σ (1 − e^(−scale · hazard)) · chance to win, times
 * amount. Over the luck of when deals open and whether they are won; touches as simulated.
 */
export function expectWon(
  scene: Scene,
  sums: Float64Array,
  scale: number,
): { deals: number; revenueMinor: number } {
  const { winProbability, amountMinor } = scene.population.hidden
  let deals = 0
  let revenueMinor = 0
  for (let company = 0; company < winProbability.length; company++) {
    const hazard = sums[(company + 1) * scene.weeks - 1]!
    const won = -Math.expm1(-scale * hazard) * winProbability[company]!
    deals += won
    revenueMinor += won * amountMinor[company]!
  }
  return { deals, revenueMinor }
}

/**
 * The scale of the hazard at which `targetDeals` won deals are expected, by bisection of its
 * logarithm; at most 80 % of what would be won if every company opened a deal.
 */
export function calibrateScale(scene: Scene, sums: Float64Array, targetDeals: number): number {
  const ceiling = scene.population.hidden.winProbability.reduce((sum, chance) => sum + chance, 0)
  const target = Math.min(targetDeals, 0.8 * ceiling)
  let low = -40
  let high = 10
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2
    if (expectWon(scene, sums, Math.exp(middle)).deals < target) low = middle
    else high = middle
  }
  return Math.exp((low + high) / 2)
}
