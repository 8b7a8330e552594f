import type { Learnt } from './adjust.ts'

/** What 36 simulated worlds taught about the model's errors. Written by `npm run eval -- accuracy-card`; not by hand. */
export const learnt: Learnt = {
  baseline: [0.1266, 0.7379, 0.0611],
  pull: 1.1,
  variance: [0.003346, 0.02949, 0.08758],
  baselineVariance: [0.002124, 1.089],
  width: 1.671,
}
