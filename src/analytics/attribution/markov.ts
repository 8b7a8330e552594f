import { Worker } from 'node:worker_threads'
import { emptyCredit } from './bootstrap.ts'
import type { Credit } from './bootstrap.ts'
import { estimateChain } from './chain.ts'
import type { Chain } from './chain.ts'
import type { Journeys } from './journeys.ts'
import { untouchedOf } from './linear-credit.ts'
import { singleRemovals, solveRemovals } from './removal.ts'
import type { Remaining } from './removal.ts'

/** Transitions × channels below which a thread costs more than it saves. */
export const WORTH_A_THREAD = 2_000_000

/** A part of the removals, for a worker. */
export interface RemovalTask {
  chain: Chain
  first: number
  last: number
}

/**
 * Removal effects of a Markov chain of any order, exactly: the effect of a channel is the share of conversions that is lost when every
 * state with it ends in nothing, and credit is the effect, scaled to all conversions; for value the same with the mean value of the
 * conversions of each last state. Conversions without a touch are the baseline.
 *
 * @param order  1 or more; beyond 3 with more than 20 channels most states are seen once, and the credit is noise.
 * @throws RangeError as `estimateChain`.
 * @see Anderl et al. (2016), §3; ChannelAttribution draws what this solves.
 * O(touches) to count; then as `solveRemovals`.
 */
export function markovCredit(journeys: Journeys, order: number): Credit {
  const channelCount = journeys.channels.length
  const chain = estimateChain(journeys, order)
  return creditOf(
    journeys,
    chain,
    solveRemovals(chain, singleRemovals(channelCount, 0, channelCount)),
  )
}

/** The same, with the removals spread over worker threads that share the chain. */
export async function markovCreditOn(
  journeys: Journeys,
  order: number,
  workers: number,
): Promise<Credit> {
  const channelCount = journeys.channels.length
  const chain = estimateChain(journeys, order, workers > 1)
  if (workers < 2 || chain.source.length * channelCount < WORTH_A_THREAD)
    return creditOf(
      journeys,
      chain,
      solveRemovals(chain, singleRemovals(channelCount, 0, channelCount)),
    )
  const parts = Math.min(workers, channelCount)
  const bounds = Array.from({ length: parts + 1 }, (_, i) =>
    Math.min(
      channelCount,
      i === parts ? channelCount : 8 * Math.round((i * channelCount) / parts / 8),
    ),
  )
  const answers = await Promise.all(
    Array.from({ length: parts }, (_, i) =>
      solveOnWorker({ chain, first: bounds[i]!, last: bounds[i + 1]! }),
    ),
  )
  const remaining = {
    conversions: new Float64Array(channelCount),
    value: new Float64Array(channelCount),
  }
  for (const [i, answer] of answers.entries()) {
    remaining.conversions.set(answer.conversions, bounds[i])
    remaining.value.set(answer.value, bounds[i])
  }
  return creditOf(journeys, chain, remaining)
}

function solveOnWorker(task: RemovalTask): Promise<Remaining> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('removal.worker.ts', import.meta.url), { workerData: task })
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', (code) =>
      reject(new Error(`The worker ended with ${code} before it answered.`)),
    )
  })
}

function creditOf(journeys: Journeys, chain: Chain, remaining: Remaining): Credit {
  const credit = emptyCredit(chain.channelCount)
  scaleEffects(remaining.conversions, chain.conversions, credit.conversions)
  scaleEffects(remaining.value, chain.value, credit.value)
  credit.baseline = untouchedOf(journeys)
  return credit
}

/** Effects 1 − remaining ⁄ all, scaled so that they sum to all. */
function scaleEffects(remaining: Float64Array, all: number, out: Float64Array): void {
  if (all === 0) return
  let sum = 0
  for (let c = 0; c < remaining.length; c++) {
    out[c] = 1 - remaining[c]! / all
    sum += out[c]!
  }
  if (sum !== 0) for (let c = 0; c < out.length; c++) out[c]! *= all / sum
}
