import { describe, expect, test } from 'vitest'
import { mailOf, noticeOf, slackOf, type AlertFacts } from './notice.rules.ts'
import { CHANNEL_WATCH, wants, type Route } from './route.rules.ts'

const route = (more: Partial<Route> = {}): Route => ({
  id: 'alc_1',
  minSeverity: 'warning',
  watches: ['*'],
  ...more,
})
const alert = { watch: 'sync.stream_late', key: 'con_1', severity: 'warning' as const }

describe('a channel', () => {
  test.each([
    [route(), true],
    [route({ minSeverity: 'critical' }), false],
    [route({ watches: ['sync.*'] }), true],
    [route({ watches: ['sync.stream_late'] }), true],
    [route({ watches: ['sync.stream'] }), false],
    [route({ watches: ['jobs.*', 'webhooks.*'] }), false],
  ])('%o wants what fits its severity and one of its watches', (to, isWanted) => {
    expect(wants(to, alert)).toBe(isWanted)
  })

  test('is not told of its own trouble, and others are', () => {
    const own = { watch: CHANNEL_WATCH, key: 'alc_1', severity: 'critical' as const }
    expect(wants(route(), own)).toBe(false)
    expect(wants(route({ id: 'alc_2' }), own)).toBe(true)
  })
})

describe('a notice', () => {
  const facts: AlertFacts = {
    ...alert,
    id: 'alr_1',
    title: 'Data is older than promised',
    summary: 'CRM <!channel> & co:\r\nBcc: everybody@example.com',
    link: '/sync#con_1',
    values: {},
    firedAt: new Date('2026-11-23T09:00:00Z'),
    resolvedAt: null,
  }
  const place = { publicUrl: 'https://hub.example', workspace: 'Northwind' }
  const notice = noticeOf('alert.firing', facts, place, new Date('2026-11-23T09:00:00Z'))

  test('calls nobody in a chat by a name in it', () => {
    const { text, blocks } = JSON.parse(slackOf(notice)) as { text: string; blocks: unknown[] }
    expect(text).toContain('CRM &lt;!channel&gt; &amp; co')
    expect(JSON.stringify(blocks)).not.toContain('<!channel>')
    expect(text).toContain('<https://hub.example/sync#con_1|Open in Throughline>')
  })

  test('adds no header to a mail', () => {
    const { subject } = mailOf(notice)
    expect(subject).toBe('[Northwind] Firing: CRM <!channel> & co: Bcc: everybody@example.com')
  })
})
