import { sql } from 'kysely'
import { beforeAll, describe, expect, test } from 'vitest'
import { newId } from '#core/id.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '#core/time.ts'
import { jobWatches } from '#jobs/watches.ts'
import { ManualClock, useHub, type TestWorkspace } from '#tests/hub.ts'
import { channelWatch } from './channel-watch.ts'
import { noticeOf } from './notice.rules.ts'
import type { Finding } from './watch.ts'

const start = new Date('2026-11-02T09:00:00Z')
/** When somebody looks: all that was promised by now is overdue. */
const later = new Date(start.getTime() + 28 * DAY_MS)
const clock = new ManualClock(start)
const hub = useHub({ clock })
let workspace: TestWorkspace

const personal = ['canarylead@canary.example', 'Canaryfirst', 'Canaryowner', 'canaryvalue']

async function lookAt(id: string, now: Date): Promise<Map<string, Finding[]>> {
  const watches = [
    ...hub.app.modules.flatMap((module) => module.watches ?? []),
    ...jobWatches,
    channelWatch,
  ]
  const found = new Map<string, Finding[]>()
  // A look that wrote anything would be refused here.
  for (const watch of watches)
    found.set(watch.name, await hub.app.store.read(id, (tx) => watch.look(tx, now)))
  return found
}

const run = (statement: ReturnType<typeof sql>) =>
  hub.app.store.transaction(workspace.id, (tx) => tx.execute(statement))

async function connection(name: string, more: { state?: string; dailyCalls?: number } = {}) {
  const id = newId('con')
  await run(sql`
    insert into connections (id, vendor, name, settings, state, daily_calls, created_at, updated_at)
    values (${id}, 'hubspot', ${name}, '', ${more.state ?? 'active'}, ${more.dailyCalls ?? null}, ${start}, ${start})`)
  return id
}

const stream = (connectionId: string, name: string, lastSuccessAt: Date, everyMinutes = 1440) =>
  run(sql`
    insert into sync_streams (connection_id, name, entity, direction, every_minutes, cadence_reason, next_run_at,
      last_success_at, reconciled_at, position)
    values (${connectionId}, ${name}, 'lead', 'both', ${everyMinutes}, '', ${later}, ${lastSuccessAt}, ${start}, 0)`)

async function syncRun(
  connectionId: string,
  fault: string | null,
  cause = 'schedule',
  endedAt = later,
): Promise<string> {
  const id = newId('run')
  await run(sql`
    insert into sync_runs (id, connection_id, streams, cause, due_at, state, fault_kind, queued_at, ended_at)
    values (${id}, ${connectionId}, '{contacts}', ${cause}, ${new Date(endedAt.getTime() + ids++)},
      ${fault === null ? 'succeeded' : 'failed'}, ${fault}, ${endedAt}, ${endedAt})`)
  return id
}
let ids = 0

describe('every watch', () => {
  beforeAll(async () => {
    workspace = await hub.freshWorkspace()
    const owner = await workspace.post('/api/v1/owners', {
      name: 'Canaryowner',
      email: 'owner@canary.example',
    })
    const lead = await workspace.post('/api/v1/integrations/sales/leads', {
      email: personal[0],
      firstName: personal[1],
    })
    const personId = (await workspace.get('/api/v1/people')).body.data[0].id
    const asked = await workspace.post('/api/v1/privacy/requests', {
      kind: 'access',
      personId,
      note: 'canaryvalue',
    })
    expect(asked.status, asked.text).toBe(201)
    await run(sql`update tasks set state = 'done'`)
    await run(sql`
      insert into tasks (id, lead_id, kind, owner_id, due_at, created_at)
      values (${newId('tsk')}, ${lead.body.id}, 'follow_up', ${owner.body.id}, ${start}, ${start})`)
    await connection('Login CRM', { state: 'needs_login' })
    await syncRun(await connection('Failing CRM'), 'transient')
    await makeTroubled(lead.body.id)
    await run(sql`
      insert into webhook_endpoints (id, url, format, events, secret, state, disabled_reason, created_at, updated_at)
      values (${newId('whe')}, 'https://in.example/canaryvalue?key=canaryvalue', 'standard', '{*}', '', 'disabled',
        'It is gone.', ${start}, ${start})`)
    await run(sql`
      insert into dead_events (subscriber, seq, event, subject_id, error, tries, failed_at)
      values ('webhooks', 1, 'lead.created', ${lead.body.id}, 'Error', 5, ${start})`)
    await run(sql`
      insert into alert_channels (id, name, kind, target, min_severity, watches, failing_since, created_at, updated_at)
      values (${newId('alc')}, 'Pager', 'webhook', '', 'info', '{*}', ${start}, ${start}, ${start})`)
  })

  test('finds its own trouble once, and tells of it without anything personal', async () => {
    const found = await lookAt(workspace.id, later)
    const counts = Object.fromEntries([...found].map(([name, all]) => [name, all.length]))
    expect(counts).toEqual(Object.fromEntries([...found.keys()].map((name) => [name, 1])))
    expect(found.size).toBeGreaterThanOrEqual(14)
    const text = JSON.stringify([...found.values()])
    for (const value of personal) expect(text).not.toContain(value)
    for (const [finding] of found.values()) {
      expect(finding!.summary.length).toBeLessThan(500)
      expect(finding!.link).toMatch(/^\//)
    }
  })

  test('finds nothing in a workspace in which all is well', async () => {
    const other = await hub.freshWorkspace()
    const { body: lead } = await other.post('/api/v1/integrations/sales/leads', {
      email: 'a@b.example',
    })
    expect(lead.id).toMatch(/^lead_/)
    const found = await lookAt(other.id, new Date(clock.now().getTime() + 5 * MINUTE_MS))
    expect([...found.values()].flat()).toEqual([])
  })
})

/** Runs end well here; what they bring does not. */
async function makeTroubled(leadId: string): Promise<void> {
  const id = await connection('Troubled CRM', { dailyCalls: 100 })
  const runId = await syncRun(id, null)
  await stream(id, 'contacts', new Date(later.getTime() - 26 * HOUR_MS))
  await run(sql`
    insert into sync_errors (connection_id, stream, record, direction, entity, local_id, code, detail, first_at, last_at,
      last_run_id)
    select ${id}, 'contacts', 'lead_' || n, 'push', 'lead', 'lead_' || n, 'INVALID_EMAIL', 'canaryvalue', ${start}, ${start},
      ${runId} from generate_series(1, 120) n`)
  for (const code of ['certificate.missing', 'merge.both_changed'])
    await run(sql`
      insert into sync_errors (connection_id, stream, record, direction, entity, local_id, code, first_at, last_at, last_run_id)
      values (${id}, 'contacts', ${code}, 'push', 'lead', ${leadId}, ${code}, ${start}, ${start}, ${runId})`)
  await run(sql`
    insert into sync_certificates (run_id, stream, scope, here_count, here_hash, there_count, there_hash, buckets,
      differing_buckets, missing, lost, gone, changed_there, checked_at)
    values (${runId}, 'contacts', 'written', 9, '', 8, '', 1, 1, 1, 0, 0, 0, ${start})`)
  await run(sql`
    insert into sync_conflicts (id, connection_id, stream, entity, local_id, external_id, field, sides, due_at, created_at,
      updated_at)
    values (${newId('conf')}, ${id}, 'contacts', 'lead', ${leadId}, '7', 'phone', '', ${start}, ${start}, ${start})`)
  await run(sql`
    insert into sync_change_plans (id, connection_id, state, built_in, streams, made_at, proposed_at)
    values (${newId('pln')}, ${id}, 'proposed', ${runId}, '{contacts}', ${start}, ${start})`)
  await run(sql`
    insert into sync_backfills (id, connection_id, run_id, stream, entity, field, direction, share, state, total, fault_kind,
      fault_detail, asked_by, asked_at)
    values (${newId('bkf')}, ${id}, ${runId}, 'contacts', 'lead', 'jobTitle', 'in', 50, 'failed', 9, 'mapping', 'canaryvalue',
      'key_1', ${start})`)
  await syncRun(id, 'rate_share', 'schedule', new Date(later.getTime() - DAY_MS))
  await run(sql`
    insert into sync_pending (connection_id, entity, local_id, first_seq, last_seq, since)
    values (${id}, 'lead', ${leadId}, 1, 1, ${start})`)
  await run(sql`update connections set credentials_end_on = ${later}::date + 3 where id = ${id}`)
  await run(sql`
    insert into sync_disconnections (connection_id, vendor, name, address, state, next_attempt_at, deleted_at)
    values (${newId('con')}, 'pipedrive', 'Old CRM', 'https://hub.example/hooks/pipedrive/con_1', 'by_hand', ${start}, ${start})`)
  await run(sql`
    insert into sync_call_days (connection_id, day, taken) values (${id}, ${later.toISOString().slice(0, 10)}::date, 100)`)
}

describe('a connection', () => {
  const found = async (watch: string) => (await lookAt(workspace.id, later)).get(watch)
  const hoursAgo = (hours: number) => new Date(later.getTime() - hours * HOUR_MS)
  beforeAll(async () => {
    workspace = await hub.freshWorkspace()
  })

  test('fails until a whole run went well: one that sends changes alone does not show it', async () => {
    const id = await connection('A')
    await syncRun(id, 'permission', 'schedule', hoursAgo(3))
    await syncRun(id, null, 'change', hoursAgo(2))
    expect(await found('sync.connection_failing')).toMatchObject([{ key: id }])
    await syncRun(id, null, 'manual', hoursAgo(1))
    expect(await found('sync.connection_failing')).toEqual([])
  })

  test('that fails is not told of once more by its streams', async () => {
    const id = await connection('B')
    await stream(id, 'contacts', hoursAgo(80))
    await stream(id, 'deals', hoursAgo(30))
    expect(await found('sync.stream_late')).toMatchObject([
      { key: id, values: { streams: 2, oldestHours: 80 } },
    ])
    await syncRun(id, 'transient')
    expect(await found('sync.stream_late')).toEqual([])
  })

  test.each([
    [1440, 24.5, false],
    [1440, 25.5, true],
    [60, 1.4, false],
    [60, 1.6, true],
    [5, 0.4, false],
    [5, 0.6, true],
    [2880, 48.5, false],
    [2880, 49.5, true],
  ])('that reads every %i minutes is late after %f hours: %s', async (every, hours, isLate) => {
    const id = await connection(`Every ${every} ${hours}`)
    await stream(id, 'contacts', hoursAgo(hours), every)
    const keys = (await found('sync.stream_late'))!.map(({ key }) => key)
    expect(keys.includes(id)).toBe(isLate)
  })

  test('that is paused, or waits for a signature, is not told of', async () => {
    const paused = await connection('Paused', { state: 'paused' })
    await syncRun(paused, 'transient')
    await stream(paused, 'contacts', hoursAgo(80))
    await syncRun(await connection('Unsigned'), 'approval')
    await syncRun(await connection('Spent'), 'rate_daily')
    const keys = (await found('sync.connection_failing'))!.map(({ key }) => key)
    expect(keys).not.toContain(paused)
    expect((await found('sync.stream_late'))!.map(({ key }) => key)).not.toContain(paused)
    expect((await found('sync.connection_failing'))!.length).toBe(1) // B, from before
  })
})

describe('an allowance that is used up before anything is sent', () => {
  const yesterday = new Date(later.getTime() - DAY_MS)
  const found = async () =>
    (await lookAt(workspace.id, later)).get('sync.allowance_too_small')!.map(({ key }) => key)
  const starved = async (endedAt = yesterday, since = start) => {
    const id = await connection(newId('con'), { dailyCalls: 9 })
    await stream(id, 'contacts', start)
    const runId = await syncRun(id, 'rate_share', 'schedule', endedAt)
    await run(sql`
      insert into sync_pending (connection_id, entity, local_id, first_seq, last_seq, since)
      values (${id}, 'lead', ${newId('lead')}, 1, 1, ${since})`)
    return { id, runId }
  }
  const outcome = (runId: string, direction: string, kind: string) =>
    run(sql`
      insert into sync_outcomes (run_id, stream, record, direction, entity, outcome, at)
      values (${runId}, 'contacts', '7', ${direction}, 'lead', ${kind}, ${yesterday})`)
  beforeAll(async () => {
    workspace = await hub.freshWorkspace()
  })

  test('is told of until a record gets through', async () => {
    const { id, runId } = await starved()
    await outcome(runId, 'pull', 'updated')
    expect(await found()).toEqual([id])
    await outcome(await syncRun(id, null, 'change', yesterday), 'push', 'created')
    expect(await found()).toEqual([])
  })

  test('is not told of where only today’s is used up, records came late, or a first reading goes on', async () => {
    await starved(later)
    await starved(yesterday, new Date(later.getTime() - 12 * HOUR_MS))
    const { id, runId } = await starved()
    await run(sql`update sync_streams set last_success_at = null where connection_id = ${id}`)
    await outcome(runId, 'pull', 'created')
    expect(await found()).toEqual([])
  })
})

describe('a backfill', () => {
  const found = async () =>
    (await lookAt(workspace.id, later)).get('sync.backfill_stopped')!.map(({ key }) => key)
  const backfill = async (state: string, waitsFor: string | null, hours: number) => {
    const id = newId('bkf')
    const movedAt = new Date(later.getTime() - hours * HOUR_MS)
    const of = await connection(id)
    await run(sql`
      insert into sync_backfills (id, connection_id, run_id, stream, entity, field, direction, share, state, total, waits_for,
        asked_by, asked_at, moved_at)
      values (${id}, ${of}, ${newId('run')}, 'contacts', 'lead', 'jobTitle', 'in', 50, ${state}, 9, ${waitsFor}, 'key_1',
        ${start}, ${movedAt})`)
    return id
  }
  beforeAll(async () => {
    workspace = await hub.freshWorkspace()
  })

  test.each([
    ['failed', null, 0.1, true],
    ['running', null, 0.9, false],
    ['running', null, 1.1, true],
    ['running', 'live_sync', 1.1, true],
    ['running', 'plan', 1.1, true],
    ['running', 'calls', 25, false],
    ['running', 'calls', 27, true],
    ['paused', null, 80, false],
    ['done', null, 80, false],
    ['cancelled', null, 80, false],
  ])(
    'that is %s, waits for %s and moved %f hours ago is told of: %s',
    async (state, waits, hours, isTold) => {
      const id = await backfill(state, waits, hours)
      expect((await found()).includes(id)).toBe(isTold)
    },
  )
})

test.each([
  [-1, true],
  [14, true],
  [15, false],
])('credentials that end in %i days are told of: %s', async (days, isTold) => {
  workspace = await hub.freshWorkspace()
  const id = await connection('CRM')
  await run(
    sql`update connections set credentials_end_on = ${later}::date + ${days}::integer where id = ${id}`,
  )
  const found = (await lookAt(workspace.id, later)).get('sync.credentials_end')!
  expect(found.map(({ key }) => key)).toEqual(isTold ? [id] : [])
})

test('what is told holds what the alert holds, and no more', () => {
  const facts = {
    id: 'alr_1',
    watch: 'a.b',
    key: 'k',
    severity: 'info' as const,
    title: 'T',
    summary: 'S',
    link: '/x',
    values: { n: 1 },
    firedAt: start,
    resolvedAt: null,
  }
  const place = { publicUrl: 'https://hub.example', workspace: 'W' }
  expect(noticeOf('alert.firing', facts, place, later)).toEqual({
    type: 'alert.firing',
    timestamp: later.toISOString(),
    data: {
      id: 'alr_1',
      workspace: 'W',
      watch: 'a.b',
      key: 'k',
      severity: 'info',
      title: 'T',
      summary: 'S',
      url: 'https://hub.example/x',
      values: { n: 1 },
      firedAt: start.toISOString(),
      resolvedAt: null,
    },
  })
})
