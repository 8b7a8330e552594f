// How far attribution is from the truth, model by model: `npm run eval -- attribution [-- --worlds DIR] [--seed N] [--replicates N]`.
// Without a folder it simulates twelve worlds of our own.
import { parseArgs } from 'node:util'
import { accuracyCard, expectAccuracy, profileOf } from '#analytics/attribution/accuracy-card.ts'
import type { ModelExpectation } from '#analytics/attribution/accuracy-card.ts'
import { figure, report } from '#bench/figures.ts'
import { ceilingOf, RECOMMENDED, scoreWorld } from '#eval/attribution-scores.ts'
import type { Score } from '#eval/attribution-scores.ts'
import { listWorlds, readWorld, simulateScored } from '#eval/journey-worlds.ts'
import type { ScoredWorld } from '#eval/journey-worlds.ts'
import type { JourneyKind } from '#worlds/journeys/kinds.ts'

const { values } = parseArgs({
  args: process.argv.slice(2).filter((arg) => arg !== '--'),
  options: {
    worlds: { type: 'string' },
    seed: { type: 'string', default: '1001' },
    replicates: { type: 'string', default: '0' },
  },
})

const FRESH: JourneyKind[] = [
  'even',
  'mixed',
  'chased',
  'chased_blind',
  'groups',
  'synergy',
  'saturated',
  'short_memory',
  'seasonal',
  'many_channels',
  'in_market',
  'measured',
]

async function* worldsToScore(): AsyncGenerator<ScoredWorld> {
  if (values.worlds === undefined) {
    for (const kind of FRESH) yield simulateScored(kind, Number(values.seed))
    return
  }
  for (const folder of await listWorlds(values.worlds)) yield await readWorld(folder)
}

const recommended: { score: Score; advice: ModelExpectation; ceiling: number | null }[] = []
for await (const world of worldsToScore()) {
  const scores = await scoreWorld(world, Number(values.replicates))
  const advice = expectAccuracy(profileOf(world.data)).models[0]!
  const ceiling = ceilingOf(world.truth)
  console.log(
    `\n${world.name}: ${world.data.touchMs.length} touches, ${world.data.conversionMs.length} conversions, ${world.data.channels.length} channels, true baseline ${percent(world.truth.baseline)}`,
  )
  console.log(row('model', 'A', 'A_base', 'campaigns', 'in 90 % interval', 'mean width', 'CPU s'))
  for (const score of scores) console.log(rowOf(score))
  const best = scores.find(({ model }) => model === RECOMMENDED)!
  console.log(
    `card: ${advice.model}, A_base ${percent(advice.expected)} expected (${percent(advice.low)} to ${percent(advice.high)}); measured ${percent(best.accuracyWithBaseline)}${ceiling === null ? '' : `; ${percent(best.accuracyWithBaseline / ceiling)} of the ceiling ${percent(ceiling)}`}`,
  )
  recommended.push({ score: best, advice, ceiling })
}

const mean = (numbers: number[]) => numbers.reduce((sum, x) => sum + x, 0) / numbers.length
const baseAccuracies = recommended.map(({ score }) => score.accuracyWithBaseline)
const covered = recommended.reduce((n, { score }) => n + (score.covered?.hits ?? 0), 0)
const intervals = recommended.reduce((n, { score }) => n + (score.covered?.of ?? 0), 0)
const ceilings = recommended.flatMap(({ score, ceiling }) =>
  ceiling === null ? [] : [score.accuracyWithBaseline / ceiling],
)
console.log('')
report('attribution', [
  figure('worlds', recommended.length, 'worlds'),
  figure('mean A', mean(recommended.map(({ score }) => score.accuracy)), ''),
  figure('mean A_base', mean(baseAccuracies), '', { atLeast: 0.87 }),
  figure('lowest A_base', Math.min(...baseAccuracies), '', { atLeast: 0.75 }),
  figure('truths within 90 % intervals', (100 * covered) / intervals, '%', { atLeast: 85 }),
  // Worlds of one kind differ by some 4 points of deviation: the card is right on the mean, and gives a range for one.
  figure(
    'card: mean expected A_base apart from the mean measured',
    100 * Math.abs(mean(recommended.map(({ advice }) => advice.expected)) - mean(baseAccuracies)),
    'points',
    { atMost: 3 },
  ),
  figure(
    'card: worlds within its range of nine in ten',
    recommended.filter(
      ({ score: { accuracyWithBaseline: found }, advice: { low, high } }) =>
        found >= low && found <= high,
    ).length,
    'worlds',
  ),
  ...(ceilings.length > 0 ? [figure('share of the ceiling', mean(ceilings), '')] : []),
  figure(
    'CPU of the recommended model, dearest world',
    Math.max(...recommended.map(({ score }) => score.cpuSeconds)),
    's',
    { atMost: 10 },
  ),
  figure('kinds of world on the card', accuracyCard.kinds.length, 'kinds'),
])

function rowOf(score: Score): string {
  const { covered, width, campaigns } = score
  return row(
    score.model,
    score.accuracy.toFixed(3),
    score.accuracyWithBaseline.toFixed(3),
    campaigns === null ? '' : campaigns.toFixed(3),
    covered === null ? '' : `${covered.hits} of ${covered.of}`,
    width === null ? '' : width.toFixed(3),
    score.cpuSeconds.toFixed(2),
  )
}

function row(...cells: string[]): string {
  return cells.map((cell, i) => (i === 0 ? cell.padEnd(26) : cell.padStart(17))).join('')
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
