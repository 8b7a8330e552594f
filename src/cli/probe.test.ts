import { appendFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startApp, type App } from '#app.ts'
import { ProbeFile } from '#cli/probe.file.ts'
import { Prober } from '#cli/prober.ts'
import { silentLog } from '#core/log.ts'
import { HOUR_MS, SECOND_MS } from '#core/time.ts'
import { lowestOf, shareUp, uptimeOf, type Probe } from '#levels/probe.rules.ts'
import { expectProblem, ManualClock, openWorkspace, useHub } from '#tests/hub.ts'

const EVERY_MS = 10 * SECOND_MS
const clock = new ManualClock(new Date('2026-11-23T09:00:00Z'))
const hub = useHub({ clock })
let folder: string
let target: App | null = null

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'throughline-probe-'))
})
afterEach(async () => {
  await target?.stop()
  target = null
  await rm(folder, { recursive: true, force: true })
})

/** The hub that is looked at: another process on the same database, stopped and started at one port. */
async function startTarget(port: number): Promise<App> {
  const config = { ...hub.app.config, httpPort: port }
  target = await startApp(config, { listen: true, log: silentLog, clock })
  return target
}

async function stopTarget(): Promise<void> {
  await target?.stop()
  target = null
}

describe('a prober beside a hub that is stopped and started', () => {
  test('reports the uptime that its own file has, once the hub is back, and gaps that nobody saw', async () => {
    const workspace = await hub.freshWorkspace()
    const { key } = await workspace.withKey({ roles: ['prober'] })
    const { url } = await startTarget(0)
    const port = Number(new URL(url).port)
    const path = join(folder, 'probes.jsonl')
    const start = () => {
      const options = { url, key, name: 'outside', everyMs: EVERY_MS, clock }
      return new Prober({ ...options, file: new ProbeFile(path) })
    }
    let prober = start()
    const look = async (times: number) => {
      const told: boolean[] = []
      for (let i = 0; i < times; i += 1) {
        told.push((await prober.probe()).ok)
        await prober.deliver()
        clock.advance(EVERY_MS)
      }
      return told
    }
    const since = clock.now()
    expect(await look(4)).toEqual([true, true, true, true])
    await stopTarget()
    expect(await look(3)).toEqual([false, false, false])
    await startTarget(port)
    clock.advance(60 * SECOND_MS) // the prober's machine slept
    await appendFile(path, '{"at":"2026-11-2') // and was cut off while it wrote
    await appendFile(path, '\n')
    prober = start()
    expect(await look(3)).toEqual([true, true, true])
    const own = uptimeOf(await new ProbeFile(path).readAll(), since, clock.now())
    // The last answer before the pause holds for half an interval more.
    expect(own).toEqual({ upS: 70, downS: 35, gapS: 55 })
    const { body } = await workspace.get('/api/v1/uptime?window=30d')
    expect(body.data).toMatchObject([{ prober: 'outside', ...own, uptime: shareUp(own) }])
    expect(body.uptime).toBeCloseTo(70 / 160, 12)
    const { data } = (await workspace.get('/api/v1/service-levels/objectives')).body
    expect(data.at(-1)).toMatchObject({ id: 'uptime', total: 160, bad: 90, met: false })
  })

  test('is not believed when it got another answer than a correct one', async () => {
    const workspace = await hub.freshWorkspace()
    const { url } = hub
    const file = new ProbeFile(join(folder, 'probes.jsonl'))
    const look = (key: string, at = url) =>
      new Prober({ url: at, key, name: 'x', everyMs: EVERY_MS, clock, file }).probe()
    expect(await look(workspace.key)).toMatchObject({ ok: true, fault: null })
    expect(await look('tl_0123456789ab_wrong')).toMatchObject({ ok: false, fault: 'read_refused' })
    expect(await look(workspace.key, `${url}/docs`)).toMatchObject({
      ok: false,
      fault: 'not_ready',
    })
  })
})

describe('probes that are told', () => {
  const probe = (at: Date, ok = true) => ({
    at: at.toISOString(),
    everyMs: 1000,
    ok,
    durationMs: 5,
  })

  test('count once however often they are told, and none of the future', async () => {
    const workspace = await hub.freshWorkspace()
    const body = { prober: 'a', probes: [probe(clock.now())] }
    expect((await workspace.post('/api/v1/probes', body)).body).toMatchObject({
      taken: 1,
      known: 0,
    })
    expect((await workspace.post('/api/v1/probes', body)).body).toMatchObject({
      taken: 0,
      known: 1,
    })
    const ahead = { ...body, probes: [probe(new Date(clock.now().getTime() + HOUR_MS))] }
    expectProblem(await workspace.post('/api/v1/probes', ahead), 422, 'request.invalid')
  })

  test('of several probers in and before a window are summed as the rule says', async () => {
    const workspace = await openWorkspace(hub.app, (await hub.freshWorkspace()).id)
    const nowMs = clock.now().getTime()
    const told: Record<string, Probe[]> = { a: [], b: [] }
    for (const [prober, ok] of [
      ['a', (i: number) => i % 7 !== 0],
      ['b', (i: number) => i > 300],
    ] as const) {
      const times = Array.from({ length: 400 }, (_, i) => nowMs - (400 - i) * 1100 - (i % 5) * 90)
      const probes = times.map((ms, i) => probe(new Date(ms), ok(i)))
      told[prober] = probes.map((one) => ({ ...one, at: new Date(one.at) }))
      await workspace.post('/api/v1/probes', { prober, probes })
    }
    const { body } = await workspace.get('/api/v1/uptime?window=5m')
    const from = new Date(body.from)
    const expected = Object.values(told).map((probes) => {
      // One before the window holds into it.
      const first = probes.findLastIndex(({ at }) => at <= from)
      return uptimeOf(probes.slice(Math.max(0, first)), from, new Date(body.to))
    })
    for (const [i, own] of expected.entries())
      for (const kind of ['upS', 'downS', 'gapS'] as const)
        expect(body.data[i][kind]).toBeCloseTo(own[kind], 6)
    expect(body.uptime).toBeCloseTo(shareUp(lowestOf(expected)!)!, 9)
  })
})
