import type { CallLog } from '#sandbox/call-log.ts'
import { readFaultRule } from '#sandbox/faults.ts'
import type { FaultInjector } from '#sandbox/faults.ts'
import { listOf, numberOf, objectOf, textOf } from '#sandbox/json.ts'
import type { JsonObject } from '#sandbox/json.ts'
import { parseBody } from '#sandbox/kernel.ts'
import type { Call, ControlRoute } from '#sandbox/kernel.ts'
import type { Account } from './account.ts'
import {
  editRecord,
  propertiesIn,
  removeRecord,
  seedAccount,
  storedRecords,
  typeNamed,
} from './backstage.ts'
import { giveCode } from './oauth.routes.ts'
import type { Codes } from './oauth.routes.ts'
import { deliverWebhook } from './webhooks.ts'
import type { WebhookDelivery } from './webhooks.ts'

export interface ControlParts {
  account: Account
  faults: FaultInjector
  codes: Codes
  /** The log comes with the server, after the routes. */
  log: () => CallLog
  reset: () => void
}

/** `/__sim/…`: what tests do to the sandbox from outside its process. Not part of HubSpot. */
export function controlRoutes(parts: ControlParts): ControlRoute[] {
  const { account, faults, codes, log } = parts
  return [
    on('POST', 'reset', () => parts.reset()),
    on('POST', 'seed', (body) => ({ ids: seedAccount(account, body) })),
    on('POST', 'edit', (body) =>
      editRecord(account, typeNamed(body), textOf(body['id']) ?? '', propertiesIn(body)),
    ),
    on('POST', 'remove', (body) => {
      const how = body['how'] === 'vanish' ? 'vanish' : 'archive'
      removeRecord(account, typeNamed(body), textOf(body['id']) ?? '', how)
    }),
    on('GET', 'records/{type}', (_body, call) => ({
      records: [...storedRecords(account, typeNamed({ type: call.params['type'] ?? '' }))],
    })),
    on('GET', 'counts/{type}', (_body, call) => ({
      live: account.state.table(typeNamed({ type: call.params['type'] ?? '' })).liveCount,
    })),
    on('POST', 'clock/advance', (body) => {
      account.clock.advance(numberOf(body['ms']) ?? 0)
      return { nowMs: account.clock.now() }
    }),
    on('PUT', 'limits', (body) => {
      account.limiter.limits = { ...account.limiter.limits, ...numbersOrNull(body) }
      account.limiter.reset()
      return account.limiter.limits
    }),
    on('PUT', 'settings', (body) => {
      const known = Object.entries(body).filter(([name]) => name in account.settings)
      return Object.assign(account.settings, Object.fromEntries(known))
    }),
    on('GET', 'faults', () => ({ faults: faults.list() })),
    on('POST', 'faults', (body) => ({ id: faults.add(readFaultRule(body)) })),
    on('DELETE', 'faults', () => faults.lift()),
    on('DELETE', 'faults/{id}', (_body, call) => faults.lift(call.params['id'])),
    on('GET', 'requests', () => ({ requests: log().requests() })),
    on('GET', 'calls', () => log().counts()),
    on('DELETE', 'calls', () => log().clear()),
    on('POST', 'authorize', (body) => ({
      code: giveCode(account, codes, {
        redirectUri: textOf(body['redirectUri']) ?? account.oauthApp.redirectUris[0] ?? '',
        scopes: listOf(body['scopes']).flatMap((scope) => textOf(scope) ?? []),
        challenge: textOf(body['codeChallenge']),
      }),
    })),
    on('POST', 'webhooks', async (body) => ({
      attempts: await deliverWebhook(account, readDelivery(body)),
    })),
    on('POST', 'hub', (body) => {
      account.isHubBlocked = body['blocked'] === true
    }),
  ]
}

function readDelivery(body: JsonObject): WebhookDelivery {
  const { copies, retries, publicUrl } = body
  return {
    targetUrl: textOf(body['targetUrl']) ?? '',
    events: listOf(body['events']).map(objectOf),
    isReversed: body['isReversed'] === true,
    ...(typeof publicUrl === 'string' ? { publicUrl } : {}),
    ...(typeof copies === 'number' ? { copies } : {}),
    ...(typeof retries === 'number' ? { retries } : {}),
  }
}

/** A control route; without a result it answers 204. */
function on(
  method: string,
  path: string,
  act: (body: JsonObject, call: Call) => unknown,
): ControlRoute {
  return {
    method,
    path: `/__sim/${path}`,
    target: async (call) => {
      const body = await act(objectOf(parseBody(call.text)), call)
      return body === undefined ? { status: 204 } : { status: 200, body }
    },
  }
}

/** The members that are numbers or null, which lifts a limit. */
function numbersOrNull(body: JsonObject): Record<string, number | null> {
  const entries = Object.entries(body).flatMap(([name, value]) =>
    value === null || typeof value === 'number' ? [[name, value] as const] : [],
  )
  return Object.fromEntries(entries)
}
