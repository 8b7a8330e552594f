import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { seededRandom } from '#core/random.ts'
import { fitBoosting, type BoostingOptions } from './boosting.ts'
import { calibrated, isotonic, isotonicCalibration, platt, stepAt } from './calibrate.ts'
import { stratifiedFolds } from './folds.ts'
import { fitLogistic, type SparseRows } from './logistic.ts'
import {
  auc,
  brier,
  calibrationError,
  calibrationTable,
  liftTable,
  logLoss,
  sigmoid,
} from './metrics.ts'
import { addTreeShap } from './tree-shap.ts'
import { boostingLogOdds, treeValue, type Tree } from './tree.ts'

function dense(rows: readonly (readonly number[])[]): SparseRows {
  const width = rows[0]!.length
  return {
    rows: rows.length,
    width,
    starts: Int32Array.from({ length: rows.length + 1 }, (_, i) => i * width),
    columns: Int32Array.from({ length: rows.length * width }, (_, i) => i % width),
    values: Float64Array.from(rows.flat()),
  }
}

const plain: BoostingOptions = {
  maxLeaves: 4,
  maxDepth: 4,
  minRows: 1,
  l2: 1,
  minGain: 1e-6,
  learningRate: 0.3,
  rounds: 60,
  rowShare: 1,
  featureShare: 1,
  seed: 1,
}

describe('measures', () => {
  test('AUC counts pairs, and half of the tied ones', () => {
    // Pairs: .9>.4, .9>.4, .4=.4 (½), .4=.4 (½) → 3 of 4.
    expect(auc(Float64Array.of(0.9, 0.4, 0.4, 0.4), Uint8Array.of(1, 1, 0, 0))).toBe(0.75)
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ max: 9 }), fc.boolean()), { maxLength: 60 }),
        (pairs) => {
          let [won, all] = [0, 0]
          for (const [a, up] of pairs)
            for (const [b, down] of pairs)
              if (up && !down) {
                all += 1
                won += a > b ? 1 : a === b ? 0.5 : 0
              }
          const area = auc(
            Float64Array.from(pairs, ([score]) => score),
            Uint8Array.from(pairs, ([, label]) => Number(label)),
          )
          expect(area).toBeCloseTo(all === 0 ? 0.5 : won / all, 12)
        },
      ),
    )
  })

  test('log-loss, Brier and calibration error by hand', () => {
    const p = Float64Array.of(0.8, 0.3)
    const y = Uint8Array.of(1, 0)
    expect(logLoss(p, y)).toBeCloseTo(-(Math.log(0.8) + Math.log(0.7)) / 2, 12)
    expect(brier(p, y)).toBeCloseTo((0.04 + 0.09) / 2, 12)
    // Two bins in use, |.8 − 1| and |.3 − 0|, half of the rows each.
    expect(calibrationError(calibrationTable(p, y))).toBeCloseTo(0.25, 12)
    expect(liftTable(p, y, 2).map(({ positives }) => positives)).toEqual([1, 0])
  })
})

test('stratified folds are a partition, each with its share of either label, and the same for a seed', () => {
  const labels = Uint8Array.from({ length: 103 }, (_, i) => Number(i % 4 === 0))
  const folds = stratifiedFolds(labels, 5, 42)
  expect(folds.flatMap(({ test: held }) => [...held]).sort((a, b) => a - b)).toEqual([
    ...labels.keys(),
  ])
  for (const { train, test: held } of folds) {
    expect(train.length + held.length).toBe(103)
    const positives = held.reduce((sum, place) => sum + labels[place]!, 0)
    expect(positives).toBeGreaterThanOrEqual(5)
    expect(positives).toBeLessThanOrEqual(6)
  }
  expect(stratifiedFolds(labels, 5, 42)).toEqual(folds)
  expect(stratifiedFolds(labels, 5, 43)).not.toEqual(folds)
  expect(() => stratifiedFolds(Uint8Array.of(1, 0, 0, 0), 2, 1)).toThrow(RangeError)
})

describe('isotonic regression and Platt', () => {
  test('pools adjacent violators, by hand', () => {
    // 1, 0 | 1, 0, 0 | 1 → the first two pool to ½, the next three to ⅓: below ½, so all five pool to 2⁄5.
    const fit = isotonic(Float64Array.of(1, 2, 3, 4, 5, 6), [1, 0, 1, 0, 0, 1])
    expect([...fit.at]).toEqual([1, 6])
    expect([...fit.values]).toEqual([0.4, 1])
    expect(stepAt(fit, 5.5)).toBe(0.4)
    expect(stepAt(fit, 0)).toBe(0.4)
    expect(stepAt(fit, 6)).toBe(1)
  })

  test('rows of one score share one value', () => {
    expect([...isotonic(Float64Array.of(1, 1, 2), [1, 0, 0]).values]).toEqual([1 / 3])
  })

  test('never falls, whatever the labels', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.double({ min: -9, max: 9, noNaN: true }), fc.boolean()), {
          minLength: 1,
        }),
        (pairs) => {
          const scores = Float64Array.from(pairs, ([score]) => score)
          const labels = Uint8Array.from(pairs, ([, label]) => Number(label))
          const { values } = isotonic(scores, labels)
          for (let i = 1; i < values.length; i += 1)
            expect(values[i]!).toBeGreaterThan(values[i - 1]!)
          const smooth = isotonicCalibration(scores, labels)
          const shown = [...scores].sort((a, b) => a - b).map((score) => calibrated(smooth, score))
          for (let i = 1; i < shown.length; i += 1)
            expect(shown[i]!).toBeGreaterThanOrEqual(shown[i - 1]! - 1e-12)
        },
      ),
    )
  })

  test('Platt finds the slope and offset that made the labels', () => {
    const random = seededRandom(3, 1)
    const raw = Float64Array.from({ length: 40_000 }, () => 2 * random.normal())
    const labels = Uint8Array.from(raw, (x) => Number(random.uniform() < sigmoid(0.5 * x - 1)))
    const { slope, offset } = platt(raw, labels)
    expect(slope).toBeCloseTo(0.5, 1)
    expect(offset).toBeCloseTo(-1, 1)
  })
})

describe('Newton logistic regression', () => {
  test('a hand-worked case: one yes-or-no column, no penalty, is the log-odds of either group', () => {
    // x = 0: 1 of 4; x = 1: 3 of 4. Intercept ln(1⁄3), coefficient 2 · ln 3.
    const x = dense([[0], [0], [0], [0], [1], [1], [1], [1]])
    const fit = fitLogistic(x, Uint8Array.of(1, 0, 0, 0, 1, 1, 1, 0), { lambda: 0, mix: 0 })
    expect(fit.intercept).toBeCloseTo(-Math.log(3), 6)
    expect(fit.coefficients[0]!).toBeCloseTo(2 * Math.log(3), 6)
    expect(fit.steps).toBeLessThanOrEqual(8) // quadratic convergence, not gradient descent
  })

  test('one Newton step from even odds, worked by hand', () => {
    // p = ½ everywhere, so W = ¼. Of four rows at −1 one is a yes, of four at 1 three are: gradient a row
    // (4 · ½ + 4 · ½ − 2 · 2 · ½) ÷ 8 = ¼, curvature ¼: a step of 1; with a ridge of ¼, ¼ ÷ (¼ + ¼) = ½.
    const x = dense([-1, -1, -1, -1, 1, 1, 1, 1].map((value) => [value]))
    const labels = Uint8Array.of(0, 0, 0, 1, 1, 1, 1, 0)
    const step = (lambda: number) =>
      fitLogistic(x, labels, { lambda, mix: 0, maxSteps: 1 }).coefficients[0]!
    expect(step(0)).toBeCloseTo(1, 9)
    expect(step(0.25)).toBeCloseTo(0.5, 9)
  })

  test('meets the conditions of the optimum for every penalty, and a lasso strong enough leaves nothing', () => {
    const random = seededRandom(9, 2)
    const rows = Array.from({ length: 400 }, () => [
      random.normal(),
      3 + 5 * random.normal(),
      random.normal(),
    ])
    const labels = Uint8Array.from(rows, ([a = 0, b = 0]) =>
      Number(random.uniform() < sigmoid(a - 0.2 * b)),
    )
    const x = dense(rows)
    const moments = [0, 1, 2].map((j) => {
      const mean = rows.reduce((sum, row) => sum + row[j]!, 0) / rows.length
      return {
        mean,
        scale: Math.sqrt(rows.reduce((sum, row) => sum + (row[j]! - mean) ** 2, 0) / rows.length),
      }
    })
    for (const [lambda, mix] of [
      [0.02, 0],
      [0.02, 0.5],
      [0.05, 1],
    ] as const) {
      const fit = fitLogistic(x, labels, { lambda, mix })
      const gaps = rows.map((row, i) => {
        const logOdds = row.reduce(
          (sum, value, j) => sum + value * fit.coefficients[j]!,
          fit.intercept,
        )
        return labels[i]! - sigmoid(logOdds)
      })
      expect(gaps.reduce((sum, gap) => sum + gap, 0) / rows.length).toBeCloseTo(0, 6)
      moments.forEach(({ mean, scale }, j) => {
        const beta = fit.coefficients[j]! * scale
        const pull =
          gaps.reduce((sum, gap, i) => sum + (gap * (rows[i]![j]! - mean)) / scale, 0) / rows.length
        if (beta === 0) expect(Math.abs(pull)).toBeLessThanOrEqual(lambda * mix + 1e-6)
        else expect(pull).toBeCloseTo(lambda * (mix * Math.sign(beta) + (1 - mix) * beta), 5)
      })
    }
    expect([...fitLogistic(x, labels, { lambda: 5, mix: 1 }).coefficients]).toEqual([0, 0, 0])
  })
})

describe('boosted trees', () => {
  const random = seededRandom(5, 3)
  const a = Float64Array.from({ length: 800 }, () => random.uniform())
  const b = Float64Array.from({ length: 800 }, () => random.uniform())

  test('learn an exclusive or, which no straight line can', () => {
    const labels = Uint8Array.from(a, (x, i) => Number(x > 0.5 !== b[i]! > 0.5))
    const { model } = fitBoosting([a, b], labels, plain)
    expect(auc(boostingLogOdds(model, [a, b], 800), labels)).toBeGreaterThan(0.99)
  })

  test('obey a monotone constraint where the data say otherwise, and still learn the rest', () => {
    const labels = Uint8Array.from(a, (x, i) =>
      Number(random.uniform() < sigmoid(6 * Math.sin(7 * x) + 4 * (b[i]! - 0.5))),
    )
    const { model } = fitBoosting([a, b], labels, {
      ...plain,
      maxLeaves: 12,
      monotone: Int8Array.of(1, 0),
    })
    for (const held of [0.1, 0.5, 0.9]) {
      const grid = Float64Array.from({ length: 201 }, (_, i) => i / 200)
      const scores = boostingLogOdds(model, [grid, new Float64Array(201).fill(held)], 201)
      for (let i = 1; i < 201; i += 1)
        expect(scores[i]!).toBeGreaterThanOrEqual(scores[i - 1]! - 1e-12)
    }
    expect(auc(boostingLogOdds(model, [a, b], 800), labels)).toBeGreaterThan(0.65)
  })

  test('learn from what is missing', () => {
    const values = a.map((x, i) => (i % 3 === 0 ? Number.NaN : x))
    const labels = Uint8Array.from(values, (x) => Number(Number.isNaN(x)))
    const { model } = fitBoosting([values], labels, plain)
    expect(auc(boostingLogOdds(model, [values], 800), labels)).toBe(1)
  })

  test('stop when watched rows get no better, and come out the same for a seed', () => {
    const labels = Uint8Array.from(a, () => Number(random.uniform() < 0.5))
    const watch = { features: [b, a], labels, patience: 5 }
    const options = { ...plain, rounds: 300, rowShare: 0.5, featureShare: 0.5 }
    const fit = fitBoosting([a, b], labels, options, watch)
    expect(fit.model.trees.length).toBeLessThan(100)
    expect(fitBoosting([a, b], labels, options, watch).losses).toEqual(fit.losses)
    expect(fitBoosting([a, b], labels, { ...options, seed: 2 }, watch).losses).not.toEqual(
      fit.losses,
    )
  })

  test('a leaf is −G ÷ (H + λ), by hand', () => {
    // Two labels of each kind on either side: base 0, p = ½, g = ∓½, h = ¼. Leaf: ∓(½+½) ÷ (½ + 1) · .3 = ±.2.
    const { model } = fitBoosting([Float64Array.of(0, 0, 1, 1)], Uint8Array.of(0, 0, 1, 1), {
      ...plain,
      rounds: 1,
    })
    expect(model.base).toBe(0)
    expect(boostingLogOdds(model, [Float64Array.of(0, 1)], 2)[0]).toBeCloseTo(-0.2, 12)
    expect(boostingLogOdds(model, [Float64Array.of(0, 1)], 2)[1]).toBeCloseTo(0.2, 12)
  })
})

describe('Shapley values of trees', () => {
  /** What the tree says when only `known` features are known: an unknown one is averaged by cover. */
  function valueKnowing(
    tree: Tree,
    features: readonly Float64Array[],
    known: Set<number>,
    node = 0,
  ): number {
    const left = tree.left[node]!
    if (left < 0) return tree.value[node]!
    const right = tree.right[node]!
    const own = tree.feature[node]!
    if (known.has(own)) {
      const x = features[own]![0]!
      const goesLeft = Number.isNaN(x) ? tree.missingLeft[node] === 1 : x <= tree.threshold[node]!
      return valueKnowing(tree, features, known, goesLeft ? left : right)
    }
    return (
      (tree.cover[left]! * valueKnowing(tree, features, known, left) +
        tree.cover[right]! * valueKnowing(tree, features, known, right)) /
      tree.cover[node]!
    )
  }

  function byDefinition(tree: Tree, features: readonly Float64Array[]): number[] {
    const n = features.length
    const factorial = (k: number): number => (k <= 1 ? 1 : k * factorial(k - 1))
    return features.map((_, own) => {
      let sum = 0
      for (let mask = 0; mask < 1 << n; mask += 1) {
        if (mask & (1 << own)) continue
        const known = new Set([...features.keys()].filter((f) => mask & (1 << f)))
        const weight = (factorial(known.size) * factorial(n - known.size - 1)) / factorial(n)
        const without = valueKnowing(tree, features, known)
        sum += weight * (valueKnowing(tree, features, known.add(own)) - without)
      }
      return sum
    })
  }

  test('equal their definition over all coalitions, and sum to what the tree says', () => {
    const random = seededRandom(11, 4)
    const features = Array.from({ length: 4 }, () =>
      Float64Array.from({ length: 500 }, () =>
        random.uniform() < 0.1 ? Number.NaN : random.normal(),
      ),
    )
    const labels = Uint8Array.from(features[0]!, (x, i) =>
      Number(
        random.uniform() <
          sigmoid((x || 0) * (features[1]![i]! || 1) + (features[2]![i]! > 0 ? 1 : -1)),
      ),
    )
    const { model } = fitBoosting(features, labels, {
      ...plain,
      rounds: 6,
      maxLeaves: 12,
      maxDepth: 6,
    })
    for (const row of [0, 1, 17, 311]) {
      for (const tree of model.trees) {
        const shares = new Float64Array(4)
        const mean = addTreeShap(tree, features, row, shares)
        const one = features.map((values) => values.subarray(row, row + 1))
        byDefinition(tree, one).forEach((share, f) => expect(shares[f]!).toBeCloseTo(share, 10))
        expect(shares.reduce((sum, share) => sum + share, mean)).toBeCloseTo(
          treeValue(tree, features, row),
          10,
        )
      }
    }
  })
})
