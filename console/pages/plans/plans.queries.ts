import { queryOptions } from '@tanstack/react-query'
import type { z } from 'zod'
import { Plan, PlanDiff, PlanPage, PlanProgress, type PutPlan } from '#reports/plan.schema.ts'
import { act, read } from '#console/api.ts'
import { listQuery } from '#console/list-query.ts'

export type Version = z.output<typeof PlanPage>['data'][number]
export type Difference = z.output<typeof PlanDiff>['changes'][number]
export type Segment = PutPlan['segments'][number]
export type NewPlan = Omit<PutPlan, 'quarter'>

/** What a new version reads again. */
export const AREA = 'plans'

const PLANS = '/api/v1/plans'

export const quartersQuery = listQuery([AREA], PlanPage, PLANS)

function planPath(quarter: string): string {
  return `${PLANS}/${encodeURIComponent(quarter)}`
}

export function versionsQuery(quarter: string) {
  return listQuery([AREA], PlanPage, `${planPath(quarter)}/versions`)
}

/** @param version  the newest when undefined. */
export function planExport(quarter: string, version: string | undefined) {
  return { path: planPath(quarter), fields: { version }, isList: false }
}

export function planQuery(quarter: string, version: string | undefined) {
  const { path, fields } = planExport(quarter, version)
  return queryOptions({
    queryKey: [AREA, 'plan', path, fields],
    queryFn: ({ signal }) => read(Plan, path, fields, signal),
  })
}

export function progressQuery(quarter: string, version: string | undefined) {
  const path = `${planPath(quarter)}/progress`
  return queryOptions({
    queryKey: [AREA, 'progress', path, version],
    queryFn: ({ signal }) => read(PlanProgress, path, { version }, signal),
  })
}

export function diffQuery(quarter: string, from: string, to: string) {
  const path = `${planPath(quarter)}/diff`
  return queryOptions({
    queryKey: [AREA, 'diff', path, from, to],
    queryFn: ({ signal }) => read(PlanDiff, path, { from, to }, signal),
  })
}

/** Makes the next version; none is changed. */
export async function putPlan(quarter: string, plan: NewPlan): Promise<Plan> {
  return Plan.parse(await act('PUT', planPath(quarter), plan))
}
