import { accuracySpread, accuracyTable } from './accuracy-table.ts'
import type { AccountJourneys } from './causal/data.ts'
import { isNotMarketing } from './causal/model.ts'

/** What can be seen of data without fitting anything. */
export interface DataProfile {
  touches: number
  conversions: number
  channels: number
  /** Mean number of people an account. */
  contactsPerAccount: number
  /** Channels with a random holdout. */
  holdouts: number
  /** Share of touches that come without marketing, such as direct visits. */
  directShare: number
}

export interface ModelExpectation {
  model: string
  /** Expected A_base, and where nine in ten such data lie: 1 − total variation from the causal truth, baseline included. */
  expected: number
  low: number
  high: number
  /** What it is known to get wrong. */
  wrongAbout: string
}

export interface Expectation {
  /** Every model that these data allow, the one to use first. */
  models: ModelExpectation[]
  /** Kinds of world that data like these could come from. */
  kinds: string[]
  reason: string
}

export interface ModelCard {
  /** [A, A_base] by size of data, `small` (some 350 conversions) and `usual` (some 1,000), and kind of world. */
  measured: Record<string, Record<string, [number, number]>>
  wrongAbout: string
}

const wrongAbout: Record<string, string> = {
  first:
    'gives all revenue to touches, and to whoever came first: what would have come anyway counts as marketing.',
  last: 'gives all revenue to touches, most to channels that meet those about to buy (retargeting, brand search).',
  last_non_direct: 'as last, with direct visits passed over.',
  linear:
    'gives all revenue to touches in proportion to their number, whether they move anything or not.',
  position: 'as linear, with weights by place that no data speak for.',
  w_shaped: 'as linear, with weights by place that no data speak for.',
  full_path: 'as linear, with weights by place that no data speak for.',
  time_decay: 'as last, less strictly: favours what stands close to the purchase.',
  'markov 1':
    'gives all revenue to touches; removing a state is not removing a cause when intent makes the touch.',
  'markov 2': 'as of order 1, with more states and more noise.',
  'markov 3': 'as of order 1, with more states and more noise.',
  shapley: 'gives all revenue to touches; the same to each channel of a journey.',
  'data-driven':
    'credits intent that touches do not show to the channels that follow it; effects beyond some weeks pass for baseline; touches that lead to other touches are credited only for what they do themselves; pairs that work only together are shared out evenly.',
  'data-driven + holdouts':
    'as data-driven, less wrong about the channels that have a holdout; it says no more about the others.',
}

/** What each model was measured to reach on simulated worlds, and what it is known to get wrong. */
export const accuracyCard: { kinds: readonly string[]; models: Record<string, ModelCard> } = {
  kinds: Object.keys(accuracyTable['usual'] ?? {}),
  models: Object.fromEntries(
    Object.entries(wrongAbout).map(([model, words]) => [
      model,
      {
        measured: Object.fromEntries(
          Object.entries(accuracyTable).map(([size, kinds]) => [
            size,
            Object.fromEntries(
              Object.entries(kinds).flatMap(([kind, models]) =>
                models[model] ? [[kind, models[model]]] : [],
              ),
            ),
          ]),
        ),
        wrongAbout: words,
      },
    ]),
  ),
}

/** Conversions of the two sizes on the card. */
const SMALL = 350
const USUAL = 1100
/** Deviations to each side within which nine in ten worlds lie. */
const NINE_IN_TEN = 1.645
/** Kinds that show in a profile; data without their mark are not of them. */
const WITH_HOLDOUTS = ['chased', 'measured']
const OF_GROUPS = ['groups']
const OF_DIRECT = ['direct_heavy']
const OF_MANY = ['many_channels']

export function profileOf(data: AccountJourneys): DataProfile {
  let direct = 0
  const isDirect = data.channels.map((name) => isNotMarketing(name))
  for (const channel of data.touchChannel) if (isDirect[channel] === true) direct += 1
  return {
    touches: data.touchMs.length,
    conversions: data.conversionMs.length,
    channels: data.channels.length,
    contactsPerAccount: data.heldOut.length / Math.max(1, data.firstSeenMs.length),
    holdouts: new Set(data.heldOut.filter((channel) => channel >= 0)).size,
    directShare: direct / Math.max(1, data.touchMs.length),
  }
}

/**
 * How close each model is expected to come to the causal truth on data like these.
 *
 * What the profile shows decides which kinds of world it could be; all others, which it cannot show (memory,
 * saturation, interactions, confounding), are averaged. Between the two sizes of data it goes by the logarithm
 * of conversions.
 * O(kinds · models).
 */
export function expectAccuracy(profile: DataProfile): Expectation {
  const kinds = kindsLike(profile)
  const place = Math.log(Math.max(1, profile.conversions) / SMALL) / Math.log(USUAL / SMALL)
  const share = Math.max(0, Math.min(1.2, place))
  const others = accuracyCard.kinds
  const expectedOf = (model: string): number => {
    const meanOf = (size: string, of: readonly string[]) =>
      of.reduce((sum, kind) => sum + (accuracyTable[size]?.[kind]?.[model]?.[1] ?? 0), 0) /
      of.length
    // A kind was tried a few times only: half of what is expected comes from all kinds.
    const at = (size: string) => (meanOf(size, kinds) + meanOf(size, others)) / 2
    return at('small') + share * (at('usual') - at('small'))
  }
  // Fewer conversions than were tried: the spread grows as that of an estimate does.
  const spread = accuracySpread * Math.sqrt(Math.max(1, SMALL / Math.max(10, profile.conversions)))
  const models = Object.entries(wrongAbout)
    .filter(([model]) => profile.holdouts > 0 || model !== 'data-driven + holdouts')
    .map(([model, words]) => {
      const expected = expectedOf(model)
      return {
        model,
        expected,
        low: Math.max(0, expected - NINE_IN_TEN * spread),
        high: Math.min(1, expected + NINE_IN_TEN * spread),
        wrongAbout: words,
      }
    })
    .sort((a, b) => b.expected - a.expected)
  return { models, kinds, reason: reasonOf(profile) }
}

function kindsLike(profile: DataProfile): string[] {
  const all = accuracyCard.kinds
  const within = (marked: readonly string[]) => all.filter((kind) => marked.includes(kind))
  if (profile.contactsPerAccount > 1.3) return within(OF_GROUPS)
  if (profile.holdouts > 0) return within(WITH_HOLDOUTS)
  if (profile.directShare > 0.4) return within(OF_DIRECT)
  if (profile.channels > 14) return within(OF_MANY)
  const marked = [...WITH_HOLDOUTS, ...OF_GROUPS, ...OF_DIRECT, ...OF_MANY]
  return all.filter((kind) => !marked.includes(kind))
}

function reasonOf({ conversions, holdouts, channels }: DataProfile): string {
  if (conversions < 100)
    return `With ${conversions} conversions no model tells ${channels} channels apart; read the intervals, and run an experiment.`
  return holdouts > 0
    ? 'Random holdouts measure what the model can only infer.'
    : 'It alone says what would have come anyway; a holdout for the channels that follow intent would make it surer.'
}
