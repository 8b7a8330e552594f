/** What a channel needs before it can reach somebody. */
export type Need = 'nothing' | 'visit' | 'awareness' | 'acquaintance'

/** How a channel reaches people and what it truly does. Rates and effects are the simulator's secret. */
export interface ChannelSpec {
  key: string
  /** The word in the type column of a touch. */
  type: 'click' | 'visit' | 'impression' | 'attend' | 'reply'
  costMinor: number
  /** Touches a person and day at intent 0, before any need is met. */
  dailyRate: number
  /** The rate grows with e^(pull · intent): above 0 the channel follows intent. */
  pull: number
  needs: Need
  /** Log hazard (or hazard ratio) at full saturation; 0 for a channel that does nothing. */
  effect: number
  halfLifeDays: number
  /** Adstock at which half the effect is reached; Infinity never occurs. */
  halfSaturation: number
  /** The effect falls with e^(−fatigue · adstock). */
  fatigue: number
  /** Share of the touches and strength of each campaign; shares sum to 1. */
  campaigns: { share: number; strength: number }[]
}

/** How effects enter the hazard: beside the base, as a factor on it, or as a factor that adds up. */
export type HazardForm = 'additive' | 'multiplicative' | 'scaled'

/** Everything that a world of journeys is simulated from. */
export interface JourneySpec {
  kind: string
  note: string
  seed: number
  units: number
  days: number
  /** Weight of 1, 2, … people an account. */
  peopleWeights: number[]
  channels: ChannelSpec[]
  form: HazardForm
  /** Intent: standard deviation of its lasting part, size and share of a 30-day time in the market, effect on the log hazard. */
  intent: { lasting: number; market: number; marketShare: number; effect: number }
  /** Standard deviation of the log of how much each person is about, which moves touches and not conversions. */
  activity: number
  /** Size of the yearly wave in the log of touch rates and of the hazard. */
  season: { touches: number; hazard: number }
  /** Effect of size, industry and region on the log hazard, as a standard deviation. */
  segmentEffect: number
  expectedConversions: number
  /** Share of revenue that comes without any marketing; effects are scaled to reach it. */
  baselineShare: number
  /** Log standard deviation of revenue within a company size, and how far sizes lie apart. */
  revenue: { spread: number; sizeSpread: number }
  /** Share of people that each channel, by its position, leaves out at random. */
  holdouts: { channel: number; share: number }[]
  /** Two channels that move more together: added to the effect times both saturations. */
  synergies: { first: number; second: number; effect: number }[]
  /** A touch of `after` within 30 days of one of `before` counts `factor` times. */
  orders: { before: number; after: number; factor: number }[]
  /** 0: a touch acts on the day itself, and conversions come late at night; 1: from the day after. */
  lagDays: 0 | 1
}
