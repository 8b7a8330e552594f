import type { Learnt } from './adjust.ts'

/** What 36 simulated worlds taught about the model's errors. Written by `npm run eval -- accuracy-card`; not by hand. */
export const learnt: Learnt = {
  baseline: [0.1147, 0.74, 0.0607],
  pull: 0.8,
  variance: [0.002906, 0.2031, 0.03767],
  baselineVariance: [0.002659, 0.5415],
  width: 1.71,
}
