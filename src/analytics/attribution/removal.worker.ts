// The thread in which a part of the removals of a chain is solved.
import { parentPort, workerData } from 'node:worker_threads'
import type { RemovalTask } from './markov.ts'
import { singleRemovals, solveRemovals } from './removal.ts'

const { chain, first, last } = workerData as RemovalTask
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port has no origin
parentPort!.postMessage(solveRemovals(chain, singleRemovals(chain.channelCount, first, last)))
