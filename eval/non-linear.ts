import { auc, sigmoid } from '#analytics/learning/metrics.ts'
import { categoryColumn, numberColumn, type Table } from '#analytics/learning/table.ts'
import { seededRandom } from '#core/random.ts'

/**
 * A made-up set that no straight line can tell apart: risk is highest in the middle of one feature, turns around with
 * another, and jumps with a count. `ceiling` is the area under the curve of the true probabilities.
 */
export function makeNonLinear(
  rows: number,
  seed: number,
): { table: Table; labels: Uint8Array; truth: Float64Array; ceiling: number } {
  const random = seededRandom(seed, 71)
  const age = new Float64Array(rows)
  const balance = new Float64Array(rows)
  const products = new Float64Array(rows)
  const tenure = new Float64Array(rows)
  const noise = new Float64Array(rows)
  const regions: string[] = []
  const labels = new Uint8Array(rows)
  const truth = new Float64Array(rows)
  for (let i = 0; i < rows; i += 1) {
    age[i] = Math.round(18 + 60 * random.uniform())
    balance[i] = random.uniform() < 0.35 ? 0 : Math.round(1e5 + 3e4 * random.normal())
    products[i] = 1 + random.weighted([50, 40, 7, 3])
    tenure[i] = random.integer(11)
    noise[i] = random.normal()
    const region = random.pick(['north', 'south', 'east', 'west'])
    regions.push(region)
    const middle = 3.4 * Math.exp(-(((age[i]! - 52) / 11) ** 2))
    const crossed = (region === 'east') === balance[i]! > 0 ? 1.5 : -0.9
    const jump = [0.3, -1.7, 2.3, 3.2][products[i]! - 1]!
    truth[i] = sigmoid(-2.6 + middle + crossed + jump + (tenure[i]! % 3 === 0 ? 0.8 : -0.4))
    labels[i] = Number(random.uniform() < truth[i]!)
  }
  const columns = [
    numberColumn('age', age),
    numberColumn('balance', balance),
    numberColumn('products', products),
    numberColumn('tenure', tenure),
    numberColumn('noise', noise),
    categoryColumn('region', regions),
  ]
  return { table: { rows, columns }, labels, truth, ceiling: auc(truth, labels) }
}
