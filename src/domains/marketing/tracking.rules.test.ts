import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readEvent, type Arrival } from './tracking.rules.ts'

const receivedAt = new Date('2026-11-23T10:00:00.000Z')
const arrival: Arrival = {
  receivedAt,
  sentAt: '2026-11-23T09:59:50.000Z', // the sender's clock is ten seconds slow
  context: {},
  takesConsents: true,
}

const track = { type: 'track', event: 'Signed Up', userId: 'u1', messageId: 'm1' }

function captureOf(event: object, more: Partial<Arrival> = {}) {
  const read = readEvent(event, { ...arrival, ...more })
  if (read.kind !== 'capture') throw new Error(read.reason)
  return read.capture
}

function reasonOf(event: unknown): string {
  const read = readEvent(event, arrival)
  return read.kind === 'quarantine' ? read.reason : 'captured'
}

test('a track event is a touch of the kind of its name', () => {
  const properties = { plan: 'pro', revenue: 10 }
  const { touch, identities } = captureOf({ ...track, properties })
  expect(touch).toMatchObject({
    kind: 'signed_up',
    channel: null,
    messageId: 'm1',
    detail: { event: 'Signed Up', properties },
  })
  expect(identities).toEqual([{ kind: 'user_id', value: 'u1' }])
})

test('the sender’s clock is corrected by what it was off at sending, and never into the future', () => {
  const at = (timestamp?: string, sentAt?: string) =>
    captureOf({ ...track, timestamp, sentAt }).touch!.occurredAt.toISOString()
  expect(at('2026-11-23T09:00:00Z')).toBe('2026-11-23T09:00:10.000Z')
  expect(at('2026-11-23T09:00:00Z', '2026-11-23T10:00:00Z')).toBe('2026-11-23T09:00:00.000Z')
  expect(at()).toBe(receivedAt.toISOString())
  expect(at('2031-01-01T00:00:00Z')).toBe(receivedAt.toISOString())
  expect(at('2020-05-01T00:00:00Z', 'garbage')).toBe('2020-05-01T00:00:00.000Z')
})

test('a page brings its address, its referrer, campaign and click ids', () => {
  const { touch } = captureOf({
    type: 'page',
    anonymousId: 'a1',
    name: 'Home',
    context: {
      campaign: { source: 'google', medium: 'cpc', name: 'spring' },
      page: {
        url: 'https://acme.example/?utm_source=x',
        search: '?gclid=abc&utm_term=crm',
        referrer: 'https://www.google.com/',
      },
    },
  })
  expect(touch).toMatchObject({
    kind: 'page_view',
    utm: { source: 'google', medium: 'cpc', campaign: 'spring', term: 'crm' },
    detail: {
      url: 'https://acme.example/?utm_source=x',
      referrer: 'https://www.google.com/',
      clickIds: { gclid: 'abc' },
      name: 'Home',
    },
  })
})

test('identify tells who it is and what they are like, and makes no touch', () => {
  const { identities, personal, touch } = captureOf({
    type: 'identify',
    userId: 'u1',
    anonymousId: 'a1',
    traits: {
      email: ' Ada@Example.com ',
      name: 'Ada Augusta King',
      title: 'CTO',
      company: { name: 'Acme', id: 7 },
      address: { country: 'GB' },
      plan: 'pro',
      password: 'secret',
    },
  })
  expect(identities).toEqual([
    { kind: 'user_id', value: 'u1' },
    { kind: 'email', value: ' Ada@Example.com ' },
    { kind: 'anonymous_id', value: 'a1' },
  ])
  expect(personal).toEqual({
    email: ' Ada@Example.com ',
    firstName: 'Ada',
    lastName: 'Augusta King',
    jobTitle: 'CTO',
    company: 'Acme',
    country: 'GB',
    plan: 'pro',
  })
  expect(touch).toBeNull()
})

test('group tells the company, alias the id that somebody had before', () => {
  const group = { type: 'group', userId: 'u1', groupId: 'g1', traits: { name: 'Acme', seats: 5 } }
  expect(captureOf(group).personal).toEqual({ company: 'Acme', groupId: 'g1' })
  const alias = readEvent({ type: 'alias', userId: 'u1', previousId: 'a1' }, arrival)
  expect(alias).toMatchObject({
    kind: 'capture',
    previousId: 'a1',
    capture: {
      identities: [
        { kind: 'user_id', value: 'u1' },
        { kind: 'anonymous_id', value: 'a1' },
      ],
    },
  })
})

test('an address used as user id is found as address too; junk ids name nobody', () => {
  expect(captureOf({ ...track, userId: 'ada@example.com' }).identities).toEqual([
    { kind: 'user_id', value: 'ada@example.com' },
    { kind: 'email', value: 'ada@example.com' },
  ])
  expect(captureOf({ ...track, userId: 'undefined', anonymousId: 'a1' }).identities).toEqual([
    { kind: 'anonymous_id', value: 'a1' },
  ])
  expect(captureOf({ ...track, userId: 42 }).identities).toEqual([{ kind: 'user_id', value: '42' }])
})

test('consents come from the consent manager and from traits, if the key may record them', () => {
  const event = {
    type: 'identify',
    userId: 'u1',
    traits: { unsubscribed: true, consents: { 'Product News': true } },
    context: { consent: { categoryPreferences: { Advertising: true, Analytics: false } } },
  }
  const told = captureOf(event).consents.map(({ purpose, channel, status }) => [
    purpose,
    channel,
    status,
  ])
  expect(told).toEqual([
    ['advertising', 'any', 'granted'],
    ['analytics', 'any', 'denied'],
    ['product_news', 'email', 'granted'],
    ['marketing', 'email', 'withdrawn'],
  ])
  expect(captureOf(event, { takesConsents: false }).consents).toEqual([])
})

test('the context of the batch lies under that of the event', () => {
  const context = { campaign: { source: 'batch' }, page: { url: 'https://acme.example/' } }
  const event = { ...track, context: { campaign: { source: 'event' } } }
  expect(captureOf(event, { context }).touch).toMatchObject({
    utm: { source: 'event' },
    detail: { url: 'https://acme.example/' },
  })
})

test('without a messageId a retry has the same one, another event or another day has not', () => {
  const idOf = (event: object, more: Partial<Arrival> = {}) =>
    captureOf(event, more).touch!.messageId
  const bare = { type: 'track', event: 'Click', userId: 'u1' }
  const later = { receivedAt: new Date('2026-11-24T10:00:00Z') }
  const timed = { ...bare, timestamp: '2026-11-23T09:00:00Z' }
  expect(idOf({ ...bare, sentAt: '2026-11-23T09:00:00Z' })).toBe(idOf(bare))
  expect(idOf({ ...bare, event: 'Tap' })).not.toBe(idOf(bare))
  expect(idOf(bare, later)).not.toBe(idOf(bare))
  expect(idOf(timed, later)).toBe(idOf(timed))
  expect(idOf({ ...bare, messageId: 'x'.repeat(300) })).toMatch(/^sha256:/)
})

test.each([
  ['no object', 'text'],
  ['an unknown type', { type: 'dance', userId: 'u1' }],
  ['nobody', { type: 'page' }],
  ['a placeholder for everybody', { type: 'page', userId: 'null', anonymousId: '[object Object]' }],
  ['a track event without its name', { type: 'track', userId: 'u1' }],
  ['a group without its id', { type: 'group', userId: 'u1' }],
  ['an alias without what it was', { type: 'alias', userId: 'u1' }],
  ['a time that is none', { ...track, timestamp: 'yesterday' }],
  ['more than 32 KB', { ...track, properties: { text: 'x'.repeat(33_000) } }],
  ['an id of a page', { ...track, userId: 'x'.repeat(501) }],
  ['nesting without end', JSON.parse(`${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`)],
])('%s is set aside with the reason', (_, event) => {
  expect(reasonOf(event)).toMatch(/^(The|A|An) .+\.$/)
})

test('nothing that can be sent makes it throw', () => {
  const type = fc.constantFrom('track', 'page', 'identify', 'alias', 'group', 'screen')
  const event = fc.record(
    {
      type,
      userId: fc.anything(),
      anonymousId: fc.anything(),
      previousId: fc.anything(),
      groupId: fc.anything(),
      event: fc.anything(),
      traits: fc.anything(),
      properties: fc.anything(),
      context: fc.anything(),
      timestamp: fc.anything(),
      messageId: fc.anything(),
    },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(fc.oneof(event, fc.jsonValue()), (sent) => {
      const text = JSON.stringify(sent, (_, value) =>
        typeof value === 'bigint' ? String(value) : value,
      )
      expect(['capture', 'quarantine']).toContain(readEvent(JSON.parse(text), arrival).kind)
    }),
    { numRuns: 500 },
  )
})
