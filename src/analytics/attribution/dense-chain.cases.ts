import type { PathRow } from './path.cases.ts'

/** What remains without one channel, by elimination in full: for tests alone, and sharing no line with the product. */
export function remainingByElimination(
  rows: readonly PathRow[],
  order: number,
  removed: string,
): { conversions: number; value: number; states: number } {
  const numbers = new Map<string, number>()
  const moves = new Map<string, number>()
  const start: number[] = []
  const out: number[] = []
  const conversions: number[] = []
  const value: number[] = []
  const numberOf = (state: string) => {
    const known = numbers.get(state)
    if (known !== undefined) return known
    for (const column of [start, out, conversions, value]) column.push(0)
    numbers.set(state, numbers.size)
    return numbers.size - 1
  }
  for (const row of rows) {
    const touches = row.path.split(' > ')
    const states: string[] = []
    for (let i = 0; i + order <= Math.max(touches.length, order); i++) {
      const state = touches.slice(i, i + order).join('|')
      if (states.at(-1) !== state) states.push(state)
    }
    const weight = row.conversions + row.nulls
    if (weight === 0) continue
    const visited = states.map(numberOf)
    start[visited[0]!]! += weight
    for (const [i, state] of visited.entries()) {
      out[state]! += weight
      if (i === 0) continue
      const move = `${visited[i - 1]} ${state}`
      moves.set(move, (moves.get(move) ?? 0) + weight)
    }
    conversions[visited.at(-1)!]! += row.conversions
    value[visited.at(-1)!]! += row.value
  }
  const isLeft = [...numbers.keys()].map((state) => !state.split('|').includes(removed))
  // Only states that are entered or left by a move need a place in the matrix.
  const moving = new Set<number>()
  for (const move of moves.keys()) {
    const [from, to] = move.split(' ').map(Number) as [number, number]
    if (isLeft[from] && isLeft[to]) moving.add(from).add(to)
  }
  const places = new Map([...moving].map((state, place) => [state, place]))
  const n = places.size
  const matrix = Array.from({ length: n }, (_, i) => {
    const line = new Float64Array(n + 1)
    line[i] = 1
    return line
  })
  for (const [state, place] of places) matrix[place]![n] = start[state]!
  for (const [move, weight] of moves) {
    const [from, to] = move.split(' ').map(Number) as [number, number]
    if (isLeft[from] && isLeft[to])
      matrix[places.get(to)!]![places.get(from)!]! -= weight / out[from]!
  }
  const visits = eliminate(matrix)
  const sum = { conversions: 0, value: 0, states: n }
  for (let state = 0; state < isLeft.length; state++) {
    if (!isLeft[state]) continue
    const place = places.get(state)
    const times = place === undefined ? start[state]! : visits[place]!
    sum.conversions += (times * conversions[state]!) / out[state]!
    sum.value += (times * value[state]!) / out[state]!
  }
  return sum
}

/** Gaussian elimination with partial pivoting; the last column is the right-hand side. */
function eliminate(matrix: Float64Array[]): Float64Array {
  const n = matrix.length
  for (let i = 0; i < n; i++) {
    let best = i
    for (let r = i + 1; r < n; r++)
      if (Math.abs(matrix[r]![i]!) > Math.abs(matrix[best]![i]!)) best = r
    ;[matrix[i], matrix[best]] = [matrix[best]!, matrix[i]!]
    const pivot = matrix[i]!
    for (let r = i + 1; r < n; r++) {
      const row = matrix[r]!
      const factor = row[i]! / pivot[i]!
      if (factor === 0) continue
      for (let c = i; c <= n; c++) row[c]! -= factor * pivot[c]!
    }
  }
  const x = new Float64Array(n)
  for (let i = n - 1; i >= 0; i--) {
    let rest = matrix[i]![n]!
    for (let c = i + 1; c < n; c++) rest -= matrix[i]![c]! * x[c]!
    x[i] = rest / matrix[i]![i]!
  }
  return x
}
