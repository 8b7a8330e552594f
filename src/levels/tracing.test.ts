import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { currentTrace, noTracer } from '#core/trace.ts'
import { MINUTE_MS } from '#core/time.ts'
import { startTracing } from '#levels/tracing.ts'
import { startHubspot, type HubspotSandbox } from '#sandbox/hubspot/index.ts'
import { ManualClock, useHub } from '#tests/hub.ts'

interface Span {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  kind: number
  status: { code?: number }
  attributes: { key: string; value: { stringValue?: string } }[]
}

/** What a collector is sent, as JSON over HTTP. */
const bodies: string[] = []
const collector = createServer((request, response) => {
  let body = ''
  request.setEncoding('utf8')
  request.on('data', (part: string) => (body += part))
  request.on('end', () => {
    if (request.url === '/v1/traces') bodies.push(body)
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  })
})
await new Promise<void>((resolve) => void collector.listen(0, '127.0.0.1', resolve))
const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`

const clock = new ManualClock(new Date('2026-11-23T08:00:00Z'))
const hub = useHub({ clock, config: { otlpEndpoint: endpoint } })
let sandbox: HubspotSandbox
beforeAll(async () => {
  sandbox = await startHubspot({
    now: () => clock.now().getTime(),
    limits: { tenSecondly: null, daily: null, searchSecondly: null },
  })
})
afterAll(async () => {
  await sandbox.stop()
  collector.closeAllConnections()
  collector.close()
})

function spans(): Span[] {
  return bodies.flatMap((body) => {
    const { resourceSpans } = JSON.parse(body) as {
      resourceSpans: { scopeSpans: { spans: Span[] }[] }[]
    }
    return resourceSpans.flatMap((one) => one.scopeSpans.flatMap((scope) => scope.spans))
  })
}

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const CALLER = '00f067aa0ba902b7'

test('one trace leads from the caller’s request to the vendor’s call, and tells nothing of the person', async () => {
  const workspace = await hub.freshWorkspace()
  const settings = { baseUrl: sandbox.url, token: sandbox.token }
  await workspace.post('/api/v1/connections', { vendor: 'hubspot', name: 'CRM', settings })
  clock.advance(MINUTE_MS)
  await hub.app.jobs.tick()
  await hub.settle()
  const planted = {
    email: 'canary.trace@canary.example',
    firstName: 'Canaryfirst',
    lastName: 'Canarylast',
    phone: '+4915550001234',
    jobTitle: 'Canary Tracer',
    userId: 'canary-user-12',
  }
  const path = '/api/v1/integrations/sales/leads'
  const traceparent = `00-${TRACE}-${CALLER}-01`
  const made = await workspace.post(path, planted, { traceparent })
  expect(made.status, made.text).toBe(201)
  await workspace.get(`/api/v1/people?email=${planted.email}`, { traceparent })
  await workspace.get(`/api/v1/leads/${planted.email}`, { traceparent })
  await hub.settle()
  expect(sandbox.count('contacts')).toBe(1)
  const own = () => spans().filter((span) => span.traceId === TRACE)
  await expect
    .poll(() => own().map(({ name }) => name), { timeout: 20_000, interval: 200 })
    .toContain('sync run')
  const named = (name: string) => {
    const found = own().find((span) => span.name === name)
    expect(found, `${name} of ${own().map((span) => span.name)}`).toBeDefined()
    return found!
  }
  const ancestry = (span: Span): string[] => {
    const parent = own().find((one) => one.spanId === span.parentSpanId)
    return parent ? [...ancestry(parent), span.name] : [span.name]
  }
  expect(named(`POST ${path}`)).toMatchObject({ kind: 2, parentSpanId: CALLER })
  const call = own().find((span) => span.kind === 3 && span.name.endsWith('/batch/upsert'))!
  expect(ancestry(call)).toEqual([
    `POST ${path}`,
    'perform captureLead',
    'transaction',
    'handle sync.pending',
    'job sync.change',
    'sync run',
    'sync contacts',
    call.name,
  ])
  const told = sandbox.requests().filter(({ headers }) => headers['traceparent']?.includes(TRACE))
  expect(told.some(({ url }) => url.endsWith('/contacts/batch/upsert'))).toBe(true)
  expect(named('GET /api/v1/leads/{leadId}').status.code ?? 0).toBe(0)
  const all = bodies.join('\n')
  for (const value of [...Object.values(planted), encodeURIComponent(planted.email)])
    expect(all).not.toContain(value)
  expect(all).not.toContain(sandbox.token)
  expect(all).not.toContain(workspace.key)
})

test('a caller’s trace that is malformed or not sampled is not followed, and work keeps its own apart', async () => {
  const tracing = startTracing(endpoint)
  const seen = async (parent: string | null) => {
    const facts = parent === null ? {} : { parent }
    return tracing.tracer.span('work', facts, async () => currentTrace()!)
  }
  for (const bad of [
    `00-${'0'.repeat(32)}-${CALLER}-01`,
    `ff-${TRACE}-${CALLER}-01`,
    `00-${TRACE}-${CALLER}`,
    'nonsense',
  ])
    expect(await seen(bad)).not.toContain(TRACE)
  expect(await seen(`00-${TRACE}-${CALLER}-00`)).toMatch(new RegExp(`^00-${TRACE}-\\w{16}-00$`))
  expect(await seen(`01-${TRACE}-${CALLER}-01-more`)).toMatch(
    new RegExp(`^00-${TRACE}-\\w{16}-01$`),
  )
  const [one, two] = await Promise.all([seen(null), seen(null)])
  expect(one.slice(3, 35)).not.toBe(two.slice(3, 35))
  expect(currentTrace()).toBeNull()
  await tracing.stop()
})

test('without a collector nothing is traced', async () => {
  expect(await noTracer.span('work', {}, async () => currentTrace())).toBeNull()
})
