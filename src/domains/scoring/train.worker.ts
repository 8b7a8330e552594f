import { parentPort, workerData } from 'node:worker_threads'
import { workTraining, type TrainingWork } from './training-work.rules.ts'

// A training takes seconds to minutes of one core: not on the thread that answers requests.
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker's port, not a window
parentPort!.postMessage(workTraining(workerData as TrainingWork))
