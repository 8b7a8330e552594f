import { z } from 'zod'
import { cutPage, decodeCursor } from '#core/page.ts'
import { defineOperation, type Operation } from '#gateway/operation.ts'
import {
  alertOf,
  budgetLeft,
  burnRate,
  callObjectives,
  isByHour,
  levelOf,
  startOf,
  UPTIME_TARGET,
  type CallCount,
  type Share,
  type Window,
} from '#levels/level.rules.ts'
import { Levels, LevelsQuery, Objectives } from '#levels/level.schema.ts'
import { listCalled, sumCalls, sumCallsOf, sumWindows } from '#levels/level.store.ts'
import { readUptime } from '#levels/probe.store.ts'
import { lowestOf, UPTIME_DEFINITION } from '#levels/probe.rules.ts'
import type { Transaction } from '#store/store.ts'

const BURN_WINDOWS = ['5m', '30m', '1h', '6h'] as const
const BUDGET_WINDOW = '30d' as const

/** @param routeOf  method and path template of an operation; null for what has none. */
export function createLevelOperations(
  routeOf: (operation: string) => string | null,
): readonly Operation[] {
  const getServiceLevels = defineOperation({
    id: 'getServiceLevels',
    method: 'GET',
    path: '/api/v1/service-levels',
    scope: 'levels:read',
    tag: 'Service levels',
    summary: 'How fast and how soundly calls were answered, by operation',
    description:
      'Of this workspace’s calls that came with valid credentials. A call shows once its minute is over.',
    input: LevelsQuery,
    output: Levels,
    async perform({ window, limit, cursor }, { tx, now }) {
      const after = cursor === undefined ? '' : String(decodeCursor(cursor, 1)[0])
      const from = startOf(window, now)
      const table = isByHour(window) ? 'call_hours' : 'call_minutes'
      const names = await listCalled(tx, table, from, limit + 1, after)
      const page = cutPage(names, limit, (name) => [name])
      const counts = await sumCallsOf(tx, table, from, page.data)
      const byName = Map.groupBy(counts, (count) => count.operation)
      return {
        window,
        from,
        to: now,
        total: levelOf(await sumCalls(tx, table, from)),
        data: page.data.map((operation) => ({
          operation,
          route: routeOf(operation),
          ...levelOf(byName.get(operation) ?? []),
        })),
        nextCursor: page.nextCursor,
      }
    },
  })
  return [getServiceLevels, getObjectives]
}

const getObjectives = defineOperation({
  id: 'getServiceObjectives',
  method: 'GET',
  path: '/api/v1/service-levels/objectives',
  scope: 'levels:read',
  tag: 'Service levels',
  summary: 'What is promised, what is left of the error budgets, and how fast they burn',
  input: z.object({}),
  output: Objectives,
  async perform(_, { tx, now }) {
    const whole = await sumCalls(tx, 'call_hours', startOf(BUDGET_WINDOW, now))
    const recent = await countWindows(tx, now)
    const ofCalls = callObjectives.map((objective) => {
      const { id, name, definition, target } = objective
      const recently = (window: BurnWindow) => objective.count(recent[window])
      return { id, name, definition, target, ...standing(target, objective.count(whole), recently) }
    })
    return { window: BUDGET_WINDOW, data: [...ofCalls, await uptimeObjective(tx, now)] }
  },
})

type BurnWindow = (typeof BURN_WINDOWS)[number]

async function countWindows(tx: Transaction, now: Date): Promise<Record<BurnWindow, CallCount[]>> {
  const from = (window: Window) => startOf(window, now)
  const rows = await sumWindows(tx, {
    '5m': from('5m'),
    '30m': from('30m'),
    '1h': from('1h'),
    '6h': from('6h'),
  })
  const of = (pick: (row: (typeof rows)[number]) => number) =>
    rows.map((row) => ({ class: row.class, bucket: row.bucket, calls: pick(row) }))
  return {
    '5m': of((row) => row.calls5m),
    '30m': of((row) => row.calls30m),
    '1h': of((row) => row.calls1h),
    '6h': of((row) => row.calls6h),
  }
}

async function uptimeObjective(tx: Transaction, now: Date) {
  const share = async (window: Window): Promise<Share> => {
    const lowest = lowestOf(await readUptime(tx, startOf(window, now), now))
    const measured = lowest ? lowest.upS + lowest.downS + lowest.gapS : 0
    return { total: measured, bad: measured - (lowest?.upS ?? 0) }
  }
  const whole = await share(BUDGET_WINDOW)
  const shares: Partial<Record<BurnWindow, Share>> = {}
  for (const window of BURN_WINDOWS) shares[window] = await share(window)
  return {
    id: 'uptime',
    name: 'Up 99.9 % of the time',
    definition: UPTIME_DEFINITION,
    target: UPTIME_TARGET,
    ...standing(UPTIME_TARGET, whole, (window) => shares[window]!),
  }
}

function standing(target: number, whole: Share, recent: (window: BurnWindow) => Share) {
  const burnIn = (window: BurnWindow) => burnRate(recent(window), target)
  const burn = { '5m': burnIn('5m'), '30m': burnIn('30m'), '1h': burnIn('1h'), '6h': burnIn('6h') }
  const good = whole.total === 0 ? null : (whole.total - whole.bad) / whole.total
  return {
    ...whole,
    good,
    met: good === null ? null : good >= target,
    budgetLeft: budgetLeft(whole, target),
    burn,
    alert: alertOf(burn),
  }
}
