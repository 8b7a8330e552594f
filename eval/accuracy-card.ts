// How accurate each model is, by kind of world and size of data, and what the data-driven model learns from it:
// `npm run eval -- accuracy-card --keep DIR [--kinds a,b] [--sizes small]`. Evidence is kept in DIR, so a run can go on and be split by kinds; a run
// without --kinds then writes `accuracy-table.ts` and `causal/learnt.ts`.
import { access, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import {
  calibrateByExperiments,
  correct,
  intervalOf,
} from '#analytics/attribution/causal/adjust.ts'
import type { Learnt } from '#analytics/attribution/causal/adjust.ts'
import { readExperiments } from '#analytics/attribution/causal/holdouts.ts'
import type { Experiment } from '#analytics/attribution/causal/holdouts.ts'
import { overlapOf } from '#analytics/attribution/causal/credit.ts'
import { gatherEvidence } from '#analytics/attribution/causal/model.ts'
import { figure, report } from '#bench/figures.ts'
import { learn } from '#eval/attribution-learning.ts'
import { scorePeers } from '#eval/attribution-scores.ts'
import { simulateScored } from '#eval/journey-worlds.ts'
import { journeyKinds } from '#worlds/journeys/kinds.ts'
import type { JourneyKind } from '#worlds/journeys/kinds.ts'

const { values } = parseArgs({
  args: process.argv.slice(2).filter((arg) => arg !== '--'),
  options: {
    keep: { type: 'string', default: '.accuracy' },
    kinds: { type: 'string' },
    sizes: { type: 'string' },
  },
})

/** Sizes of data: accounts and conversions as usual times this; and the seeds of each. The first one teaches, the others only measure. */
const SIZES = {
  small: { scale: 0.2, seeds: [41, 42, 43] },
  usual: { scale: 1, seeds: [3, 4] },
}
type Size = keyof typeof SIZES

/** What is kept of one world. */
interface Kept {
  kind: JourneyKind
  size: Size
  seed: number
  shares: number[]
  bootstrap: number[]
  pulls: number[]
  conversions: number
  overlap: number
  experiments: Experiment[]
  truth: number[]
  /** [A, A_base] of each other model. */
  peers: Record<string, [number, number]>
}

const kinds = (values.kinds?.split(',') ?? journeyKinds) as JourneyKind[]
await mkdir(values.keep, { recursive: true })
const kept: Kept[] = []
for (const [size, { scale, seeds }] of Object.entries(SIZES) as [Size, (typeof SIZES)[Size]][]) {
  if (values.sizes !== undefined && values.sizes !== size) continue
  for (const kind of kinds) {
    for (const seed of seeds) kept.push(await evidenceOf(kind, seed, size, scale))
  }
}
if (values.kinds === undefined) await writeCard(kept)

async function evidenceOf(
  kind: JourneyKind,
  seed: number,
  size: Size,
  scale: number,
): Promise<Kept> {
  const file = join(values.keep, `${kind}_${seed}.json`)
  const isThere = await access(file).then(
    () => true,
    () => false,
  )
  if (isThere) return { ...(JSON.parse(await readFile(file, 'utf8')) as Kept), seed }
  const world = simulateScored(kind, seed, scale)
  const { evidence, ensemble } = gatherEvidence(world.data, {})
  const peers = await scorePeers(world, 0)
  const { shares, baseline } = world.truth
  const found: Kept = {
    kind,
    size,
    seed,
    shares: [...evidence.shares],
    bootstrap: [...evidence.bootstrap],
    pulls: [...evidence.pulls],
    conversions: evidence.conversions,
    overlap: overlapOf(ensemble),
    experiments: readExperiments(world.data),
    truth: [...shares.map((share) => share * (1 - baseline)), baseline],
    peers: Object.fromEntries(
      peers.map(({ model, accuracy, accuracyWithBaseline }) => [
        model,
        [accuracy, accuracyWithBaseline],
      ]),
    ),
  }
  await writeFile(file, JSON.stringify(found))
  console.log(file)
  return found
}

function lessonOf(world: Kept) {
  return {
    evidence: {
      shares: Float64Array.from(world.shares),
      bootstrap: Float64Array.from(world.bootstrap),
      pulls: Float64Array.from(world.pulls),
      conversions: world.conversions,
    },
    truth: Float64Array.from(world.truth),
  }
}

interface Scored {
  kind: JourneyKind
  size: Size
  model: string
  accuracy: number
  accuracyWithBaseline: number
  hits: number
  of: number
}

function teaches({ size, seed }: Kept): boolean {
  return SIZES[size].seeds[0] === seed
}

/** Scores of the data-driven model with constants that were not learnt from this world. */
function scoreHeldBack(worlds: readonly Kept[]): Scored[] {
  const folds = 5
  const teachers = worlds.filter(teaches)
  const both = (world: Kept, constants: Learnt) => [
    scoreOne(world, constants, 'data-driven', []),
    scoreOne(world, constants, 'data-driven + holdouts', world.experiments),
  ]
  const ofTeachers = Array.from({ length: folds }, (_, fold) => {
    const constants = learn(teachers.filter((__, i) => i % folds !== fold).map(lessonOf))
    return teachers.filter((__, i) => i % folds === fold).flatMap((world) => both(world, constants))
  }).flat()
  const constants = learn(teachers.map(lessonOf))
  const others = worlds.filter((world) => !teaches(world))
  return [...ofTeachers, ...others.flatMap((world) => both(world, constants))]
}

function scoreOne(
  world: Kept,
  constants: Learnt,
  model: string,
  experiments: Experiment[],
): Scored {
  const { evidence, truth } = lessonOf(world)
  const estimate = calibrateByExperiments(
    correct(evidence, constants),
    experiments,
    world.overlap,
    evidence.pulls,
  )
  const { low, high } = intervalOf(estimate, constants)
  const channels = truth.length - 1
  const [marketing, moved] = [1 - estimate.shares[channels]!, 1 - truth[channels]!]
  let [within, whole, hits] = [0, 0, 0]
  truth.forEach((share, c) => {
    const found = estimate.shares[c]!
    whole += Math.abs(found - share) / 2
    if (c < channels) within += Math.abs(found / marketing - share / moved) / 2
    if (share >= low[c]! && share <= high[c]!) hits += 1
  })
  const { kind, size } = world
  return {
    kind,
    size,
    model,
    accuracy: 1 - within,
    accuracyWithBaseline: 1 - whole,
    hits,
    of: truth.length,
  }
}

async function writeCard(worlds: readonly Kept[]): Promise<void> {
  const scored = scoreHeldBack(worlds)
  const peers = worlds.flatMap(({ kind, size, peers: own }) =>
    Object.entries(own).map(([model, [accuracy, accuracyWithBaseline]]) => ({
      kind,
      size,
      model,
      accuracy,
      accuracyWithBaseline,
    })),
  )
  const all = [...scored, ...peers]
  const models = [...new Set(all.map(({ model }) => model))]
  const table = Object.fromEntries(
    (Object.keys(SIZES) as Size[]).map((size) => [
      size,
      Object.fromEntries(
        journeyKinds.map((kind) => [
          kind,
          Object.fromEntries(
            models.map((model) => {
              const own = all.filter(
                (one) => one.size === size && one.kind === kind && one.model === model,
              )
              return [
                model,
                [
                  rounded(mean(own.map(({ accuracy }) => accuracy))),
                  rounded(mean(own.map(({ accuracyWithBaseline }) => accuracyWithBaseline))),
                ],
              ]
            }),
          ),
        ]),
      ),
    ]),
  )
  const teachers = worlds.filter(teaches)
  const constants = learn(teachers.map(lessonOf))
  const best = scored.filter(({ model }) => model === 'data-driven + holdouts')
  const accuracies = best.map(({ accuracyWithBaseline }) => accuracyWithBaseline)
  const deviation = Math.sqrt(mean(accuracies.map((a) => (a - mean(accuracies)) ** 2)))
  const coverage = best.reduce((n, { hits }) => n + hits, 0) / best.reduce((n, { of }) => n + of, 0)
  const folder = fileURLToPath(new URL('../src/analytics/attribution/', import.meta.url))
  await writeFile(
    join(folder, 'accuracy-table.ts'),
    `/** [A, A_base] by size of data, kind of world and model. Written by \`npm run eval -- accuracy-card\`; not by hand. */\nexport const accuracyTable: Record<string, Record<string, Record<string, [number, number]>>> = ${JSON.stringify(table, null, 2)}\n\n/** Standard deviation of A_base of the recommended model between worlds. */\nexport const accuracySpread = ${rounded(deviation)}\n`,
  )
  await writeFile(
    join(folder, 'causal', 'learnt.ts'),
    `import type { Learnt } from './adjust.ts'\n\n/** What ${teachers.length} simulated worlds taught about the model's errors. Written by \`npm run eval -- accuracy-card\`; not by hand. */\nexport const learnt: Learnt = ${JSON.stringify(constants, null, 2)}\n`,
  )
  report('accuracy-card', [
    figure('worlds', worlds.length, 'worlds'),
    figure(
      'mean A, data-driven + holdouts, held back',
      mean(best.map(({ accuracy }) => accuracy)),
      '',
    ),
    figure('mean A_base', mean(accuracies), '', { atLeast: 0.87 }),
    figure('lowest A_base', Math.min(...accuracies), '', { atLeast: 0.75 }),
    figure('truths within 90 % intervals', 100 * coverage, '%', { atLeast: 85 }),
  ])
}

function mean(numbers: number[]): number {
  return numbers.reduce((sum, x) => sum + x, 0) / Math.max(1, numbers.length)
}

function rounded(value: number): number {
  return Number(value.toFixed(3))
}
