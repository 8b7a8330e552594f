import { queryOptions } from '@tanstack/react-query'
import type { z } from 'zod'
import { CallPlan as CallPlanAnswer } from '#sync/call-plan.schema.ts'
import { ChangePlanDetail } from '#sync/change-plan.schema.ts'
import { act, read } from '#console/api.ts'
import { connectionPath } from '#console/pages/connections/connections.queries.ts'

export type CallPlan = z.output<typeof CallPlanAnswer>

/** @param dailyCalls  as if this were the allowance; null: the one that is set. */
export function callPlanQuery(connectionId: string, dailyCalls: number | null = null) {
  const query: Record<string, string> =
    dailyCalls === null ? {} : { dailyCalls: String(dailyCalls) }
  return queryOptions({
    queryKey: ['sync', 'call-plan', connectionId, dailyCalls],
    queryFn: ({ signal }) =>
      read(CallPlanAnswer, `${connectionPath(connectionId)}/call-plan`, query, signal),
  })
}

/** Asks for a plan of what the next run would write. @returns its id. */
export async function makePlan(connectionId: string): Promise<string> {
  return ChangePlanDetail.parse(await act('POST', `${connectionPath(connectionId)}/plans`, {})).id
}
