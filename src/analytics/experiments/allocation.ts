/** A budget and what it is believed to bring. */
export interface Arm {
  /** What is spent now, above 0. */
  spend: number
  /** What is brought by that spend, as a part of all revenue; below 0 when a belief is so wide. */
  effect: number
}

/** How revenue answers to spend, and how far a budget may be moved. */
export interface Response {
  /** Revenue grows with spend to this power, in (0, 1): 0.5 doubles revenue with four times the spend. */
  exponent: number
  /** How far one budget may move up or down, as a part of it, in (0, 1]. */
  moveLimit: number
}

/** A budget that grows so little beside the best one stays at its lower bound: nothing is lost by it. */
const NEGLIGIBLE = 1e-12

/**
 * The budgets of the same total that bring most: marginal returns are equal wherever no bound is met.
 * Arms without an effect go to their lower bound as far as the others can take what is freed.
 *
 * With effect e · (x ⁄ b)^γ the budget at a marginal return λ is x = μ · s, cut to its bounds, where s = b · (e ⁄ b)^(1 ⁄ (1 − γ)) and
 * μ falls with λ: the total is linear in μ between the points where an arm meets a bound, so that μ is found exactly.
 * O(arms · log arms).
 */
export function allocate(arms: readonly Arm[], { exponent, moveLimit }: Response): number[] {
  const total = arms.reduce((sum, { spend }) => sum + spend, 0)
  const low = arms.map(({ spend }) => spend * (1 - moveLimit))
  const high = arms.map(({ spend }) => spend * (1 + moveLimit))
  const speed = speedsOf(arms, exponent)
  const at = (level: number, i: number) =>
    Math.min(high[i]!, Math.max(low[i]!, speed[i]! > 0 ? level * speed[i]! : 0))
  const sumAt = (level: number) => arms.reduce((sum, _, i) => sum + at(level, i), 0)
  const level = findLevel(low, high, speed, sumAt, total)
  const budgets = arms.map((_, i) => at(level, i))
  const left = total - budgets.reduce((a, b) => a + b, 0)
  // Where every arm with an effect is at its upper bound, the rest stays where it was.
  const room = budgets.map((budget, i) => high[i]! - budget)
  const free = room.reduce((a, b) => a + b, 0)
  return free > 0 && left > 0 ? budgets.map((b, i) => b + (left * room[i]!) / free) : budgets
}

/** How fast each budget grows with the level; 0 where there is no effect, or none beside the best. */
function speedsOf(arms: readonly Arm[], exponent: number): number[] {
  const best = arms.reduce((most, { spend, effect }) => Math.max(most, effect / spend), 0)
  return arms.map(({ spend, effect }) => {
    if (effect <= 0) return 0
    const part = (effect / spend / best) ** (1 / (1 - exponent))
    return part > NEGLIGIBLE ? spend * part : 0
  })
}

/** The level at which the sum reaches the total; where it never does, the last at which a budget still grows. */
function findLevel(
  low: readonly number[],
  high: readonly number[],
  speed: readonly number[],
  sumAt: (level: number) => number,
  total: number,
): number {
  const points = speed.flatMap((s, i) => (s > 0 ? [low[i]! / s, high[i]! / s] : []))
  points.sort((a, b) => a - b)
  let [from, to] = [0, points.length - 1]
  if (to < 0 || sumAt(points[to]!) <= total) return points[to] ?? 0
  while (to - from > 1) {
    const middle = (from + to) >> 1
    if (sumAt(points[middle]!) <= total) from = middle
    else to = middle
  }
  const [start, end] = [points[from]!, points[to]!]
  const [before, after] = [sumAt(start), sumAt(end)]
  return before >= total ? start : start + ((end - start) * (total - before)) / (after - before)
}

/** What budgets bring, as a part of all revenue. */
export function valueOf(
  arms: readonly Arm[],
  budgets: readonly number[],
  { exponent }: Pick<Response, 'exponent'>,
): number {
  return arms.reduce(
    (sum, { spend, effect }, i) => sum + effect * (budgets[i]! / spend) ** exponent,
    0,
  )
}

/** What is missed by budgets chosen after beliefs, when the arms truly are otherwise: at least 0, as a part of all revenue. */
export function regretOf(
  truth: readonly Arm[],
  believed: readonly Arm[],
  response: Response,
): number {
  const best = valueOf(truth, allocate(truth, response), response)
  return best - valueOf(truth, allocate(believed, response), response)
}
