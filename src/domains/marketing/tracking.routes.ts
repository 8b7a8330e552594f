import type { IncomingHttpHeaders } from 'node:http'
import { Problem } from '#core/problem.ts'
import type { RawRequest, RawRoute } from '#gateway/raw-route.ts'
import { trackEvents } from './tracking.ts'
import { isRecord } from './tracking.rules.ts'
import type { EventType } from './tracking.schema.ts'

const maxBatchBytes = 500 * 1024
const maxSingleBytes = 32 * 1024
const maxEvents = 2500

const batchPaths = ['/v1/batch', '/v1/import', '/v1/b']

const typeByPath: Readonly<Record<string, EventType>> = {
  '/v1/identify': 'identify',
  '/v1/track': 'track',
  '/v1/page': 'page',
  '/v1/screen': 'screen',
  '/v1/group': 'group',
  '/v1/alias': 'alias',
  '/v1/i': 'identify',
  '/v1/t': 'track',
  '/v1/p': 'page',
  '/v1/s': 'screen',
  '/v1/g': 'group',
  '/v1/a': 'alias',
}

/**
 * The Segment HTTP tracking API, so that its official libraries, and RudderStack's, send here with
 * nothing changed but their host. The write key is an API key with `touchpoints:write`.
 *
 * A delivery is answered with 200 once all of it is committed. Events that cannot be used are set
 * aside, not refused: a library would drop the whole batch. Unlike the vendor, an unknown key
 * answers 401, so that libraries report it.
 *
 * @param publicUrl  where browsers reach this hub, for the settings that they fetch.
 */
export function createTrackingRoutes(publicUrl: () => string): RawRoute[] {
  const batches = batchPaths.map((path) =>
    trackingRoute('trackBatch', path, maxBatchBytes, batchOf),
  )
  const singles = Object.entries(typeByPath).map(([path, type]) =>
    trackingRoute('trackEvent', path, maxSingleBytes, (body) => ({
      ...singleOf(body),
      events: [{ ...body, type }],
    })),
  )
  const metrics: RawRoute = {
    id: 'trackLibraryMetrics',
    method: 'POST',
    path: '/v1/m',
    scope: null,
    maxBytes: maxBatchBytes,
    crossOrigin: true,
    handle: async () => success(),
  }
  const posts = [...batches, ...singles, metrics]
  return [...posts, ...posts.map(preflightOf), settingsRoute(publicUrl)]
}

interface Delivery {
  events: readonly unknown[]
  sentAt: string | undefined
  context: Record<string, unknown>
}

function trackingRoute(
  id: string,
  path: string,
  maxBytes: number,
  read: (body: Record<string, unknown>) => Delivery,
): RawRoute {
  return {
    id,
    method: 'POST',
    path,
    scope: 'touchpoints:write',
    maxBytes,
    crossOrigin: true,
    credential: findWriteKey,
    async handle(request) {
      const { events, sentAt, context } = read(parseBody(request.body))
      if (events.length > maxEvents) {
        throw new Problem(
          'request.too_large',
          `A batch takes at most ${maxEvents} events: split it.`,
        )
      }
      const takesConsents = request.principal?.scopes.has('consents:write') ?? false
      const arrival = { receivedAt: request.now, sentAt, context, takesConsents }
      await request.perform((operation) => trackEvents(events, arrival, operation))
      return success()
    },
  }
}

function success(): Awaited<ReturnType<RawRoute['handle']>> {
  return {
    status: 200,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: '{"success":true}',
  }
}

function batchOf(body: Record<string, unknown>): Delivery {
  if (!Array.isArray(body['batch'])) {
    throw new Problem('request.malformed', 'Send { "batch": [ …events… ] }.')
  }
  return { ...singleOf(body), events: body['batch'] }
}

/** What holds for the whole body: when it was sent, and the context under that of each event. */
function singleOf(body: Record<string, unknown>): Omit<Delivery, 'events'> {
  const { sentAt, context } = body
  return {
    sentAt: typeof sentAt === 'string' ? sentAt : undefined,
    context: isRecord(context) ? context : {},
  }
}

/** JSON whatever the content type says: browsers send it as text/plain to spare the pre-flight. */
function parseBody(body: Buffer): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(body.toString('utf8'))
  } catch (cause) {
    throw new Problem('request.malformed', 'The body is not valid JSON.', { cause })
  }
  if (!isRecord(value)) throw new Problem('request.malformed', 'The body is no JSON object.')
  return value
}

/** The write key: the user name of Basic credentials, else `writeKey` in the body. */
function findWriteKey(request: { headers: IncomingHttpHeaders; body: Buffer }): string | null {
  const { authorization } = request.headers
  if (authorization !== undefined) {
    const [scheme, encoded = ''] = authorization.slice(0, 2048).split(' ')
    if (scheme?.toLowerCase() !== 'basic') return null
    const [user = ''] = Buffer.from(encoded, 'base64').toString('utf8').split(':')
    return user === '' ? null : user
  }
  const { writeKey } = parseBody(request.body)
  return typeof writeKey === 'string' && writeKey !== '' ? writeKey.slice(0, 500) : null
}

function preflightOf({ path }: RawRoute): RawRoute {
  return {
    id: 'trackPreflight',
    method: 'OPTIONS',
    path,
    scope: null,
    maxBytes: 0,
    crossOrigin: true,
    handle: async () => ({
      status: 204,
      headers: {
        'access-control-allow-methods': 'POST',
        'access-control-allow-headers': 'authorization, content-type, x-retry-count',
        'access-control-max-age': '86400',
      },
    }),
  }
}

/** What the browser library fetches before it sends: where to send to. */
function settingsRoute(publicUrl: () => string): RawRoute {
  return {
    id: 'trackSettings',
    method: 'GET',
    path: '/v1/projects/{writeKey}/settings',
    scope: null,
    maxBytes: 0,
    crossOrigin: true,
    async handle({ params }: RawRequest) {
      const { host, protocol } = new URL(publicUrl())
      const destination = {
        apiKey: params['writeKey'],
        apiHost: `${host}/v1`,
        protocol: protocol.replace(':', ''),
      }
      return {
        status: 200,
        headers: { 'content-type': 'application/json; charset=utf-8' },
        body: JSON.stringify({ integrations: { 'Segment.io': destination } }),
      }
    },
  }
}
