import { createHmac, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { MINUTE_MS } from '#core/time.ts'
import type { HookEvent, HookRequest, Hooks } from '#sync/connector.ts'
import { HubspotSettings } from './auth.ts'

const FRESH_MS = 5 * MINUTE_MS

/** The percent sequences that HubSpot decodes before it signs. HubSpot docs: validating requests, v3. */
const DECODED: Record<string, string> = {
  '%3A': ':',
  '%2F': '/',
  '%3F': '?',
  '%40': '@',
  '%21': '!',
  '%24': '$',
  '%27': "'",
  '%28': '(',
  '%29': ')',
  '%2A': '*',
  '%2C': ',',
  '%3B': ';',
}

/** Streams by what a subscription calls their records: a name, or the id of an object type. */
const STREAMS: Record<string, string> = {
  contact: 'contacts',
  company: 'companies',
  deal: 'deals',
  task: 'tasks',
  '0-1': 'contacts',
  '0-2': 'companies',
  '0-3': 'deals',
  '0-27': 'tasks',
}

const Id = z.union([z.string(), z.number()]).transform(String)
const Message = z.looseObject({
  subscriptionType: z.string(),
  objectTypeId: z.string().optional(),
  objectId: Id.optional(),
  occurredAt: z.number().optional(),
  appId: Id.optional(),
  changeSource: z.string().optional(),
  sourceId: z.string().optional(),
  /** Merges: the record that stays, those that went into it, and the one that came of it. */
  primaryObjectId: Id.optional(),
  mergedObjectIds: z.array(Id).optional(),
  newObjectId: Id.optional(),
  /** Associations: such as CONTACT_TO_DEAL. */
  associationType: z.string().optional(),
  fromObjectId: Id.optional(),
  toObjectId: Id.optional(),
})
type Message = z.infer<typeof Message>
const Messages = z.array(Message)

/** HubSpot's webhooks: signature v3 with the app's client secret, up to 100 events a request. */
export const hubspotHooks: Hooks = {
  verify(request, settings) {
    const { clientSecret } = HubspotSettings.safeParse(settings).data ?? {}
    return clientSecret !== undefined && isSigned(request, clientSecret)
  },
  read(body) {
    const parsed = Messages.safeParse(JSON.parse(body.toString('utf8')))
    if (!parsed.success) throw new SyntaxError('not a list of HubSpot events')
    return parsed.data.flatMap(eventsOf)
  },
}

function isSigned({ method, url, headers, body, now }: HookRequest, secret: string): boolean {
  const timestamp = headers['x-hubspot-request-timestamp']
  const signature = headers['x-hubspot-signature-v3']
  if (typeof timestamp !== 'string' || typeof signature !== 'string') return false
  if (!/^\d{1,16}$/.test(timestamp)) return false
  if (Math.abs(now.getTime() - Number(timestamp)) > FRESH_MS) return false
  const uri = url.replaceAll(/%[0-9A-Fa-f]{2}/g, (text) => DECODED[text.toUpperCase()] ?? text)
  const wanted = createHmac('sha256', secret)
    .update(method + uri)
    .update(body)
    .update(timestamp)
    .digest()
  const given = Buffer.from(signature, 'base64')
  return given.length === wanted.length && timingSafeEqual(given, wanted)
}

function eventsOf(message: Message): HookEvent[] {
  const { attemptNumber: _attempt, ...same } = message
  const at = message.occurredAt === undefined ? null : new Date(message.occurredAt)
  // The app that told is the one whose token wrote, unless the hub writes by a key of its own: then it only looks once more.
  const isOwnEcho = message.changeSource === 'INTEGRATION' && message.sourceId === message.appId
  return recordsOf(message).map(({ stream, externalId }) => {
    return { stream, externalId, at, isOwnEcho, key: JSON.stringify(same) }
  })
}

function recordsOf(message: Message): { stream: string; externalId: string }[] {
  const [kind = '', what = ''] = message.subscriptionType.split('.')
  if (what === 'associationChange') {
    const [from = '', to = ''] = (message.associationType ?? '').toLowerCase().split('_to_')
    return [...recordOf(from, message.fromObjectId), ...recordOf(to, message.toObjectId)]
  }
  const type = kind === 'object' ? (message.objectTypeId ?? '') : kind
  const merged = [message.primaryObjectId, ...(message.mergedObjectIds ?? []), message.newObjectId]
  const ids = new Set([message.objectId, ...merged])
  return [...ids].flatMap((id) => recordOf(type, id))
}

function recordOf(type: string, id: string | undefined): { stream: string; externalId: string }[] {
  const stream = STREAMS[type]
  return stream === undefined || id === undefined ? [] : [{ stream, externalId: id }]
}
