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
  kindNamed,
  mergeRecords,
  numbersOrNull,
  removeRecord,
  renameField,
  seedAccount,
  storedRecords,
} from './backstage.ts'
import { giveCode } from './oauth.routes.ts'
import type { Codes } from './oauth.routes.ts'

export interface ControlParts {
  account: Account
  faults: FaultInjector
  codes: Codes
  /** The log comes with the server, after the routes. */
  log: () => CallLog
  reset: () => void
}

/** `/__sim/…`: what tests do to the sandbox from outside its process. Not part of Pipedrive. */
export function controlRoutes(parts: ControlParts): ControlRoute[] {
  const { account, codes } = parts
  return [
    ...dataRoutes(account),
    ...faultRoutes(parts),
    on('POST', 'reset', () => parts.reset()),
    on('POST', 'clock/advance', (body) => {
      account.clock.advance(numberOf(body['ms']) ?? 0)
      account.webhooks.clockMoved()
      return { nowMs: account.clock.now() }
    }),
    on('PUT', 'limits', (body) => {
      account.limiter.limits = { ...account.limiter.limits, ...numbersOrNull(body) }
      account.limiter.reset()
      return account.limiter.limits
    }),
    on('GET', 'usage', () => account.limiter.usage()),
    on('POST', 'usage', (body) => account.limiter.spend(numberOf(body['tokens']) ?? 0)),
    on('PUT', 'settings', (body) => {
      const known = Object.entries(body).filter(([name]) => name in account.settings)
      return Object.assign(account.settings, Object.fromEntries(known))
    }),
    on('POST', 'authorize', (body) => ({
      code: giveCode(account, codes, {
        redirectUri: textOf(body['redirectUri']) ?? account.oauthApp.redirectUris[0] ?? '',
        scopes: listOf(body['scopes']).flatMap((scope) => textOf(scope) ?? []),
      }),
    })),
    on('POST', 'webhooks', async (body) => ({
      attempts: await account.webhooks.deliver({
        copies: numberOf(body['copies']) ?? 1,
        isReversed: body['isReversed'] === true,
      }),
    })),
  ]
}

function dataRoutes(account: Account): ControlRoute[] {
  const named = (body: JsonObject) => kindNamed(textOf(body['kind']))
  const idIn = (body: JsonObject, name = 'id') => textOf(body[name]) ?? ''
  return [
    on('POST', 'seed', (body) => seedAccount(account, body)),
    on('POST', 'edit', (body) =>
      editRecord(account, named(body), idIn(body), objectOf(body['body'])),
    ),
    on('POST', 'remove', (body) => {
      const how = body['how'] === 'vanish' ? 'vanish' : 'delete'
      removeRecord(account, named(body), idIn(body), how)
    }),
    on('POST', 'merge', (body) => {
      const kind = named(body)
      if (kind !== 'person' && kind !== 'organization' && kind !== 'deal') {
        throw new RangeError(`A ${kind} cannot be merged`)
      }
      mergeRecords(account, kind, idIn(body), idIn(body, 'intoId'))
    }),
    on('POST', 'rename-field', (body) =>
      renameField(account, named(body), idIn(body, 'code'), idIn(body, 'name')),
    ),
    on('GET', 'records/{kind}', (_body, call) => ({
      records: [...storedRecords(account, kindNamed(call.params['kind'] ?? null))],
    })),
    on('GET', 'counts/{kind}', (_body, call) => ({
      live: account.state.table(kindNamed(call.params['kind'] ?? null)).count(),
    })),
  ]
}

function faultRoutes({ faults, log }: ControlParts): ControlRoute[] {
  return [
    on('GET', 'faults', () => ({ faults: faults.list() })),
    on('POST', 'faults', (body) => ({ id: faults.add(readFaultRule(body, ['refuse-rows'])) })),
    on('DELETE', 'faults', () => faults.lift()),
    on('DELETE', 'faults/{id}', (_body, call) => faults.lift(call.params['id'])),
    on('GET', 'requests', () => ({ requests: log().requests() })),
    on('GET', 'calls', () => log().counts()),
    on('DELETE', 'calls', () => log().clear()),
  ]
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
