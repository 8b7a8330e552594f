import type { Random } from '#core/random.ts'
import type { ChannelSpec, Need } from './spec.ts'

interface ChannelKind {
  key: string
  type: ChannelSpec['type']
  costMinor: number
  dailyRate: number
  /** Range of the pull of intent. */
  pull: [number, number]
  needs: Need
  halfLifeDays: [number, number]
}

/** Channels as they are in business: where the touch comes from, how it is priced, whom it reaches. */
const POOL: readonly ChannelKind[] = [
  kind('social_ads', 'click', 210, 0.018, [0, 0.3], 'nothing', [4, 16]),
  kind('banner', 'impression', 20, 0.025, [0, 0.2], 'nothing', [2, 10]),
  kind('generic_search', 'click', 690, 0.012, [0.3, 0.8], 'nothing', [3, 14]),
  kind('newsletter', 'click', 5, 0.02, [0.1, 0.5], 'acquaintance', [2, 8]),
  kind('trade_show', 'attend', 9500, 0.003, [0, 0.4], 'nothing', [12, 40]),
  kind('web_seminar', 'attend', 2400, 0.005, [0.2, 0.6], 'nothing', [8, 25]),
  kind('remarketing', 'impression', 95, 0.05, [0.5, 1.1], 'visit', [2, 9]),
  kind('own_name_search', 'click', 230, 0.012, [0.6, 1.2], 'awareness', [3, 12]),
  kind('direct', 'visit', 0, 0.015, [0.5, 1.1], 'awareness', [3, 12]),
  kind('organic', 'visit', 0, 0.015, [0.3, 0.8], 'nothing', [3, 14]),
  kind('referral_site', 'visit', 0, 0.005, [0.1, 0.6], 'nothing', [5, 20]),
  kind('outbound', 'reply', 1800, 0.005, [0, 0.5], 'nothing', [6, 25]),
  kind('reseller', 'click', 900, 0.004, [0.1, 0.6], 'nothing', [8, 30]),
  kind('audio', 'impression', 150, 0.006, [0, 0.3], 'nothing', [5, 25]),
  kind('video_ads', 'impression', 60, 0.015, [0, 0.3], 'nothing', [4, 18]),
  kind('comparison_site', 'click', 1200, 0.004, [0.5, 1.1], 'nothing', [3, 14]),
  kind('affiliates', 'click', 700, 0.005, [0.2, 0.7], 'nothing', [3, 12]),
  kind('postal', 'impression', 300, 0.004, [0, 0.3], 'nothing', [8, 30]),
  kind('user_group', 'visit', 0, 0.004, [0.2, 0.7], 'nothing', [8, 30]),
  kind('print', 'impression', 120, 0.006, [0, 0.2], 'nothing', [6, 25]),
  kind('whitepaper', 'click', 1500, 0.004, [0.2, 0.7], 'nothing', [8, 25]),
  kind('chat', 'reply', 400, 0.004, [0.5, 1.0], 'visit', [2, 8]),
  kind('sponsoring', 'impression', 250, 0.005, [0, 0.3], 'nothing', [8, 30]),
  kind('sms', 'click', 9, 0.008, [0.1, 0.5], 'acquaintance', [1, 6]),
]

function kind(
  key: string,
  type: ChannelSpec['type'],
  costMinor: number,
  dailyRate: number,
  pull: [number, number],
  needs: Need,
  halfLifeDays: [number, number],
): ChannelKind {
  return { key, type, costMinor, dailyRate, pull, needs, halfLifeDays }
}

export interface ChannelChoice {
  /** How many channels, up to 24; with fewer, those that must be there come first. */
  count: number
  /** Keys that must be there. */
  always?: readonly string[]
  /** Multiplies every pull: 0 is a world without confounding. */
  confounding: number
  /** Multiplies memory. */
  memory: number
  /** Log standard deviation of true effects between channels. */
  effectSpread: number
  /** Log standard deviation of rates around the usual ones. */
  rateSpread: number
  halfSaturation: [number, number]
  fatigue?: number
  /** Share of channels that truly do nothing. */
  uselessShare: number
  /** Multiplies the effects of channels that follow intent most. */
  harvestEffect: number
}

/** Draws the channels of a world. Coming directly never has an effect of its own. */
export function drawChannels(random: Random, choice: ChannelChoice): ChannelSpec[] {
  const always = POOL.filter(({ key }) => choice.always?.includes(key))
  const others = shuffle(
    random,
    POOL.filter(({ key }) => !choice.always?.includes(key)),
  )
  return [...always, ...others].slice(0, choice.count).map((drawn) => {
    const { key, type, costMinor, needs } = drawn
    const between = ([low, high]: [number, number]) => low + (high - low) * random.uniform()
    const rate = drawn.dailyRate * Math.exp(choice.rateSpread * random.normal())
    const pull = between(drawn.pull)
    const isUseless = random.uniform() < choice.uselessShare || key === 'direct'
    const effect = Math.exp(choice.effectSpread * random.normal())
    const weights = Array.from({ length: 3 }, () => 0.3 + random.uniform())
    const whole = weights.reduce((sum, weight) => sum + weight, 0)
    return {
      key,
      type,
      costMinor,
      needs,
      dailyRate: Math.min(0.12, rate),
      pull: pull * choice.confounding,
      effect: isUseless ? 0 : effect * (pull > 0.75 ? choice.harvestEffect : 1),
      halfLifeDays: between(drawn.halfLifeDays) * choice.memory,
      halfSaturation: between(choice.halfSaturation),
      fatigue: choice.fatigue ?? 0,
      campaigns: weights.map((weight) => ({
        share: weight / whole,
        strength: Math.exp(0.5 * random.normal()),
      })),
    }
  })
}

function shuffle<T>(random: Random, items: readonly T[]): T[] {
  const shuffled = [...items]
  for (let i = shuffled.length - 1; i > 0; i--) {
    const j = random.integer(i + 1)
    ;[shuffled[i], shuffled[j]] = [shuffled[j]!, shuffled[i]!]
  }
  return shuffled
}
