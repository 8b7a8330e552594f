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

const ROUNDS = 80

/**
 * The budgets of the same total that bring most: marginal returns are equal wherever no bound is met.
 * Arms without an effect go to their lower bound as far as the others can take what is freed.
 *
 * With effect e · (x ⁄ b)^γ the budget at a marginal return λ is x = b · (e·γ ⁄ (λ·b))^(1 ⁄ (1 − γ)), cut to its bounds; the total falls
 * with λ, which is found by bisection of its logarithm.
 * O(rounds · arms).
 */
export function allocate(arms: readonly Arm[], { exponent, moveLimit }: Response): number[] {
  const total = arms.reduce((sum, { spend }) => sum + spend, 0)
  const at = (logReturn: number) =>
    arms.map(({ spend, effect }) => {
      const low = spend * (1 - moveLimit)
      if (effect <= 0) return low
      const log = (Math.log((effect * exponent) / spend) - logReturn) / (1 - exponent)
      return Math.min(spend * (1 + moveLimit), Math.max(low, spend * Math.exp(Math.min(50, log))))
    })
  const sum = (budgets: readonly number[]) => budgets.reduce((a, b) => a + b, 0)
  let [low, high] = [-80, 80]
  for (let round = 0; round < ROUNDS; round++) {
    const middle = (low + high) / 2
    if (sum(at(middle)) > total) low = middle
    else high = middle
  }
  const budgets = at(high)
  const left = total - sum(budgets)
  // Where every arm with an effect is at its upper bound, the rest stays where it was.
  const room = arms.map(({ spend }, i) => spend * (1 + moveLimit) - budgets[i]!)
  const free = sum(room)
  return free > 0 && left > 0 ? budgets.map((b, i) => b + (left * room[i]!) / free) : budgets
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
