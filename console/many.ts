import { z } from 'zod'
import { act } from '#console/api.ts'
import { formatCount } from '#console/format.ts'

const Outcomes = z.object({
  outcomes: z.array(z.object({ problem: z.object({ detail: z.string() }).optional() })),
  summary: z.object({ done: z.int() }),
})

/** What came of many: how many were done, and why the others were not. */
export interface BulkResult {
  done: number
  refusals: { detail: string; count: number }[]
}

/** Has many decided by one request, each by itself. */
export async function decideMany(path: string, body: object): Promise<BulkResult> {
  const { outcomes, summary } = Outcomes.parse(await act('POST', path, body))
  const details = outcomes.flatMap(({ problem }) => problem?.detail ?? [])
  const refusals = [...Map.groupBy(details, (detail) => detail)].map(([detail, alike]) => ({
    detail,
    count: alike.length,
  }))
  return { done: summary.done, refusals: refusals.toSorted((a, b) => b.count - a.count) }
}

/** @param what  such as `['lead is rejected', 'leads are rejected']`. */
export function describeMany(
  { done, refusals }: BulkResult,
  [one, several]: readonly [one: string, several: string],
): string {
  const head = `${formatCount(done)} ${done === 1 ? one : several}.`
  const left = refusals.map(
    ({ detail, count }) => `${formatCount(count)} left as they are: ${detail}`,
  )
  return [head, ...left].join(' ')
}
