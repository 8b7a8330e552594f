// How far each model's shares are from the truth of a world, and how often its intervals hold it.
import { attributeCausally } from '#analytics/attribution/causal/model.ts'
import { attributionModels } from '#analytics/attribution/models.ts'
import type { Attribution } from '#analytics/attribution/models.ts'
import { toJourneys } from '#eval/journey-worlds.ts'
import type { ScoredWorld, Truth } from '#eval/journey-worlds.ts'

export interface Score {
  model: string
  /** 1 − total variation over channels, and over channels and baseline. */
  accuracy: number
  accuracyWithBaseline: number
  /** Over campaigns; null for a model that was not asked. */
  campaigns: number | null
  /** Truths within 90 % intervals, of how many; null without intervals. */
  covered: { hits: number; of: number } | null
  /** Mean width of the intervals of shares of all revenue. */
  width: number | null
  cpuSeconds: number
}

/** Shares of all revenue: channels, then what comes without any. */
interface Shares {
  shares: Float64Array
  low: Float64Array | null
  high: Float64Array | null
  campaigns: Float64Array | null
}

const RULES = [
  'first',
  'last',
  'last_non_direct',
  'linear',
  'position',
  'w_shaped',
  'full_path',
  'time_decay',
]

/** Models of journeys by the name of their score: registry name and order. */
const PEERS: Record<string, { name: string; order: number }> = {
  ...Object.fromEntries(RULES.map((name) => [name, { name, order: 1 }])),
  'markov 1': { name: 'markov', order: 1 },
  'markov 2': { name: 'markov', order: 2 },
  'markov 3': { name: 'markov', order: 3 },
  shapley: { name: 'shapley', order: 1 },
}

export const RECOMMENDED = 'data-driven + holdouts'

/** Scores every model on a world. */
export async function scoreWorld(world: ScoredWorld, replicates: number): Promise<Score[]> {
  const scores = await scorePeers(world, replicates)
  for (const model of ['data-driven', RECOMMENDED]) {
    const before = process.cpuUsage()
    const answer = attributeCausally(world.data, { usesHoldouts: model === RECOMMENDED })
    const { shares, low, high, campaignShares: campaigns } = answer
    scores.push(scoreOf(model, { shares, low, high, campaigns }, world.truth, before))
  }
  return scores
}

/**
 * Scores rules, Markov and Shapley.
 *
 * @param replicates  of their bootstrap; 0 for no intervals of theirs.
 */
export async function scorePeers(world: ScoredWorld, replicates: number): Promise<Score[]> {
  const scores: Score[] = []
  const journeys = toJourneys(world.data)
  for (const [model, { name, order }] of Object.entries(PEERS)) {
    const before = process.cpuUsage()
    const answer = await attributionModels[name]!.run(journeys, {
      order,
      workers: 1,
      bootstrap: replicates > 1 ? { level: 0.9, replicates, seed: 1 } : null,
      seed: 1,
      halfLifeMs: 7 * 86_400_000,
      weights: { milestones: [0.4, 0.4], rest: 0.2 },
      directChannel: world.data.channels.indexOf('direct'),
    })
    scores.push(scoreOf(model, sharesOf(answer), world.truth, before))
  }
  return scores
}

function sharesOf({ credit, interval }: Attribution): Shares {
  const total = credit.value.reduce((sum, value) => sum + value, credit.baseline.value)
  const of = ({ value, baseline }: Attribution['credit']) =>
    Float64Array.from([...value, baseline.value], (part) => part / total)
  return {
    shares: of(credit),
    low: interval && of(interval.low),
    high: interval && of(interval.high),
    campaigns: null,
  }
}

function scoreOf(model: string, found: Shares, truth: Truth, since: NodeJS.CpuUsage): Score {
  const { user, system } = process.cpuUsage(since)
  const channels = truth.shares.length
  const whole = Float64Array.from([...truth.shares], (share) => share * (1 - truth.baseline))
  const wanted = Float64Array.from([...whole, truth.baseline])
  const within = normalise(found.shares.subarray(0, channels))
  const { low, high } = found
  return {
    model,
    accuracy: 1 - variation(within, truth.shares),
    accuracyWithBaseline: 1 - variation(found.shares, wanted),
    campaigns:
      found.campaigns && 1 - variation(normalise(found.campaigns), normalise(truth.campaignShares)),
    covered:
      low && high
        ? {
            hits: wanted.reduce(
              (n, share, c) => n + (share >= low[c]! - 1e-9 && share <= high[c]! + 1e-9 ? 1 : 0),
              0,
            ),
            of: wanted.length,
          }
        : null,
    width: low && high && high.reduce((sum, to, c) => sum + to - low[c]!, 0) / high.length,
    cpuSeconds: (user + system) / 1e6,
  }
}

/** The accuracy that realised conversions allow, channels with baseline; null when it is not known. */
export function ceilingOf({ oracle, shares, baseline }: Truth): number | null {
  if (oracle === null) return null
  const wanted = Float64Array.from([...Array.from(shares, (s) => s * (1 - baseline)), baseline])
  return 1 - variation(oracle, wanted)
}

function variation(a: ArrayLike<number>, b: Float64Array): number {
  return b.reduce((sum, value, i) => sum + Math.abs(value - a[i]!), 0) / 2
}

function normalise(values: Float64Array): Float64Array {
  const sum = values.reduce((total, value) => total + value, 0)
  return values.map((value) => (sum > 0 ? value / sum : 1 / values.length))
}
