import type { z } from 'zod'
import type { Transaction } from '#store/store.ts'
import {
  callsADay,
  callsOf,
  durationOf,
  onlyField,
  refusalOf,
  type BackfillDirection,
} from './backfill.rules.ts'
import type { BackfillEstimate } from './backfill.schema.ts'
import { countDayCalls, countLinked, measureCallMs, sampleLinked } from './backfill.store.ts'
import { baseOf } from './base.ts'
import { callsFor } from './call-plan.rules.ts'
import { readCallDay } from './call-budget.ts'
import { findConnection } from './connection.store.ts'
import { isBlank, isSame } from './merge.ts'
import { oursOf } from './merge-record.ts'
import type { Connectors } from './open-session.ts'
import type { OpenedStream } from './open-stream.ts'

/** Records that are looked at to tell how many have something to send. */
const SAMPLE = 500

interface Wanted {
  connectionId: `con_${string}`
  stream: string
  field: string
  direction: BackfillDirection
  share: number
}

/** What a backfill would take, without a call and before it begins. */
export async function estimateBackfill(
  tx: Transaction,
  connectors: Connectors,
  opened: OpenedStream,
  { connectionId, stream, field, direction, share }: Wanted,
  now: Date,
): Promise<z.output<typeof BackfillEstimate>> {
  const records = await countLinked(tx, connectionId, opened.entity.name)
  const isOut = direction === 'out'
  const toWrite = isOut ? await countToWrite(tx, connectionId, opened, field, records) : 0
  const endpoints = callsOf(opened.stream, direction, { records, toWrite })
  const calls = endpoints.reduce((sum, one) => sum + one.calls, 0)
  const connection = await findConnection(tx, connectionId)
  const due = { newThere: 0, changed: toWrite }
  const { checkCalls } = callsFor(opened.stream, due, connection?.readBack ?? 'full')
  const { allowed, taken, endsAt: dayEndsAt } = await readCallDay(tx, connectionId, now)
  const vendorCalls = connectors.get(connection?.vendor ?? '')?.changeCallsPerDay
  const perDay = callsADay(allowed, vendorCalls, share)
  const own = perDay - (await countDayCalls(tx, connectionId, now))
  const left = Math.max(0, Math.min(own, allowed === null ? own : allowed - taken))
  const measured = await measureCallMs(tx, connectionId)
  const { durationMs, days } = durationOf(
    calls,
    measured,
    perDay,
    left,
    dayEndsAt.getTime() - now.getTime(),
  )
  return {
    connectionId,
    stream,
    field,
    direction,
    records,
    toWrite,
    basis: isOut && records > SAMPLE ? 'sampled' : 'counted',
    endpoints,
    calls,
    checkCalls,
    today: { allowed, taken, perDay, left },
    callMs: measured === null ? null : Math.round(measured),
    durationMs,
    days,
    endsAt: new Date(now.getTime() + durationMs),
    refusal: refusalOf(opened.rules, field, direction),
  }
}

/** How many records have a value here that the connected system does not have, by a sample of them. */
async function countToWrite(
  tx: Transaction,
  connectionId: string,
  { entity, rules }: OpenedStream,
  name: string,
  records: number,
): Promise<number> {
  const field = onlyField(rules, name)?.fields.get(name)
  if (!field) return 0
  const sample = await sampleLinked(tx, { connectionId, entity: entity.name }, SAMPLE)
  const baseFor = new Map(sample.map(({ localId, base }) => [localId, base]))
  const loaded = (await entity.load?.(tx, [...baseFor.keys()])) ?? []
  const due = loaded.filter((record) => {
    const ours = oursOf(record, field)
    const agreed = baseOf(baseFor.get(record.localId) ?? null, name)
    return agreed ? !isSame(agreed.ours, ours) : !isBlank(ours)
  })
  return sample.length === 0 ? 0 : Math.round((due.length / sample.length) * records)
}
