import { createHash } from 'node:crypto'
import { HOUR_MS } from '#core/time.ts'
import type { Capture, ConsentCapture, Identity, TouchCapture, Utm } from '#people/capture.ts'
import { slugOf } from '#people/channel.rules.ts'
import { isPlaceholder, looksLikeEmail } from '#people/identity.rules.ts'
import { readLanding } from '#people/landing.rules.ts'
import { TrackingEvent } from './tracking.schema.ts'
import { consentsOf, personalOf } from './tracking-traits.rules.ts'

/** Who sends: the `source` of what is captured. */
export const trackingSource = 'segment'

export const maxEventBytes = 32 * 1024
const maxDepth = 30
const maxIdLength = 500
const maxMessageIdLength = 255

/** What an event means here, or why it cannot be used. */
export type ReadEvent =
  | {
      kind: 'capture'
      capture: Capture
      /** Of an alias: who it says this was before. */ previousId?: string
    }
  | { kind: 'quarantine'; reason: string }

export interface Arrival {
  receivedAt: Date
  /** The batch's own `sentAt`; an event may bring another. */
  sentAt: string | undefined
  /** The batch's `context`, which lies under each event's. */
  context: Record<string, unknown>
  /** Whether the key may record consents. */
  takesConsents: boolean
}

/**
 * Reads one event of the Segment HTTP tracking API.
 * @see Segment, "HTTP API Source" and "Spec" (common fields, identify, track, page, screen, group, alias).
 */
export function readEvent(raw: unknown, arrival: Arrival): ReadEvent {
  if (isDeeperThan(raw, maxDepth))
    return refuse(`The event is nested deeper than ${maxDepth} levels.`)
  if (Buffer.byteLength(JSON.stringify(raw) ?? '') > maxEventBytes) {
    return refuse(`The event is larger than ${maxEventBytes} bytes.`)
  }
  const parsed = TrackingEvent.safeParse(raw)
  if (!parsed.success) {
    return refuse(
      'The event is no object with a type of identify, track, page, screen, group or alias.',
    )
  }
  const event = { ...parsed.data, context: { ...arrival.context, ...parsed.data.context } }
  const fault = findFault(event)
  if (fault !== null) return refuse(fault)
  const identities = identitiesOf(event)
  if (identities.length === 0)
    return refuse('The event names nobody: a userId or anonymousId is needed.')
  const occurredAt = correctTime(event, arrival)
  if (occurredAt === null) return refuse('The timestamp is no date.')
  const capture: Capture = {
    source: trackingSource,
    identities,
    personal: personalOf(event),
    consents: arrival.takesConsents ? consentsOf(event).map(datedAt(occurredAt)) : [],
    touch: touchOf(event, occurredAt, messageIdOf(event, raw, arrival.receivedAt)),
  }
  return event.type === 'alias' && event.previousId !== undefined
    ? { kind: 'capture', capture, previousId: event.previousId }
    : { kind: 'capture', capture }
}

function refuse(reason: string): ReadEvent {
  return { kind: 'quarantine', reason }
}

function findFault(event: TrackingEvent): string | null {
  const { userId, anonymousId, previousId } = event
  if ([userId, anonymousId, previousId].some((id) => (id?.length ?? 0) > maxIdLength)) {
    return `An id is longer than ${maxIdLength} characters.`
  }
  if (event.type === 'track' && !event.event) return 'A track event needs its event name.'
  if (event.type === 'group' && !event.groupId) return 'A group event needs a groupId.'
  if (event.type === 'alias' && (!previousId || !userId)) {
    return 'An alias event needs previousId and userId.'
  }
  return null
}

/** Who the event is about. An e-mail address in place of a user id is also taken as the address. */
function identitiesOf(event: TrackingEvent): Identity[] {
  const identities: Identity[] = []
  const add = (kind: Identity['kind'], value: unknown) => {
    if (typeof value !== 'string' || isPlaceholder(value)) return
    identities.push({ kind, value })
  }
  const addEmail = (value: unknown) => {
    if (typeof value === 'string' && looksLikeEmail(value)) add('email', value)
  }
  add('user_id', event.userId)
  addEmail(event.userId)
  if (event.type === 'identify') addEmail({ ...contextTraits(event), ...event.traits }['email'])
  if (event.type === 'alias') {
    if (looksLikeEmail(event.previousId ?? '')) addEmail(event.previousId)
    else add('anonymous_id', event.previousId)
  }
  add('anonymous_id', event.anonymousId)
  return identities
}

function contextTraits(event: TrackingEvent): Record<string, unknown> {
  const traits = event.context['traits']
  return isRecord(traits) ? traits : {}
}

/**
 * When it happened by our clock: the device's time shifted by what its clock was off at sending,
 * `timestamp + (receivedAt - sentAt)`, as Segment does it. A time in the future becomes now.
 */
function correctTime(event: TrackingEvent, { receivedAt, sentAt }: Arrival): Date | null {
  const said = event.timestamp ?? event.originalTimestamp
  if (said === undefined) return receivedAt
  const saidMs = Date.parse(said)
  if (Number.isNaN(saidMs)) return null
  const sentMs = Date.parse(event.sentAt ?? sentAt ?? '')
  const skewMs = Number.isNaN(sentMs) ? 0 : receivedAt.getTime() - sentMs
  const atMs = Math.min(saidMs + skewMs, receivedAt.getTime())
  const year = new Date(atMs).getUTCFullYear()
  return year >= 1970 && year <= 9999 ? new Date(atMs) : null
}

/**
 * What tells a redelivery from a new event. Without a messageId it is a hash of the event, and of the
 * hour when the event has no time either: a retry is found, the same click tomorrow is another one.
 */
function messageIdOf(event: TrackingEvent, raw: unknown, receivedAt: Date): string {
  const given = event.messageId?.trim() ?? ''
  if (given !== '' && given.length <= maxMessageIdLength) return given
  const { sentAt: _, ...content } = raw as Record<string, unknown>
  const isTimed = event.timestamp !== undefined || event.originalTimestamp !== undefined
  const hour = isTimed ? '' : String(Math.floor(receivedAt.getTime() / HOUR_MS))
  return `sha256:${createHash('sha256').update(JSON.stringify(content)).update(hour).digest('hex')}`
}

function touchOf(event: TrackingEvent, occurredAt: Date, messageId: string): TouchCapture | null {
  const kind = kindOf(event)
  if (kind === null) return null
  const page = isRecord(event.context['page']) ? event.context['page'] : {}
  const seen = event.type === 'page' ? { ...page, ...event.properties } : page
  const url = textOf(seen['url'])
  const search = textOf(seen['search'])
  const referrer = textOf(seen['referrer'])
  const landing = readLanding(search ?? url ?? '')
  const utm = { ...landing.utm, ...campaignUtm(event.context['campaign']) }
  const detail = {
    ...(url === undefined ? {} : { url }),
    ...(referrer === undefined ? {} : { referrer }),
    ...(Object.keys(landing.clickIds).length === 0 ? {} : { clickIds: landing.clickIds }),
    ...(event.event === undefined ? {} : { event: event.event }),
    ...(event.name === undefined ? {} : { name: event.name }),
    ...(Object.keys(event.properties).length === 0 ? {} : { properties: event.properties }),
  }
  return { kind, channel: null, utm, detail, occurredAt, messageId }
}

function kindOf(event: TrackingEvent): string | null {
  if (event.type === 'page') return 'page_view'
  if (event.type === 'screen') return 'screen_view'
  return event.type === 'track' ? slugOf(event.event ?? '') || 'event' : null
}

/** Segment's `context.campaign`: the utm parameters without their prefix, `name` for utm_campaign. */
function campaignUtm(campaign: unknown): Utm {
  if (!isRecord(campaign)) return {}
  const utm: Utm = {}
  const { source, medium, name, term, content } = campaign
  if (textOf(source) !== undefined) utm.source = textOf(source)!
  if (textOf(medium) !== undefined) utm.medium = textOf(medium)!
  if (textOf(name) !== undefined) utm.campaign = textOf(name)!
  if (textOf(term) !== undefined) utm.term = textOf(term)!
  if (textOf(content) !== undefined) utm.content = textOf(content)!
  return utm
}

function datedAt(occurredAt: Date): (consent: ConsentCapture) => ConsentCapture {
  return (consent) => ({ ...consent, occurredAt })
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Recursion stops at the limit, so that hostile nesting cannot exhaust the stack. */
export function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  return Object.values(value).some((inner) => isDeeperThan(inner, levels - 1))
}
