/**
 * The minimum of ½ x'Ax − b'x with x_j ≥ low_j, by coordinate descent from `start`.
 *
 * @param matrix  n · n, symmetric and positive definite.
 * @throws RangeError when a diagonal entry is not above 0.
 * O(sweeps · n²).
 */
export function solveBounded(
  matrix: Float64Array,
  right: Float64Array,
  low: Float64Array,
  start: Float64Array,
  sweeps = 200,
): Float64Array {
  const n = right.length
  const x = start.slice()
  const residual = right.slice()
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) residual[i]! -= matrix[i * n + j]! * x[j]!
  }
  for (let sweep = 0; sweep < sweeps; sweep++) {
    let moved = 0
    for (let j = 0; j < n; j++) {
      const diagonal = matrix[j * n + j]!
      if (!(diagonal > 0)) throw new RangeError(`Entry ${j} of the diagonal is not above 0.`)
      const to = Math.max(low[j]!, x[j]! + residual[j]! / diagonal)
      const step = to - x[j]!
      if (step === 0) continue
      x[j] = to
      for (let i = 0; i < n; i++) residual[i]! -= matrix[i * n + j]! * step
      moved = Math.max(moved, step * step * diagonal)
    }
    if (moved < 1e-10) break
  }
  return x
}
