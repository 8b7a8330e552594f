import { sql } from 'kysely'
import { MAX_FINDINGS, type Watch } from '#alerts/watch.ts'
import { HOUR_MS } from '#core/time.ts'
import { backfillStopped } from './backfill.watch.ts'
import { callDay } from './call-day.store.ts'
import type { FaultKind } from './connector.ts'
import { webhooksLeft } from './disconnection.watch.ts'
import { explain } from './error-catalogue.ts'
import { isGranted } from './health.store.ts'

/** Faults that other watches tell of, or that wait for a person who knows. */
const TOLD_ELSEWHERE = ['rate_daily', 'rate_share', 'approval', 'reauth']

/**
 * The run that speaks for a connection: the last that ended of all, or the last whole one, whichever has a fault. A run that sends
 * changes alone does not show that the rest is sound.
 */
const faulty = sql`
  join lateral (
    select r.* from (
      (select fault_kind, fault_stream, ended_at from sync_runs
        where connection_id = c.id and ended_at is not null order by id desc limit 1)
      union all
      (select fault_kind, fault_stream, ended_at from sync_runs
        where connection_id = c.id and ended_at is not null and cause <> 'change' order by id desc limit 1)) r
    where r.fault_kind is not null and r.fault_kind <> all(${TOLD_ELSEWHERE})
    order by r.ended_at desc limit 1) r on true`

const faultWords: Readonly<Partial<Record<FaultKind | 'internal', string>>> = {
  transient: 'the system cannot be reached or answers with errors',
  permission: 'the system does not allow what is needed',
  mapping: 'the mapping does not fit the system any more',
  account: 'the account there is suspended or limited',
  rate_burst: 'the system asks for fewer calls',
  gone: 'what is asked for is not there any more',
}

const linkTo = (connectionId: string) => `/sync#${connectionId}`

const connectionFailing: Watch = {
  name: 'sync.connection_failing',
  title: 'A connection fails',
  severity: 'critical',
  role: 'integrator',
  // The first retry comes after five minutes, the second after fifteen more.
  lastsMinutes: 15,
  async look(tx) {
    const rows = await tx.query(sql<{
      id: string
      name: string
      kind: FaultKind
      stream: string | null
    }>`
      select c.id, c.name, r.fault_kind as kind, r.fault_stream as stream
      from connections c ${faulty}
      where c.state = 'active' order by c.id limit ${MAX_FINDINGS}`)
    return rows.map(({ id, name, kind, stream }) => ({
      key: id,
      summary: `Runs of ${name} end with a fault: ${faultWords[kind] ?? kind}.`,
      link: linkTo(id),
      values: { connectionId: id, fault: kind, stream },
    }))
  },
}

const loginNeeded: Watch = {
  name: 'sync.login_needed',
  title: 'A connection needs a new sign-in',
  severity: 'critical',
  role: 'integrator',
  async look(tx) {
    const rows = await tx.query(sql<{ id: string; name: string }>`
      select id, name from connections where state = 'needs_login' order by id limit ${MAX_FINDINGS}`)
    return rows.map(({ id, name }) => ({
      key: id,
      summary: `${name} does not accept the credentials any more; nothing is read or sent until somebody signs in anew.`,
      link: linkTo(id),
      values: { connectionId: id },
    }))
  },
}

/**
 * Late is one and a half intervals, as at the page; what runs daily is late after 25 hours, an hour for the run itself. A connection
 * that fails is told of by that watch, not once more by its streams.
 */
const streamLate: Watch = {
  name: 'sync.stream_late',
  title: 'Data is older than promised',
  severity: 'warning',
  role: 'integrator',
  // After the hub stood still, the catch-up runs first.
  lastsMinutes: 10,
  async look(tx, now) {
    const rows = await tx.query(sql<{
      id: string
      name: string
      streams: string[]
      oldestAt: Date
    }>`
      select c.id, c.name, array_agg(s.name order by s.position) as streams,
        min(coalesce(s.last_success_at, c.created_at)) as oldest_at
      from connections c join sync_streams s on s.connection_id = c.id
      where c.state = 'active' and not s.paused and ${isGranted}
        and coalesce(s.last_success_at, c.created_at) < ${now}::timestamptz - make_interval(mins =>
          greatest(30, least(s.every_minutes * 3 / 2, greatest(s.every_minutes + 60, 1440))))
        and not exists (select 1 from (select 1) one ${faulty})
      group by c.id order by c.id limit ${MAX_FINDINGS}`)
    return rows.map(({ id, name, streams, oldestAt }) => {
      const hours = Math.floor((now.getTime() - oldestAt.getTime()) / HOUR_MS)
      return {
        key: id,
        summary: `${name}: ${listOf(streams)} ${streams.length === 1 ? 'is' : 'are'} late, the oldest by now ${hours} hours old.`,
        link: linkTo(id),
        values: { connectionId: id, streams: streams.length, oldestHours: hours },
      }
    })
  },
}

function listOf(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ')
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown
}

/** Records that were refused, by cause. Conflicts, records that did not arrive and streams that stand still have their own watches. */
async function errorGroups(tx: Parameters<Watch['look']>[0], atLeast: number) {
  const rows = await tx.query(sql<{
    connectionId: string
    name: string
    stream: string
    code: string
    records: number
  }>`
    select e.connection_id, c.name, e.stream, e.code, count(*)::int as records
    from sync_errors e join connections c on c.id = e.connection_id
    where e.state = 'open' and e.record <> '' and e.code <> 'merge.both_changed' and not starts_with(e.code, 'certificate.')
    group by e.connection_id, c.name, e.stream, e.code having count(*) >= ${atLeast}
    order by e.connection_id, e.stream, e.code limit ${MAX_FINDINGS}`)
  return rows.map(({ connectionId, name, stream, code, records }) => ({
    key: `${connectionId}:${stream}:${code}`.slice(0, 300),
    summary: `${name}, ${stream}: ${records} ${records === 1 ? 'record is' : 'records are'} refused. ${explain(code).title} (${code}).`,
    link: linkTo(connectionId),
    values: { connectionId, stream, code, records },
  }))
}

const errorsOpen: Watch = {
  name: 'sync.errors_open',
  title: 'Records are refused',
  severity: 'warning',
  role: 'sales',
  look: (tx) => errorGroups(tx, 1),
}

const MANY = 100

const errorsMany: Watch = {
  name: 'sync.errors_many',
  title: 'Many records are refused for one cause',
  severity: 'critical',
  role: 'integrator',
  look: (tx) => errorGroups(tx, MANY),
}

const certificateIncomplete: Watch = {
  name: 'sync.certificate_incomplete',
  title: 'Not everything that was sent has arrived',
  severity: 'critical',
  role: 'integrator',
  async look(tx) {
    const rows = await tx.query(sql<{
      id: string
      name: string
      runId: string
      missing: number
      lost: number
    }>`
      select c.id, c.name, r.id as run_id, s.missing, s.lost
      from connections c
      join lateral (
        select r.id from (select id from sync_runs where connection_id = c.id and ended_at is not null order by id desc limit 200) r
        where exists (select 1 from sync_certificates s where s.run_id = r.id) order by r.id desc limit 1) r on true
      join lateral (
        select sum(missing)::int as missing, sum(lost)::int as lost from sync_certificates where run_id = r.id) s
        on s.missing + s.lost > 0
      order by c.id limit ${MAX_FINDINGS}`)
    return rows.map(({ id, name, runId, missing, lost }) => ({
      key: id,
      summary: `Of what was sent to ${name}, ${missing} records are not there and ${lost} lost a field. They are sent again.`,
      link: `/sync/runs/${runId}`,
      values: { connectionId: id, runId, missing, lost },
    }))
  },
}

const conflictsOverdue: Watch = {
  name: 'sync.conflicts_overdue',
  title: 'Conflicts wait for longer than they may',
  severity: 'warning',
  role: 'sales',
  async look(tx, now) {
    const rows = await tx.query(sql<{ id: string; name: string; count: number }>`
      select c.id, c.name, count(*)::int as count from sync_conflicts f join connections c on c.id = f.connection_id
      where f.state = 'open' and f.due_at < ${now} group by c.id order by c.id limit ${MAX_FINDINGS}`)
    return rows.map(({ id, name, count }) => ({
      key: id,
      summary: `${count} ${count === 1 ? 'conflict' : 'conflicts'} with ${name} ${count === 1 ? 'is' : 'are'} past the time to decide.`,
      link: linkTo(id),
      values: { connectionId: id, conflicts: count },
    }))
  },
}

const planWaiting: Watch = {
  name: 'sync.plan_waiting',
  title: 'A change plan waits to be approved',
  severity: 'warning',
  role: 'sales',
  async look(tx) {
    const rows = await tx.query(sql<{ id: string; name: string; planId: string; records: number }>`
      select c.id, c.name, p.id as plan_id,
        (select count(*) from sync_planned_changes where plan_id = p.id)::int as records
      from sync_change_plans p join connections c on c.id = p.connection_id
      where p.state = 'proposed' order by p.id limit ${MAX_FINDINGS}`)
    return rows.map(({ id, name, planId, records }) => ({
      key: planId,
      summary: `Nothing is written to ${name} until its plan for ${records} ${records === 1 ? 'record' : 'records'} is approved or discarded.`,
      link: `/sync/plans/${planId}`,
      values: { connectionId: id, planId, records },
    }))
  },
}

/** Connections that have taken at least this share of their calls of the day. It is over by itself when the connection's day ends. */
async function callsTaken(tx: Parameters<Watch['look']>[0], now: Date, percent: number) {
  const rows = await tx.query(sql<{ id: string; name: string; allowed: number; taken: number }>`
    select c.id, c.name, c.daily_calls as allowed, d.taken from connections c
    join lateral (
      select sum(taken)::int as taken from sync_call_days
      where connection_id = c.id and day = ${callDay(now)}) d on true
    where d.taken::bigint * 100 >= c.daily_calls::bigint * ${percent} order by c.id limit ${MAX_FINDINGS}`)
  return rows.map(({ id, name, allowed, taken }) => ({
    key: id,
    summary: `${name} has taken ${taken} of the ${allowed} calls that it may make today.`,
    link: linkTo(id),
    values: { connectionId: id, allowed, taken },
  }))
}

const callsNearlySpent: Watch = {
  name: 'sync.calls_nearly_spent',
  title: 'Four fifths of the day’s calls are used',
  severity: 'warning',
  role: 'integrator',
  look: (tx, now) => callsTaken(tx, now, 80),
}

const callsSpent: Watch = {
  name: 'sync.calls_spent',
  title: 'The day’s calls are used up',
  severity: 'critical',
  role: 'integrator',
  look: (tx, now) => callsTaken(tx, now, 100),
}

/**
 * Connections whose allowance was used up yesterday, that sent nothing since and have records that wait from before. While a
 * stream is read for the first time what comes in is progress as well: it goes on where it stopped.
 */
const allowanceTooSmall: Watch = {
  name: 'sync.allowance_too_small',
  title: 'The allowance of calls is used up before anything is sent',
  severity: 'critical',
  role: 'integrator',
  async look(tx, now) {
    // What waits is counted for those alone that sent nothing: there may be a million.
    const rows = await tx.query(sql<{ id: string; name: string; allowed: number; waiting: number }>`
      with stuck as materialized (
        select c.id, c.name, c.daily_calls as allowed, yesterday.from_at
        from connections c
        join lateral (
          select (${callDay(now)} - 1)::timestamp at time zone c.call_day_zone as from_at,
            ${callDay(now)}::timestamp at time zone c.call_day_zone as to_at) yesterday on true
        where c.state = 'active' and c.daily_calls is not null
          and exists (
            select from sync_runs r where r.connection_id = c.id and r.fault_kind = 'rate_share'
              and r.ended_at >= yesterday.from_at and r.ended_at < yesterday.to_at)
          and not exists (
            select from sync_runs r join sync_outcomes o on o.run_id = r.id
            where r.connection_id = c.id and coalesce(r.ended_at, ${now}) >= yesterday.from_at and o.at >= yesterday.from_at
              and o.outcome in ('created', 'updated', 'deleted')
              and (o.direction = 'push' or exists (
                select from sync_streams s where s.connection_id = c.id and not s.paused and s.last_success_at is null)))
      )
      select s.id, s.name, s.allowed, p.waiting from stuck s
      join lateral (
        select count(*)::int as waiting from sync_pending
        where connection_id = s.id and held_code is null and since < s.from_at) p on p.waiting > 0
      order by s.id limit ${MAX_FINDINGS}`)
    return rows.map(({ id, name, allowed, waiting }) => ({
      key: id,
      summary: `The ${allowed} calls that ${name} may make a day are used up before a record is sent; ${waiting} ${waiting === 1 ? 'waits' : 'wait'}. Its page names the least number that works.`,
      link: `/connections/${id}`,
      values: { connectionId: id, allowed, waiting },
    }))
  },
}

/** Days before the end of credentials from which on somebody is told. */
const RENEW_DAYS = 14

const credentialsEnd: Watch = {
  name: 'sync.credentials_end',
  title: 'Credentials of a connection end soon',
  severity: 'warning',
  role: 'integrator',
  async look(tx, now) {
    const rows = await tx.query(sql<{ id: string; name: string; endOn: string; days: number }>`
      select id, name, credentials_end_on::text as end_on, credentials_end_on - ${now.toISOString().slice(0, 10)}::date as days
      from connections
      where state <> 'needs_login' and credentials_end_on - ${now.toISOString().slice(0, 10)}::date <= ${RENEW_DAYS}
      order by id limit ${MAX_FINDINGS}`)
    return rows.map(({ id, name, endOn, days }) => ({
      key: id,
      summary: `The credentials of ${name} ${days < 0 ? 'ended' : 'end'} on ${endOn}: give new ones, no run is lost by it.`,
      link: `/connections/${id}`,
      values: { connectionId: id, days },
    }))
  },
}

export const syncWatches: readonly Watch[] = [
  connectionFailing,
  loginNeeded,
  streamLate,
  errorsOpen,
  errorsMany,
  certificateIncomplete,
  conflictsOverdue,
  planWaiting,
  callsNearlySpent,
  callsSpent,
  allowanceTooSmall,
  backfillStopped,
  credentialsEnd,
  webhooksLeft,
]
