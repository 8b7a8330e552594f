import { calibrated, isotonicCalibration, platt, type Calibration } from './calibrate.ts'
import { logLoss, sigmoid } from './metrics.ts'
import { takeLabels, type Fold } from './table.ts'

/** The weight of the logistic part that has the lowest loss out of fold, in twentieths. */
export function chooseWeight(
  linear: Float64Array | null,
  trees: Float64Array | null,
  labels: Uint8Array,
): { weight: number; outOfFold: Float64Array } {
  if (linear === null || trees === null)
    return { weight: linear === null ? 0 : 1, outOfFold: (linear ?? trees)! }
  let best = { weight: 1, outOfFold: linear, loss: Infinity }
  for (let step = 20; step >= 0; step -= 1) {
    const weight = step / 20
    const outOfFold = linear.map((value, i) => weight * value + (1 - weight) * trees[i]!)
    const loss = logLoss(outOfFold.map(sigmoid), labels)
    if (loss < best.loss) best = { weight, outOfFold, loss }
  }
  return best
}

/** The calibration with the lowest loss, each judged on folds that it was not fitted on; none unless another is better. */
export function chooseCalibration(
  outOfFold: Float64Array,
  labels: Uint8Array,
  folds: readonly Fold[],
): Calibration {
  const makers: ((raw: Float64Array, labels: Uint8Array) => Calibration)[] = [
    () => ({ kind: 'none' }),
    (raw, own) => ({ kind: 'platt', ...platt(raw, own) }),
    isotonicCalibration,
  ]
  const losses = makers.map((make) => {
    const out = new Float64Array(labels.length)
    for (const { train, test } of folds) {
      const raw = Float64Array.from(train, (place) => outOfFold[place]!)
      const calibration = make(raw, takeLabels(labels, train))
      for (const place of test) out[place] = sigmoid(calibrated(calibration, outOfFold[place]!))
    }
    return logLoss(out, labels)
  })
  return makers[losses.indexOf(Math.min(...losses))]!(outOfFold, labels)
}
