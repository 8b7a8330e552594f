import { Problem } from '#core/problem.ts'
import { DAY_MS, HOUR_MS } from '#core/time.ts'
import type { RawRoute } from '#gateway/raw-route.ts'
import type { Timer } from '#jobs/job.ts'
import { readSettings } from './connection.store.ts'
import type { HookEvent, Hooks } from './connector.ts'
import { findHookOwner, noteHookEvents, trimHookEvents } from './hook.store.ts'
import type { Connectors } from './open-session.ts'
import { recordOwnWork } from '#jobs/own-work.ts'

const MAX_BYTES = 1_000_000
const KEEP_MS = 7 * DAY_MS
const TRIM_ROWS = 5000

/**
 * Where vendors tell that records have changed. What they tell is kept before it is answered, as records to be looked at
 * again: the run that follows asks for them as they are now, so that late, repeated and shuffled messages do no harm.
 */
export function hookRoutes(connectors: Connectors, publicUrl: () => string): RawRoute[] {
  return [
    {
      id: 'receiveHook',
      method: 'POST',
      path: '/hooks/{vendor}/{connectionId}',
      scope: null,
      maxBytes: MAX_BYTES,
      async handle({ params, url, headers, body, now, store }) {
        const { vendor = '', connectionId = '' } = params
        const hooks = connectors.get(vendor)?.hooks
        const workspaceId =
          hooks && (await store.system((tx) => findHookOwner(tx, vendor, connectionId)))
        if (!hooks || !workspaceId) throw unknown()
        const settings = await store.read(workspaceId, (tx) => readSettings(tx, connectionId))
        if (!settings) throw unknown()
        const request = { method: 'POST', url: publicUrl() + url, headers, body, now }
        if (!hooks.verify(request, settings)) {
          const detail = 'Sign the request as the vendor does, with the secret of this connection.'
          throw new Problem('hook.signature_invalid', detail)
        }
        const events = eventsOf(hooks, body)
        if (events.length > 0) {
          await store.transaction(workspaceId, async (tx) => {
            if ((await noteHookEvents(tx, connectionId, events, now)) === 0) return
            await recordOwnWork(
              tx,
              { events: [{ event: 'sync.hook_received', subjectId: connectionId }] },
              now,
            )
          })
        }
        return { status: 200 }
      },
    },
  ]
}

/** Lets go of what is remembered of messages. */
export const tidyHooks: Timer = {
  name: 'sync.tidy_hooks',
  everyMs: HOUR_MS,
  async run({ store, clock, signal }) {
    const before = new Date(clock.now().getTime() - KEEP_MS)
    for (let rows = TRIM_ROWS; rows === TRIM_ROWS && !signal.aborted;) {
      rows = await store.system((tx) => trimHookEvents(tx, before, TRIM_ROWS))
    }
  },
}

function eventsOf(hooks: Hooks, body: Buffer): HookEvent[] {
  try {
    return hooks.read(body)
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause
    throw new Problem('request.malformed', 'The body is not what this vendor sends.', { cause })
  }
}

/** The same for every address that takes nothing, so that ids cannot be guessed by their answers. */
function unknown(): Problem {
  return new Problem('resource.not_found', 'Nothing is received at this address.')
}
