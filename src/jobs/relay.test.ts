import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DAY_MS } from '#core/time.ts'
import { listDeadEvents, settleDeadEvent } from '#jobs/dead-event.store.ts'
import type { Subscriber } from '#jobs/job.ts'
import { rowsRead, runOnServer } from '#tests/store.ts'
import { ensurePositions, findBusy, listLags, passQuiet } from '#jobs/relay.store.ts'
import { emit, openJobsBench, type JobsBench } from '#tests/jobs.ts'

let bench: JobsBench
beforeAll(async () => {
  bench = await openJobsBench()
  await runOnServer(
    `create table effects (id bigint generated always as identity primary key, workspace_id identifier not null, subscriber text, subject_id text);
     select throughline_isolate('effects')`,
    bench.connectionString,
  )
})
afterAll(() => bench.close())

let names = 0
const unique = (name: string) => `test.${name}.${(names += 1)}`

/** Notes each event in the table `effects`, in the transaction of its position; `before` may fail. */
function recorder(
  event: string,
  before: (subjectIds: string[]) => Promise<void> | void = () => {},
): Subscriber {
  const name = unique('subscriber')
  return {
    name,
    events: [event],
    async handle(events, tx) {
      const subjectIds = events.map((one) => one.subjectId)
      await tx.execute(sql`
        insert into effects (subscriber, subject_id) select ${name}, s from unnest(${subjectIds}::text[]) with ordinality as u(s, n) order by n`)
      await before(subjectIds)
    },
  }
}

/** What a subscriber did, in order, by workspace. */
async function effectsOf({ name }: Subscriber): Promise<Record<string, string[]>> {
  const rows = await bench.store.system((tx) =>
    tx.query(sql<{ workspaceId: string; subjectId: string }>`
      select workspace_id, subject_id from effects where subscriber = ${name} order by id`),
  )
  const byWorkspace: Record<string, string[]> = {}
  for (const { workspaceId, subjectId } of rows) (byWorkspace[workspaceId] ??= []).push(subjectId)
  return byWorkspace
}

const tell = (workspaceId: string, event: string, subjectIds: string[], at?: Date) =>
  bench.store.transaction(workspaceId, (tx) => emit(tx, event, subjectIds, at))

test('with many writers whose commits overlap and some of which roll back, two relays deliver each event once and none is passed over', async () => {
  const event = unique('event')
  const workspaceIds = await Promise.all(Array.from({ length: 3 }, () => bench.freshWorkspaceId()))
  const subscriber = recorder(event)
  const [one] = [
    await bench.start({ subscribers: [subscriber], active: true }),
    await bench.start({ subscribers: [subscriber], active: true }),
  ]
  const committed = new Set<string>()
  const write = async (writer: number) => {
    for (let n = 0; n < 40; n++) {
      const subjectId = `${writer}.${n}`
      const isKept = (writer + n) % 5 !== 0
      const work = bench.store.transaction(workspaceIds[(writer + n) % 3]!, async (tx) => {
        await emit(tx, event, [subjectId])
        await tx.execute(sql`select pg_sleep(${((writer * 7 + n * 13) % 6) / 1000}::float8)`)
        if (!isKept) throw new Error('on purpose')
      })
      if (isKept) {
        await work
        committed.add(subjectId)
      } else await expect(work).rejects.toThrow('on purpose')
    }
  }
  await Promise.all([0, 1, 2, 3, 4].map(write))
  await one.drain()
  const effects = await effectsOf(subscriber)
  const delivered = Object.values(effects).flat()
  expect(delivered).toHaveLength(committed.size)
  expect(new Set(delivered)).toEqual(committed)
  for (const workspaceId of workspaceIds) {
    const order = await bench.store.system((tx) =>
      tx.query(sql<{ subjectId: string }>`
        select subject_id from outbox where workspace_id = ${workspaceId} and event = ${event} order by xid, seq`),
    )
    expect(effects[workspaceId]).toEqual(order.map((row) => row.subjectId))
  }
})

test('an event reaches its subscriber soon after the commit, without a poll', async () => {
  const event = unique('event')
  const workspaceId = await bench.freshWorkspaceId()
  const { promise, resolve } = Promise.withResolvers<number>()
  const subscriber = recorder(event, () => resolve(performance.now()))
  await bench.start({ subscribers: [subscriber], active: true })
  const toldAtMs = performance.now()
  await tell(workspaceId, event, ['x'])
  expect((await promise) - toldAtMs).toBeLessThan(1500) // the poll alone would take up to 2 s
})

test('subscribers that are always busy do not keep the others out', async () => {
  const event = unique('event')
  const workspaceId = await bench.freshWorkspaceId()
  const subscribers = Array.from({ length: 6 }, () =>
    recorder(event, async () => {
      await new Promise((resolve) => setTimeout(resolve, 20)) // its work
    }),
  )
  await bench.start({ subscribers, active: true })
  const enough = new AbortController()
  const writing = (async () => {
    while (!enough.signal.aborted) await tell(workspaceId, event, ['x'])
  })()
  const handledBy = async () =>
    (await Promise.all(subscribers.map(effectsOf))).filter((effects) => workspaceId in effects)
  await expect.poll(handledBy, { timeout: 5000 }).toHaveLength(6)
  enough.abort()
  await writing
})

test('workspaces whose events alternate are handled in one transaction each, not one an event', async () => {
  const event = unique('event')
  const [a, b, c] = await Promise.all([1, 2, 3].map(() => bench.freshWorkspaceId()))
  let calls = 0
  const subscriber = recorder(event, () => void (calls += 1))
  const jobs = await bench.start({ subscribers: [subscriber] })
  await bench.store.system((tx) =>
    tx.execute(sql`
      insert into outbox (workspace_id, event, subject_id, occurred_at)
      select (array[${a}, ${b}, ${c}])[1 + i % 3], ${event}, i::text, now() from generate_series(0, 899) i order by i::int`),
  )
  await jobs.drain()
  const effects = await effectsOf(subscriber)
  for (const [i, id] of [a, b, c].entries()) {
    expect(effects[id!]).toEqual(Array.from({ length: 300 }, (_, n) => String(n * 3 + i)))
  }
  expect(calls).toBe(6) // two batches of three workspaces
})

test('a workspace that fails does not undo or repeat what others of its batch have done', async () => {
  const event = unique('event')
  const [good, bad, fine] = await Promise.all([1, 2, 3].map(() => bench.freshWorkspaceId()))
  let failures = 0
  const subscriber = recorder(event, (subjectIds) => {
    if (subjectIds.includes('bad') && (failures += 1) < 3) throw new Error('not yet')
  })
  const jobs = await bench.start({ subscribers: [subscriber] })
  for (const [id, subjectId] of [
    [good!, 'good'],
    [bad!, 'bad'],
    [fine!, 'fine'],
  ] as const) {
    await tell(id, event, [subjectId])
  }
  await jobs.drain()
  expect(await effectsOf(subscriber)).toEqual({
    [good!]: ['good'],
    [bad!]: ['bad'],
    [fine!]: ['fine'],
  })
  expect(failures).toBe(3)
})

describe('an event that always fails', () => {
  test('is buried, everything around it has its effect once and in order, and later events are late by less than 5 s', async () => {
    const event = unique('event')
    const workspaceId = await bench.freshWorkspaceId()
    let tries = 0
    const subscriber = recorder(event, (subjectIds) => {
      if (subjectIds.includes('13')) {
        tries += 1
        throw new RangeError('ada@example.com is not wanted here')
      }
    })
    const bystander = recorder(event)
    const jobs = await bench.start({ subscribers: [subscriber, bystander] })
    await tell(
      workspaceId,
      event,
      Array.from({ length: 100 }, (_, n) => String(n)),
    )
    const startedAtMs = performance.now()
    await jobs.drain()
    expect(performance.now() - startedAtMs).toBeLessThan(5000)
    const others = Array.from({ length: 100 }, (_, n) => String(n)).filter((id) => id !== '13')
    expect((await effectsOf(subscriber))[workspaceId]).toEqual(others)
    expect((await effectsOf(bystander))[workspaceId]).toHaveLength(100)
    const dead = await bench.store.transaction(workspaceId, (tx) => listDeadEvents(tx, 10))
    expect(dead).toMatchObject([{ subscriber: subscriber.name, event, subjectId: '13', tries: 5 }])
    expect(dead[0]?.error).toMatch(/^RangeError at src\/jobs\/relay\.test\.ts/)
    expect(dead[0]?.error).not.toContain('ada')
    expect(tries).toBeLessThan(20)
  })

  test('is buried also when it fails in the database or takes too long there', async () => {
    const event = unique('event')
    const workspaceId = await bench.freshWorkspaceId()
    const subscriber: Subscriber = {
      name: unique('subscriber'),
      events: [event],
      async handle(events, tx) {
        for (const { subjectId } of events) {
          await tx.execute(sql`select set_config('statement_timeout', '20', true)`)
          if (subjectId === 'slow') await tx.execute(sql`select pg_sleep(1)`)
          if (subjectId === 'broken') await tx.execute(sql`select 1 / 0`)
          await tx.execute(sql`select set_config('statement_timeout', '30000', true)`)
          await tx.execute(
            sql`insert into effects (subscriber, subject_id) values (${subscriber.name}, ${subjectId})`,
          )
        }
      },
    }
    const jobs = await bench.start({ subscribers: [subscriber] })
    await tell(workspaceId, event, ['a', 'slow', 'b', 'broken', 'c'])
    await jobs.drain()
    expect((await effectsOf(subscriber))[workspaceId]).toEqual(['a', 'b', 'c'])
    const dead = await bench.store.transaction(workspaceId, (tx) => listDeadEvents(tx, 10))
    expect(dead.map((row) => row.subjectId)).toEqual(['broken', 'slow'])
    expect(dead[0]?.error).toContain('22012')
  })

  test('has its effect when it is asked for again after the repair, and is buried again before', async () => {
    const event = unique('event')
    const workspaceId = await bench.freshWorkspaceId()
    let isRepaired = false
    const subscriber = recorder(event, () => {
      if (!isRepaired) throw new Error('broken')
    })
    const jobs = await bench.start({ subscribers: [subscriber] })
    await tell(workspaceId, event, ['x'])
    await jobs.drain()
    const retry = async () => {
      const isAsked = await bench.store.transaction(workspaceId, async (tx) => {
        const [dead] = await listDeadEvents(tx, 1)
        return dead !== undefined && (await settleDeadEvent(tx, dead, 'retry'))
      })
      await jobs.drain()
      return isAsked
    }
    expect(await retry()).toBe(true)
    expect(await bench.store.transaction(workspaceId, (tx) => listDeadEvents(tx, 1))).toMatchObject(
      [{ tries: 6 }],
    )
    isRepaired = true
    expect(await retry()).toBe(true)
    expect(await effectsOf(subscriber)).toEqual({ [workspaceId]: ['x'] })
    expect(await retry()).toBe(false)
  })

  test('is seen and settled by its own workspace only', async () => {
    const event = unique('event')
    const [mine, theirs] = await Promise.all([1, 2].map(() => bench.freshWorkspaceId()))
    const subscriber = recorder(event, () => Promise.reject(new Error('broken')))
    const jobs = await bench.start({ subscribers: [subscriber] })
    await tell(theirs!, event, ['x'])
    await jobs.drain()
    const [dead] = await bench.store.transaction(theirs!, (tx) => listDeadEvents(tx, 1))
    expect(await bench.store.transaction(mine!, (tx) => listDeadEvents(tx, 1))).toEqual([])
    expect(
      await bench.store.transaction(mine!, (tx) => settleDeadEvent(tx, dead!, 'dismissed')),
    ).toBe(false)
    expect(
      await bench.store.transaction(theirs!, (tx) => settleDeadEvent(tx, dead!, 'dismissed')),
    ).toBe(true)
  })
})

test('a database that goes away in the middle, more often than an event may fail, buries nothing', async () => {
  const event = unique('event')
  const workspaceId = await bench.freshWorkspaceId()
  let kills = 0
  const subscriber: Subscriber = {
    name: unique('subscriber'),
    events: [event],
    async handle(events, tx) {
      await tx.execute(
        sql`insert into effects (subscriber, subject_id) values (${subscriber.name}, ${events[0]!.subjectId})`,
      )
      if (kills < 7) {
        kills += 1
        const self = await tx.find(sql<{ pid: number }>`select pg_backend_pid() as pid`)
        await runOnServer(`select pg_terminate_backend(${self?.pid})`)
      }
      await tx.execute(sql`select 1`)
    },
  }
  const jobs = await bench.start({ subscribers: [subscriber] })
  await tell(workspaceId, event, ['x'])
  for (let tries = 0; tries < 7; tries++) {
    await expect(jobs.drain()).rejects.toMatchObject({ code: 'service.unavailable' })
  }
  await jobs.drain()
  expect(await effectsOf(subscriber)).toEqual({ [workspaceId]: ['x'] })
  expect(await bench.store.transaction(workspaceId, (tx) => listDeadEvents(tx, 1))).toEqual([])
})

test('old events are let go once all have passed them, but not those that are buried', async () => {
  const event = unique('event')
  const workspaceId = await bench.freshWorkspaceId()
  const subscriber = recorder(event, (subjectIds) => {
    if (subjectIds.includes('bad')) throw new Error('broken')
  })
  const jobs = await bench.start({ subscribers: [subscriber] })
  const longAgo = new Date(Date.now() - 8 * DAY_MS)
  await tell(workspaceId, event, ['good', 'bad', 'fine'], longAgo)
  const kept = async () => {
    // The engine itself may be quicker than the test: then it is made due once more.
    const tick = async () => {
      await runOnServer(
        `update timers set next_due_at = now() - interval '1 second' where name = 'jobs.trim_outbox'`,
        bench.connectionString,
      )
      return jobs.tick()
    }
    await expect.poll(tick, { timeout: 10_000 }).toContain('jobs.trim_outbox')
    const rows = await bench.store.transaction(workspaceId, (tx) =>
      tx.query(
        sql<{
          subjectId: string
        }>`select subject_id from outbox where event = ${event} order by seq`,
      ),
    )
    return rows.map((row) => row.subjectId)
  }
  expect(await kept()).toEqual(['good', 'bad', 'fine'])
  await jobs.drain()
  await tell(workspaceId, event, ['new'])
  await jobs.drain()
  expect(await kept()).toEqual(['bad', 'new'])
})

test('a subscriber whose events never come does not keep old events from being let go', async () => {
  const event = unique('event')
  const workspaceId = await bench.freshWorkspaceId()
  const { promise, resolve } = Promise.withResolvers<void>()
  const subscribers = [recorder(event, () => resolve()), recorder(unique('event'))]
  const jobs = await bench.start({ subscribers, active: true })
  await tell(workspaceId, event, ['old'], new Date(Date.now() - 8 * DAY_MS))
  await promise
  const kept = async () => {
    const due = `update timers set next_due_at = now() - interval '1 second' where name = 'jobs.trim_outbox'`
    await runOnServer(due, bench.connectionString)
    await jobs.tick()
    return bench.store.system((tx) =>
      tx.query(sql`select subject_id from outbox where event = ${event}`),
    )
  }
  await expect.poll(kept).toEqual([])
})

test('after a restore to a server whose transaction ids are behind, events go on without loss', async () => {
  const event = unique('event')
  const workspaceId = await bench.freshWorkspaceId()
  const subscriber = recorder(event)
  const before = await bench.start({ subscribers: [subscriber] })
  await tell(workspaceId, event, ['handled'])
  await before.drain()
  await tell(workspaceId, event, ['open 1', 'open 2'])
  // As if all that had happened on a server that was a billion transactions further.
  await runOnServer(
    `update outbox set xid = (xid::text::bigint + 1000000000)::text::xid8;
     update subscriber_positions set xid = (xid::text::bigint + 1000000000)::text::xid8`,
    bench.connectionString,
  )
  const after = await bench.start({ subscribers: [subscriber] })
  await tell(workspaceId, event, ['later'])
  await after.drain()
  expect(await effectsOf(subscriber)).toEqual({
    [workspaceId]: ['handled', 'open 1', 'open 2', 'later'],
  })
})

test('with much that is kept and handled, a look reads only what is new', async () => {
  const subscribers = Array.from({ length: 3 }, () => recorder(unique('event')))
  const events = subscribers.map((one) => one.events[0]!)
  const workspaceId = await bench.freshWorkspaceId()
  const kept = Array.from({ length: 10_000 }, (_, i) => `kept_${i}`)
  for (const event of events) await tell(workspaceId, event, kept)
  const read = await bench.store.system(async (tx) => {
    await ensurePositions(
      tx,
      subscribers.map(({ name }) => name),
    )
    await tx.execute(sql`
      update subscriber_positions set (xid, seq) = (select xid, seq from outbox order by xid desc, seq desc limit 1)
      where subscriber like 'test.%'`)
    await tx.execute(sql`analyze outbox`)
    return rowsRead(tx, 'outbox', async () => {
      expect((await findBusy(tx, subscribers)).names).toEqual([])
      await passQuiet(tx, subscribers)
      await listLags(tx, subscribers, 100)
    })
  })
  expect(read).toBeLessThan(100)
})
