// Whether experiments in the order of their value of information cut the regret of a budget faster than in any order:
// `npm run eval -- experiments [-- --worlds 42] [--seed N] [--draws 40] [--scale 0.3] [--audience 10]`.
// Each world is simulated, the model is fitted to what can be seen, and the truth is read to answer a test and to score.
import { parseArgs } from 'node:util'
import { attributeCausally, isNotMarketing } from '#analytics/attribution/causal/model.ts'
import { regretOf, type Arm } from '#analytics/experiments/allocation.ts'
import {
  liftVariance,
  update,
  valueOfInformation,
  type Belief,
} from '#analytics/experiments/proposal.ts'
import { figure, report } from '#bench/figures.ts'
import { seededRandom, type Random } from '#core/random.ts'
import { drawSpec, worldKinds, type JourneyKind } from '#worlds/journeys/kinds.ts'
import { simulateJourneys } from '#worlds/journeys/world.ts'

const { values } = parseArgs({
  args: process.argv.slice(2).filter((arg) => arg !== '--'),
  options: {
    worlds: { type: 'string', default: '42' },
    seed: { type: 'string', default: '7001' },
    draws: { type: 'string', default: '40' },
    scale: { type: 'string', default: '0.3' },
    audience: { type: 'string', default: '10' },
  },
})

const RESPONSE = { exponent: 0.5, moveLimit: 0.5 }
const DESIGN = { holdoutShare: 0.2, weeks: 12 }
const PERMUTATIONS = 40
const NINETY = 2 * 1.6448536269514722

interface World {
  name: string
  beliefs: Belief[]
  truth: Arm[]
  /** What a test of each channel would be answered, by its mean and variance. */
  lifts: { lift: number; variance: number }[]
  /** Of the measurement, as far as whoever proposes can know. */
  variances: number[]
}

/** A world with budgets that someone set without knowing what works. */
function makeWorld(kind: JourneyKind, seed: number): World {
  const { columns, truth } = simulateJourneys(drawSpec(kind, seed, Number(values.scale)))
  const random = seededRandom(seed, 41)
  const answer = attributeCausally(columns, { replicates: 20, seed })
  const tried = columns.channels.flatMap((name, c) => (isNotMarketing(name) ? [] : [c]))
  const beliefs = tried.map((c) => ({
    channel: columns.channels[c]!,
    weeklySpendMinor: Math.round(100_000 * Math.exp(0.8 * random.normal())),
    effect: answer.shares[c]!,
    deviation: (answer.high[c]! - answer.low[c]!) / NINETY,
  }))
  const people = columns.heldOut.length
  const audience = {
    // A small world stands for a company of so many times its people at scale 1: tests of a few hundred conversions tell nothing.
    weeklyPeople: ((people / Number(values.scale)) * Number(values.audience)) / 26,
    conversionRate: columns.conversionMs.length / people,
    weeklyRevenueMinor: 1,
  }
  const lifts = tried.map((c) => truth.removedConversions[c]! / truth.expectedConversions)
  return {
    name: `${kind}_${seed}`,
    beliefs,
    truth: tried.map((c, i) => ({
      spend: beliefs[i]!.weeklySpendMinor,
      effect: truth.removedMinor[c]! / truth.expectedRevenueMinor,
    })),
    lifts: lifts.map((lift) => ({ lift, variance: liftVariance(DESIGN, audience, lift).variance })),
    variances: beliefs.map(({ effect }) => liftVariance(DESIGN, audience, effect).variance),
  }
}

/** Regret before any test and after each, as a part of revenue. */
function follow(
  world: World,
  measured: readonly number[],
  next: (beliefs: readonly Belief[], left: readonly number[]) => number,
): number[] {
  const beliefs = world.beliefs.map((belief) => ({ ...belief }))
  const arms = () =>
    beliefs.map(({ weeklySpendMinor, effect }) => ({ spend: weeklySpendMinor, effect }))
  const curve = [regretOf(world.truth, arms(), RESPONSE)]
  let left = beliefs.map((_, i) => i)
  while (left.length > 0) {
    const chosen = next(beliefs, left)
    const result = { lift: measured[chosen]!, variance: world.variances[chosen]! }
    Object.assign(beliefs[chosen]!, update(beliefs[chosen]!, result))
    left = left.filter((i) => i !== chosen)
    curve.push(regretOf(world.truth, arms(), RESPONSE))
  }
  return curve
}

/** What a sequence is judged by: the mean regret while tests go on, which is lower the faster it falls. */
const whileTesting = (curve: readonly number[]) => mean(curve.slice(1, -1))
const mean = (numbers: readonly number[]) => numbers.reduce((sum, x) => sum + x, 0) / numbers.length

function shuffled(random: Random, count: number): number[] {
  const order = Array.from({ length: count }, (_, i) => i)
  for (let i = count - 1; i > 0; i--) {
    const j = random.integer(i + 1)
    ;[order[i], order[j]] = [order[j]!, order[i]!]
  }
  return order
}

interface Outcome {
  before: number
  proposed: number
  random: number
  after: number
}

/** Both orders are given the same results of the same tests. */
function compare(world: World, seed: number): Outcome {
  const random = seededRandom(seed, 42)
  const outcomes: Outcome[] = []
  for (let draw = 0; draw < Number(values.draws); draw++) {
    const measured = world.lifts.map(
      ({ lift, variance }) => lift + Math.sqrt(variance) * random.normal(),
    )
    const proposed = follow(world, measured, (beliefs, left) => {
      const worth = left.map((i) => valueOfInformation(beliefs, i, world.variances[i]!, RESPONSE))
      return left[worth.indexOf(Math.max(...worth))]!
    })
    const others = Array.from({ length: PERMUTATIONS }, () => {
      const order = shuffled(random, world.beliefs.length)
      return whileTesting(
        follow(world, measured, (_, left) => order.find((i) => left.includes(i))!),
      )
    })
    outcomes.push({
      before: proposed[0]!,
      proposed: whileTesting(proposed),
      random: mean(others),
      after: proposed.at(-1)!,
    })
  }
  const of = (pick: (outcome: Outcome) => number) => mean(outcomes.map(pick))
  return {
    before: of(({ before }) => before),
    proposed: of(({ proposed }) => proposed),
    random: of(({ random }) => random),
    after: of(({ after }) => after),
  }
}

const kinds = Object.keys(worldKinds) as JourneyKind[]
const results: Outcome[] = []
console.log('regret in % of revenue'.padEnd(26), '  before  proposed    random     after')
for (let i = 0; i < Number(values.worlds); i++) {
  const seed = Number(values.seed) + Math.floor(i / kinds.length)
  const world = makeWorld(kinds[i % kinds.length]!, seed)
  const outcome = compare(world, seed)
  results.push(outcome)
  const cells = [outcome.before, outcome.proposed, outcome.random, outcome.after]
  console.log(world.name.padEnd(26), cells.map((x) => (100 * x).toFixed(3).padStart(9)).join(' '))
}
const wins = results.filter(({ proposed, random }) => proposed < random).length
const sum = (pick: (outcome: Outcome) => number) =>
  results.reduce((all, each) => all + pick(each), 0)
console.log('')
report('experiments', [
  figure('worlds', results.length, 'worlds'),
  figure('worlds where the proposed order cuts regret faster', (100 * wins) / results.length, '%', {
    atLeast: 80,
  }),
  figure(
    'mean regret while testing, proposed ÷ random',
    sum((o) => o.proposed) / sum((o) => o.random),
    '',
  ),
  figure('mean regret after all tests ÷ before', sum((o) => o.after) / sum((o) => o.before), ''),
])
