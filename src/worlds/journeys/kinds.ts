import { seededRandom } from '#core/random.ts'
import type { Random } from '#core/random.ts'
import { drawChannels } from './channels.ts'
import type { ChannelChoice } from './channels.ts'
import type { ChannelSpec, JourneySpec } from './spec.ts'

/** A kind of world: what is peculiar about it, on top of the usual. */
interface WorldKind {
  note: string
  /** What differs in the choice of channels. */
  channels?: Partial<ChannelChoice>
  /** What differs in the world, once its channels are known. */
  world?: (random: Random, channels: ChannelSpec[]) => Partial<JourneySpec>
}

const at = (channels: readonly ChannelSpec[], key: string) =>
  channels.findIndex((channel) => channel.key === key)
const harvest = ['remarketing', 'own_name_search', 'direct']
const none = { lasting: 0, market: 0, marketShare: 0, effect: 0 }

/** Two different channels that may move somebody. */
function pairOf<A extends string, B extends string>(
  random: Random,
  channels: readonly ChannelSpec[],
  one: A,
  other: B,
): Record<A | B, number> {
  const moving = channels.flatMap(({ key }, c) => (key === 'direct' ? [] : [c]))
  const first = random.integer(moving.length)
  const second = (first + 1 + random.integer(moving.length - 1)) % moving.length
  return { [one]: moving[first]!, [other]: moving[second]! } as Record<A | B, number>
}

/** Every kind of world of journeys, by the name that the command takes. */
export const worldKinds = {
  even: {
    note: 'like channels, no confounding',
    channels: { confounding: 0, effectSpread: 0.15, rateSpread: 0.1, uselessShare: 0 },
    world: (_, channels) => {
      for (const channel of channels) Object.assign(channel, { dailyRate: 0.012, needs: 'nothing' })
      return { form: 'additive', intent: none, baselineShare: 0.35 }
    },
  },
  mixed: {
    note: 'unlike channels, mild confounding',
    channels: { confounding: 0.5 },
  },
  chased: {
    note: 'channels that follow intent, little true effect of theirs, random holdouts for them',
    channels: { always: harvest, confounding: 1, harvestEffect: 0.4, count: 9 },
    world: (_, channels) => ({
      baselineShare: 0.7,
      holdouts: [
        { channel: at(channels, 'remarketing'), share: 0.12 },
        { channel: at(channels, 'own_name_search'), share: 0.12 },
      ],
    }),
  },
  chased_blind: {
    note: 'channels that follow intent, little true effect of theirs, no experiment',
    channels: { always: harvest, confounding: 1, harvestEffect: 0.4, count: 9 },
    world: () => ({ baselineShare: 0.65 }),
  },
  groups: {
    note: 'buying groups of 1 to 6 people, many channels, few conversions',
    channels: { always: harvest, count: 16, rateSpread: 0.8, confounding: 0.8 },
    world: (_, channels) => {
      for (const channel of channels) channel.dailyRate *= 0.25
      return {
        units: 12_000,
        peopleWeights: [3, 3, 2, 2, 1, 1],
        expectedConversions: 1000,
        baselineShare: 0.6,
        revenue: { spread: 1.1, sizeSpread: 0.9 },
      }
    },
  },
  synergy: {
    note: 'pairs of channels that move more together than each alone',
    channels: { count: 8, confounding: 0.5 },
    world: (random, channels) => ({
      synergies: [0, 1, 2].map(() => ({
        ...pairOf(random, channels, 'first', 'second'),
        effect: 1.5,
      })),
    }),
  },
  saturated: {
    note: 'effects that fill up at the first touches and wear out',
    channels: { halfSaturation: [0.2, 0.6], fatigue: 0.15, rateSpread: 0.5 },
  },
  short_memory: {
    note: 'effects gone within days',
    channels: { memory: 0.3, confounding: 0.6 },
  },
  long_memory: {
    note: 'effects that last for months',
    channels: { memory: 3, confounding: 0.4 },
  },
  seasonal: {
    note: 'marketing and demand rise and fall together',
    channels: { confounding: 0.5 },
    world: () => ({ season: { touches: 0.6, hazard: 0.8 } }),
  },
  heavy_tail: {
    note: 'a few very large deals',
    channels: { confounding: 0.5 },
    world: () => ({ revenue: { spread: 1.6, sizeSpread: 1.1 } }),
  },
  many_channels: {
    note: '20 channels of very unlike size',
    channels: { count: 20, rateSpread: 0.9, always: harvest, uselessShare: 0.25 },
    world: (_, channels) => {
      for (const channel of channels) channel.dailyRate *= 0.6
      return { units: 20_000 }
    },
  },
  small: {
    note: 'a few hundred conversions',
    channels: { count: 6, confounding: 0.5 },
    world: () => ({ units: 8000, expectedConversions: 350 }),
  },
  direct_heavy: {
    note: 'half of all touches are direct visits',
    channels: { always: harvest, count: 8 },
    world: (_, channels) => {
      channels[at(channels, 'direct')]!.dailyRate = 0.09
      return { baselineShare: 0.65 }
    },
  },
  ordered: {
    note: 'touches that count more after certain others',
    channels: { count: 8, confounding: 0.5 },
    world: (random, channels) => ({
      orders: [0, 1, 2].map(() => ({
        ...pairOf(random, channels, 'before', 'after'),
        factor: 3,
      })),
    }),
  },
  in_market: {
    note: 'intent comes and goes: accounts are in the market for a month',
    channels: { always: harvest, count: 9, harvestEffect: 0.5 },
    world: () => ({
      intent: { lasting: 0.4, market: 1.6, marketShare: 0.3, effect: 0.9 },
      baselineShare: 0.6,
    }),
  },
  busy: {
    note: 'people who are everywhere and buy no more for it',
    channels: { confounding: 0.7, count: 9 },
    world: () => ({ activity: 0.9 }),
  },
  measured: {
    note: 'random holdouts for four channels',
    channels: { always: harvest, count: 9 },
    world: (_, channels) => ({
      baselineShare: 0.6,
      holdouts: channels
        .map(({ key }, channel) => ({ key, channel, share: 0.1 }))
        .filter(({ key }) => key !== 'direct')
        .slice(0, 4)
        .map(({ channel, share }) => ({ channel, share })),
    }),
  },
} as const satisfies Record<string, WorldKind>

export type JourneyKind = keyof typeof worldKinds
export const journeyKinds = Object.keys(worldKinds) as JourneyKind[]

/**
 * Draws the world of a kind: the same kind and seed give the same one. Shape, channels, effects, memory
 * and hazard differ from seed to seed as much as from kind to kind.
 *
 * @param scale  multiplies accounts and conversions; 1 unless given.
 */
export function drawSpec(kind: JourneyKind, seed: number, scale = 1): JourneySpec {
  const random = seededRandom(seed, 500 + journeyKinds.indexOf(kind))
  const peculiar: WorldKind = worldKinds[kind]
  const channels = drawChannels(random, {
    count: 6 + random.integer(5),
    confounding: 0.8,
    memory: 1,
    effectSpread: 0.7,
    rateSpread: 0.35,
    halfSaturation: [0.6, 2.5],
    uselessShare: 0.1,
    harvestEffect: 0.7,
    ...peculiar.channels,
  })
  const usual: JourneySpec = {
    kind,
    note: peculiar.note,
    seed,
    units: 20_000 + random.integer(25_000),
    days: random.pick([90, 120, 120, 150]),
    peopleWeights: [1],
    channels,
    form: random.pick(['additive', 'multiplicative', 'multiplicative', 'scaled']),
    intent: { lasting: 0.7 + 0.5 * random.uniform(), market: 0, marketShare: 0, effect: 1 },
    activity: 0.2,
    season: { touches: 0, hazard: 0 },
    segmentEffect: 0.25,
    expectedConversions: 1000 + random.integer(1800),
    baselineShare: 0.35 + 0.35 * random.uniform(),
    revenue: { spread: 0.6 + 0.3 * random.uniform(), sizeSpread: 0.6 },
    holdouts: [],
    synergies: [],
    orders: [],
    lagDays: random.pick([0, 0, 1]),
  }
  const spec = { ...usual, ...peculiar.world?.(random, channels) }
  return {
    ...spec,
    units: Math.round(spec.units * scale),
    expectedConversions: spec.expectedConversions * scale,
  }
}
