import { quarterDays } from '#core/calendar.ts'
import { cutPage } from '#core/page.ts'
import { Problem } from '#core/problem.ts'
import { dayOf } from '#core/zone.ts'
import { defineOperation } from '#gateway/operation.ts'
import { readSetting } from '#reports/lens.store.ts'
import { diffOf, elapsedOf, mergePast, needOf, progressOf, totalOf } from '#reports/plan.rules.ts'
import {
  ComparePlansQuery,
  ListQuartersQuery,
  Plan,
  PlanDiff,
  PlanListQuery,
  PlanPage,
  PlanProgress,
  PlanQuery,
  PutPlan,
} from '#reports/plan.schema.ts'
import {
  countOwners,
  findPlan,
  insertPlan,
  listChannelActuals,
  listPlanRows,
  listQuarterRows,
  listSegmentPast,
  type PlanRow,
} from '#reports/plan.store.ts'
import type { Transaction } from '#store/store.ts'

const about = { tag: 'Planning' } as const

export const putPlan = defineOperation({
  ...about,
  id: 'putQuarterlyPlan',
  method: 'PUT',
  path: '/api/v1/plans/{quarter}',
  scope: 'reports:write',
  summary: 'Set the targets of a quarter; what they need follows from measured rates',
  description:
    'From a target back to deals, opportunities, pipeline, leads and spend, by the rates, amounts and times measured in the ' +
    'days before, or those assumed instead. Each call makes a version; none is changed.',
  input: PutPlan,
  output: Plan,
  event: 'plan.changed',
  subject: ({ quarter }) => quarter,
  async perform({ quarter, segments, basisDays, leadsPerOwner, ...query }, { tx, principal, now }) {
    const { currency = (await readSetting(tx, {}, now)).currency } = query
    const { first, last } = quarterDays(quarter)
    const [past, owners] = await Promise.all([
      listSegmentPast(tx, basisDays, currency, now),
      countOwners(tx),
    ])
    const named = new Set(segments.map(({ channel }) => channel))
    const needs = segments.map((segment) => {
      const own = past.filter(({ channel }) =>
        segment.channel === null ? !named.has(channel) : channel === segment.channel,
      )
      return needOf(segment, mergePast(own), last)
    })
    const total = totalOf(needs)
    const leads = leadsPerOwner === undefined ? null : owners * leadsPerOwner
    const isEnough = leads === null || total.leads === null ? null : total.leads <= leads
    const plan = {
      quarter,
      currency,
      basisDays,
      leadsPerOwner: leadsPerOwner ?? null,
      segments,
      needs,
      total,
      capacity: { owners, leads, isEnough },
    }
    const version = await insertPlan(tx, first, plan, principal.id, now)
    return { ...plan, version, createdAt: now, createdBy: principal.id }
  },
})

export const getPlan = defineOperation({
  ...about,
  id: 'getQuarterlyPlan',
  method: 'GET',
  path: '/api/v1/plans/{quarter}',
  scope: 'performance:read',
  summary: 'The plan of a quarter, the newest version or the one asked for',
  input: PlanQuery,
  output: Plan,
  perform: ({ quarter, version }, { tx }) => readPlan(tx, quarter, version ?? null),
})

export const listQuarters = defineOperation({
  ...about,
  id: 'listQuarterlyPlans',
  method: 'GET',
  path: '/api/v1/plans',
  scope: 'performance:read',
  summary: 'The quarters that have a plan, the latest first, each with its newest version',
  input: ListQuartersQuery,
  output: PlanPage,
  async perform(query, { tx }) {
    const rows = await listQuarterRows(tx, query)
    const { data, nextCursor } = cutPage(rows, query.limit, (row) => [row.firstDay])
    return { data: data.map((row) => planOf(row)), nextCursor }
  },
})

export const getPlanProgress = defineOperation({
  ...about,
  id: 'getQuarterlyPlanProgress',
  method: 'GET',
  path: '/api/v1/plans/{quarter}/progress',
  scope: 'performance:read',
  summary: 'What came in of a quarter against what was planned, segment by segment',
  description:
    'Days in the time zone of the workspace, amounts in the currency of the plan. A deal counts once, for the channel of the ' +
    'first lead among its people, as targets do.',
  input: PlanQuery,
  output: PlanProgress,
  async perform({ quarter, version }, { tx, now }) {
    const plan = await readPlan(tx, quarter, version ?? null)
    const { timeZone } = await readSetting(tx, {}, now)
    const { currency } = plan
    const days = quarterDays(quarter)
    const today = dayOf(now, timeZone)
    const actuals = await listChannelActuals(tx, days, { currency, timeZone }, today)
    return {
      quarter,
      version: plan.version,
      currency,
      from: days.first,
      to: days.last,
      elapsed: elapsedOf(days, today),
      ...progressOf(plan, actuals),
    }
  },
})

export const listPlans = defineOperation({
  ...about,
  id: 'listQuarterlyPlanVersions',
  method: 'GET',
  path: '/api/v1/plans/{quarter}/versions',
  scope: 'performance:read',
  summary: 'The versions of a quarter’s plan, newest first',
  input: PlanListQuery,
  output: PlanPage,
  async perform({ quarter, ...query }, { tx }) {
    const rows = await listPlanRows(tx, quarterDays(quarter).first, query)
    const { data, nextCursor } = cutPage(rows, query.limit, (row) => [row.version])
    return { data: data.map((row) => planOf(row)), nextCursor }
  },
})

export const comparePlans = defineOperation({
  ...about,
  id: 'compareQuarterlyPlans',
  method: 'GET',
  path: '/api/v1/plans/{quarter}/diff',
  scope: 'performance:read',
  summary: 'What differs between two versions of a quarter’s plan',
  input: ComparePlansQuery,
  output: PlanDiff,
  async perform({ quarter, from, to }, { tx }) {
    const before = await readPlan(tx, quarter, from)
    const after = await readPlan(tx, quarter, to)
    return { quarter, from, to, changes: diffOf(before, after) }
  },
})

async function readPlan(tx: Transaction, quarter: string, version: number | null): Promise<Plan> {
  const row = await findPlan(tx, quarterDays(quarter).first, version)
  if (!row) throw new Problem('resource.not_found', 'There is no such plan.')
  return planOf(row)
}

function planOf({ version, plan, createdAt, createdBy }: PlanRow): Plan {
  return {
    ...(plan as Omit<Plan, 'version' | 'createdAt' | 'createdBy'>),
    version,
    createdAt,
    createdBy,
  }
}
