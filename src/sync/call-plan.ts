import { z } from 'zod'
import { Problem } from '#core/problem.ts'
import { defineOperation, type Operation } from '#gateway/operation.ts'
import type { Transaction } from '#store/store.ts'
import { readAllowance, readTaken } from './call-budget.ts'
import { hourOfDay } from './call-day.rules.ts'
import { leastCalls, recordsADay, warningOf, type DayNeeds } from './call-least.rules.ts'
import { callsFor } from './call-plan.rules.ts'
import { CallPlan } from './call-plan.schema.ts'
import { countDue, readQuietCalls } from './call-plan.store.ts'
import { LIVE, mayTake, sharesOf, type Allowance, type Taken } from './call-shares.rules.ts'
import { ConnectionId, type ReadBack } from './connection.schema.ts'
import { findConnection, findPreparation, readSettings } from './connection.store.ts'
import type { Stream } from './connector.ts'
import type { Entity } from './entity.ts'
import { connectorOf, withSession, type Connectors } from './open-session.ts'
import { listStreams, type StreamViewRow } from './stream.store.ts'

/** Calls of a stream of which nothing is known. */
const ASSUMED_STREAM = 2
/** Calls that a look takes at most where little changed: a page, and what says how its records hang together or were archived. */
const MOST_LOOK = 4

type Sizes = ReadonlyMap<string, { records: number | null; calls: number }>

/** The calls that the next whole run will make, before it is let loose. */
export function callPlanOperations(
  connectors: Connectors,
  entities: ReadonlyMap<string, Entity>,
): readonly Operation[] {
  return [getCallPlan(connectors, entities), countCallPlan(connectors, entities)]
}

const getCallPlan = (connectors: Connectors, entities: ReadonlyMap<string, Entity>) =>
  defineOperation({
    id: 'getCallPlan',
    method: 'GET',
    path: '/api/v1/connections/{connectionId}/call-plan',
    scope: 'connections:read',
    tag: 'Connections',
    summary: 'How many calls the next run will take, and how many are left today',
    description:
      'Counted from what is due and the sizes of the calls of each stream; no call is made for it. Set `dailyCalls` on the connection to ' +
      'leave the rest of the vendor’s allowance to other tools: a run stops at it and goes on the next day. `callPercent` and ' +
      '`callPriority` of its streams share it; what nobody used by the evening is lent. `allowance` says what number is the least that works, ' +
      'and `warning` that the present one is below it; `dailyCalls` asks that of another number before it is set.',
    input: z.object({
      connectionId: ConnectionId,
      dailyCalls: z.coerce
        .number()
        .pipe(z.int().min(1).max(100_000_000))
        .optional()
        .meta({ description: 'As if this were the allowance; absent: the one that is set' }),
    }),
    output: CallPlan,
    perform: ({ connectionId, dailyCalls }, { tx, now }) =>
      planOf(tx, connectors, entities, connectionId, now, async () => new Map(), dailyCalls),
  })

const countCallPlan = (connectors: Connectors, entities: ReadonlyMap<string, Entity>) =>
  defineOperation({
    id: 'countCallPlan',
    method: 'POST',
    path: '/api/v1/connections/{connectionId}/call-plan',
    scope: 'connections:write',
    tag: 'Connections',
    summary: 'Predict the calls of streams before they are enabled',
    description:
      'As the plan of calls; of each stream that was never read, paused or not, the vendor is asked how many records there are. One call a ' +
      'stream, on somebody’s word and therefore not counted against `dailyCalls`.',
    status: 200,
    input: z.object({ connectionId: ConnectionId }),
    output: CallPlan,
    perform: ({ connectionId }, { tx, now }) =>
      planOf(tx, connectors, entities, connectionId, now, async (names) => {
        const connection = (await findConnection(tx, connectionId))!
        const settings = (await readSettings(tx, connectionId)) ?? {}
        const connector = connectorOf(connectors, connection.vendor)
        return withSession(connector, connectionId, settings, now, async (session, signal) => {
          const sizes = new Map<string, { records: number | null; calls: number }>()
          for (const { name, sizeUp } of session.streams) {
            if (sizeUp && names.has(name)) sizes.set(name, await sizeUp(signal))
          }
          return sizes
        })
      }),
  })

/**
 * @param sizeUp  asks the vendor of the streams of these names, which were never read.
 * @param asIf  the allowance in place of the one that is set.
 */
async function planOf(
  tx: Transaction,
  connectors: Connectors,
  entities: ReadonlyMap<string, Entity>,
  connectionId: z.output<typeof ConnectionId>,
  now: Date,
  sizeUp: (names: ReadonlySet<string>) => Promise<Sizes>,
  asIf?: number,
): Promise<CallPlan> {
  const connection = await findConnection(tx, connectionId)
  const settings = connection && (await readSettings(tx, connectionId))
  if (!connection || !settings)
    throw new Problem('resource.not_found', 'There is no connection with this id.')
  const connector = connectorOf(connectors, connection.vendor)
  const { streams, accountCalls, preparation, preparationCalls } = await withSession(
    connector,
    connectionId,
    settings,
    now,
    async (session) => session,
  )
  const isPrepared = (await findPreparation(tx, connectionId)) === preparation
  const quiet = await readQuietCalls(tx, connectionId)
  const sizes = await sizeUp(
    new Set(streams.flatMap(({ name }) => (quiet.has(name) ? [] : [name]))),
  )
  const rows = new Map((await listStreams(tx, connectionId)).map((row) => [row.name, row]))
  const planned: Planned[] = []
  const inAll: number[] = []
  for (const stream of streams) {
    const entity = entities.get(stream.entity)
    const none = { newThere: 0, changed: 0, linked: 0 }
    const { linked, ...due } =
      stream.push && entity ? await countDue(tx, connectionId, stream, entity) : none
    const size = sizes.get(stream.name)
    // Of a stream that was read, what is known of it is what there is.
    const there = size?.records ?? linked
    inAll.push(there)
    planned.push({
      stream: stream.name,
      paused: rows.get(stream.name)?.paused ?? false,
      recordsThere: size?.records ?? null,
      ...pullOf(quiet.get(stream.name), size),
      ...due,
      ...callsFor(stream, { ...due, there }, connection.readBack),
    })
  }
  const checks = (readBack: ReadBack) =>
    streams.reduce((total, stream, i) => {
      const one = planned[i]!
      return one.paused ? total : total + callsFor(stream, one, readBack).checkCalls
    }, 0)
  const allowance = await readAllowance(tx, connectionId, asIf)
  const dayEndsAt = hourOfDay(now, connection.callDayZone, 24)
  const taken = allowance && (await readTaken(tx, connectionId, allowance, now))
  const today = todayOf(allowance, taken ?? new Map(), rows, now, dayEndsAt)
  const once = {
    account: quiet.get('') ?? accountCalls,
    preparation: isPrepared ? 0 : preparationCalls,
  }
  const needs = needsOf(streams, planned, inAll, once, connection.readBack)
  return {
    connectionId,
    today,
    allowance: allowanceOf(needs, allowance, connection.livePercent, rows),
    nextRun: {
      ...sumOf(planned, once.account, once.preparation, today),
      streams: planned,
      readBack: { mode: connection.readBack, full: checks('full'), sample: checks('sample') },
    },
  }
}

type Planned = CallPlan['nextRun']['streams'][number]

/** What a day takes before the first record. A first pull goes on the next day where it stopped: a look is enough of it. Pure. */
function needsOf(
  streams: readonly Stream[],
  planned: readonly Planned[],
  inAll: readonly number[],
  of: Pick<DayNeeds, 'account' | 'preparation'>,
  readBack: ReadBack,
): DayNeeds {
  const active = streams.flatMap((stream, i) => {
    const { paused, pullCalls, pullFrom } = planned[i]!
    if (paused) return []
    const there = inAll[i]!
    const take = (newThere: number, changed: number) => {
      const { calls, checkCalls } = callsFor(stream, { newThere, changed, there }, readBack)
      return calls + checkCalls
    }
    const send = (records: number) =>
      stream.onlyLinked === true ? take(0, records) : Math.max(take(records, 0), take(0, records))
    return [
      {
        name: stream.name,
        look: pullFrom === 'last_quiet_run' ? pullCalls : Math.min(pullCalls, MOST_LOOK),
        callsFor: stream.push ? send : null,
      },
    ]
  })
  return { ...of, streams: active }
}

function pullOf(
  quiet: number | undefined,
  size: { calls: number } | undefined,
): Pick<Planned, 'pullCalls' | 'pullFrom'> {
  if (quiet !== undefined) return { pullCalls: quiet, pullFrom: 'last_quiet_run' }
  if (size) return { pullCalls: size.calls, pullFrom: 'counted' }
  return { pullCalls: ASSUMED_STREAM, pullFrom: 'assumed' }
}

/** What the allowance lets through, and whether it is enough. Pure. */
function allowanceOf(
  needs: DayNeeds,
  allowance: Allowance | null,
  livePercent: number,
  rows: ReadonlyMap<string, StreamViewRow>,
): CallPlan['allowance'] {
  const shares = { livePercent, streams: [...rows.values()], dayZone: 'UTC', dailyCalls: 0 }
  return {
    leastCalls: leastCalls(needs, allowance ?? shares),
    warning: allowance && warningOf(needs, allowance),
    recordsADay: allowance && recordsADay(needs, allowance),
  }
}

/** Of the streams that are not paused. Pure. */
function sumOf(
  planned: readonly Planned[],
  account: number,
  preparationCalls: number,
  { allowed, taken }: CallPlan['today'],
): Pick<
  CallPlan['nextRun'],
  'base' | 'baseFrom' | 'prepareCalls' | 'calls' | 'checkCalls' | 'days'
> {
  const active = planned.filter(({ paused }) => !paused)
  const sum = (field: 'pullCalls' | 'calls' | 'checkCalls') =>
    active.reduce((total, one) => total + one[field], 0)
  const base = account + sum('pullCalls')
  const has = (from: Planned['pullFrom']) => active.some(({ pullFrom }) => pullFrom === from)
  const prepareCalls = sum('calls') > 0 ? preparationCalls : 0
  const calls = base + prepareCalls + sum('calls')
  const left = allowed === null ? null : Math.max(0, allowed - taken)
  const over = left === null ? 0 : Math.max(0, calls + sum('checkCalls') - left)
  return {
    base,
    baseFrom: has('assumed') ? 'assumed' : has('counted') ? 'counted' : 'last_quiet_run',
    prepareCalls,
    calls,
    checkCalls: sum('checkCalls'),
    days: allowed === null ? null : 1 + Math.ceil(over / allowed),
  }
}

/** Pure. */
function todayOf(
  allowance: Allowance | null,
  taken: Taken,
  rows: ReadonlyMap<string, StreamViewRow>,
  now: Date,
  resetsAt: Date,
): CallPlan['today'] {
  if (allowance === null)
    return { allowed: null, taken: 0, resetsAt, live: null, common: null, streams: [] }
  const shares = sharesOf(allowance)
  const of = (name: string) => taken.get(name) ?? 0
  const takenInAll = [...taken.values()].reduce((total, one) => total + one, 0)
  const takenByShares = [...shares.streams.keys()].reduce((total, name) => total + of(name), 0)
  return {
    allowed: allowance.dailyCalls,
    taken: takenInAll,
    resetsAt,
    live: { calls: shares.live, taken: of(LIVE) },
    common: { calls: shares.common, taken: takenInAll - takenByShares - of(LIVE) },
    streams: [...rows.values()].map(({ name, callPercent, callPriority }) => ({
      stream: name,
      percent: callPercent,
      priority: callPriority,
      calls: shares.streams.get(name) ?? null,
      taken: of(name),
      left: mayTake(allowance, taken, name, now),
    })),
  }
}
