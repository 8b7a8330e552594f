// Whether experiments in the order of their value of information cut the regret of a budget faster than in any order:
// `npm run eval -- experiments [-- --worlds 42] [--seed N] [--draws 15] [--scale 0.15] [--audience 10]`.
// Each world is simulated, the model is fitted to what can be seen, and the truth is read to answer a test and to score.
import { parseArgs } from 'node:util'
import { attributeCausally, isNotMarketing } from '#analytics/attribution/causal/model.ts'
import { regretOf, type Arm } from '#analytics/experiments/allocation.ts'
import { jointOf, update, type Joint } from '#analytics/experiments/belief.ts'
import { liftVariance, valueOfInformation } from '#analytics/experiments/proposal.ts'
import { figure, report } from '#bench/figures.ts'
import { seededRandom, type Random } from '#core/random.ts'
import { drawSpec, worldKinds, type JourneyKind } from '#worlds/journeys/kinds.ts'
import { simulateJourneys } from '#worlds/journeys/world.ts'

const { values } = parseArgs({
  args: process.argv.slice(2).filter((arg) => arg !== '--'),
  options: {
    worlds: { type: 'string', default: '42' },
    seed: { type: 'string', default: '7001' },
    draws: { type: 'string', default: '15' },
    scale: { type: 'string', default: '0.15' },
    audience: { type: 'string', default: '10' },
  },
})

const RESPONSE = { exponent: 0.5, moveLimit: 0.5 }
const DESIGN = { holdoutShare: 0.2, weeks: 12 }
const PERMUTATIONS = 15
const NINETY = 2 * 1.6448536269514722

/** Nothing is worth testing below this part of revenue: the hub then proposes to stop. */
const NO_VALUE = 1e-7

interface World {
  name: string
  spends: number[]
  joint: Joint
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
  const inData = new Set(answer.experiments.map(({ channel }) => channel))
  const tried = columns.channels.flatMap((name, c) => (isNotMarketing(name) ? [] : [c]))
  const beliefs = tried.map((c) => ({
    channel: columns.channels[c]!,
    weeklySpendMinor: Math.round(100_000 * Math.exp(0.8 * random.normal())),
    effect: answer.shares[c]! / answer.overlap,
    deviation: (answer.high[c]! - answer.low[c]!) / NINETY / answer.overlap,
    isMeasured: inData.has(c),
  }))
  const people = columns.heldOut.length
  const audience = {
    // A small world stands for a company of so many times its people at scale 1: tests of a few hundred conversions tell nothing.
    weeklyPeople: ((people / Number(values.scale)) * Number(values.audience)) / 26,
    conversionRate: columns.conversionMs.length / people,
  }
  const varianceOf = (lift: number) =>
    liftVariance(DESIGN, { ...audience, weeklyRevenueMinor: 1 }, lift).variance
  const lifts = tried.map((c) => truth.removedConversions[c]! / truth.expectedConversions)
  const spends = beliefs.map(({ weeklySpendMinor }) => weeklySpendMinor)
  return {
    name: `${kind}_${seed}`,
    spends,
    joint: jointOf(beliefs),
    truth: tried.map((c, i) => ({
      spend: spends[i]!,
      effect: truth.removedMinor[c]! / truth.expectedRevenueMinor,
    })),
    lifts: lifts.map((lift) => ({ lift, variance: varianceOf(lift) })),
    variances: beliefs.map(({ effect }) => varianceOf(effect)),
  }
}

/** What is missed with budgets by these beliefs, as a part of revenue. */
function regretIn({ truth, spends }: World, { effects }: Joint): number {
  const believed = spends.map((spend, i) => ({ spend, effect: effects[i]! }))
  return regretOf(truth, believed, RESPONSE)
}

/** Says which channel to test next, given beliefs and how often each was tested; null: none. */
type Order = (joint: Joint, tested: readonly number[]) => number | null

/** Regret after each of as many tests as there are channels; where an order stops, regret stays. */
function follow(world: World, results: readonly (readonly number[])[], next: Order): number[] {
  const tested = world.spends.map(() => 0)
  let { joint } = world
  return world.spends.map(() => {
    const chosen = next(joint, tested)
    if (chosen !== null) {
      const lift = results[chosen]![tested[chosen]!]!
      joint = update(joint, chosen, { lift, variance: world.variances[chosen]! })
      tested[chosen]! += 1
    }
    return regretIn(world, joint)
  })
}

/** The order of the hub: what is worth most to know, the same channel again where that is it. */
function byValue({ spends, variances }: World): Order {
  return (joint) => {
    const worth = variances.map((variance, i) =>
      valueOfInformation(joint, spends, i, variance, RESPONSE),
    )
    const most = Math.max(...worth)
    return most > NO_VALUE ? worth.indexOf(most) : null
  }
}

/** An order that knows results and truth beforehand: each test is that after which regret is least, or none if that is better. */
function byTruth(world: World, results: readonly (readonly number[])[]): Order {
  return (joint, tested) => {
    const after = world.variances.map((variance, i) =>
      regretIn(world, update(joint, i, { lift: results[i]![tested[i]!]!, variance })),
    )
    const least = Math.min(...after)
    return least < regretIn(world, joint) ? after.indexOf(least) : null
  }
}

const mean = (numbers: readonly number[]) => numbers.reduce((sum, x) => sum + x, 0) / numbers.length

function shuffled(random: Random, count: number): number[] {
  const order = Array.from({ length: count }, (_, i) => i)
  for (let i = count - 1; i > 0; i--) {
    const j = random.integer(i + 1)
    ;[order[i], order[j]] = [order[j]!, order[i]!]
  }
  return order
}

/** Regret before any test, and its mean over the tests of an order: lower the faster it falls. */
interface Outcome {
  before: number
  proposed: number
  random: number
  oracle: number
  after: number
}

/** All orders are given the same results of the same tests. */
function compare(world: World, seed: number): Outcome {
  const random = seededRandom(seed, 42)
  const [proposed, others, oracle, after]: number[][] = [[], [], [], []]
  for (let draw = 0; draw < Number(values.draws); draw++) {
    const results = world.lifts.map(({ lift, variance }) =>
      world.lifts.map(() => lift + Math.sqrt(variance) * random.normal()),
    )
    const curve = follow(world, results, byValue(world))
    proposed!.push(mean(curve))
    after!.push(curve.at(-1)!)
    oracle!.push(mean(follow(world, results, byTruth(world, results))))
    for (let i = 0; i < PERMUTATIONS; i++) {
      const order = shuffled(random, world.spends.length)
      let at = 0
      others!.push(mean(follow(world, results, () => order[at++]!)))
    }
  }
  return {
    before: regretIn(world, world.joint),
    proposed: mean(proposed!),
    random: mean(others!),
    oracle: mean(oracle!),
    after: mean(after!),
  }
}

/** Wilson's 95 % interval of a part, in %. */
function wilson(hits: number, n: number): [number, number] {
  const z = 1.959963984540054
  const p = hits / n
  const middle = p + z ** 2 / (2 * n)
  const half = z * Math.sqrt((p * (1 - p)) / n + z ** 2 / (4 * n * n))
  return [(100 * (middle - half)) / (1 + z ** 2 / n), (100 * (middle + half)) / (1 + z ** 2 / n)]
}

const kinds = Object.keys(worldKinds) as JourneyKind[]
const results: Outcome[] = []
console.log('regret in % of revenue'.padEnd(26), '  before  proposed    random    oracle     after')
for (let i = 0; i < Number(values.worlds); i++) {
  const seed = Number(values.seed) + Math.floor(i / kinds.length)
  const world = makeWorld(kinds[i % kinds.length]!, seed)
  const outcome = compare(world, seed)
  results.push(outcome)
  const { before, proposed, random, oracle, after } = outcome
  const cells = [before, proposed, random, oracle, after]
  console.log(world.name.padEnd(26), cells.map((x) => (100 * x).toFixed(3).padStart(9)).join(' '))
}
const partOf = (count: number) => (100 * count) / results.length
const wins = results.filter(({ proposed, random }) => proposed < random).length
const [low, high] = wilson(wins, results.length)
const sum = (pick: (outcome: Outcome) => number) =>
  results.reduce((all, each) => all + pick(each), 0)
console.log('')
report('experiments', [
  figure('worlds', results.length, 'worlds'),
  figure('worlds where the proposed order cuts regret faster', partOf(wins), '%', { atLeast: 80 }),
  figure('that, at least (95 %)', low, '%'),
  figure('that, at most (95 %)', high, '%'),
  figure(
    'worlds where no order changes anything, in none of which an order is faster',
    results.filter(({ oracle, random }) => oracle === random).length,
    'worlds',
  ),
  figure(
    'worlds where an order that knows the truth is faster',
    partOf(results.filter(({ oracle, random }) => oracle < random).length),
    '%',
  ),
  figure(
    'mean regret while testing, proposed ÷ random',
    sum((o) => o.proposed) / sum((o) => o.random),
    '',
  ),
  figure(
    'mean regret while testing, order that knows the truth ÷ random',
    sum((o) => o.oracle) / sum((o) => o.random),
    '',
  ),
  figure('mean regret after all tests ÷ before', sum((o) => o.after) / sum((o) => o.before), ''),
])
