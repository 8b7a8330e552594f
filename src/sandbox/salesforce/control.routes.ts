import type { CallLog } from '#sandbox/call-log.ts'
import { readFaultRule } from '#sandbox/faults.ts'
import type { FaultInjector } from '#sandbox/faults.ts'
import { listOf, numberOf, objectOf, textOf, textsOf } from '#sandbox/json.ts'
import type { JsonObject } from '#sandbox/json.ts'
import { parseBody } from '#sandbox/kernel.ts'
import type { Call, ControlRoute } from '#sandbox/kernel.ts'
import {
  addRow,
  convertLead,
  editRow,
  installHubIds,
  mergeRows,
  removeRow,
  seedOrg,
  storedRecords,
  undeleteRow,
} from './backstage.ts'
import { giveCode } from './oauth.routes.ts'
import type { OauthMemory } from './oauth.routes.ts'
import { commitLate } from './org.ts'
import type { DuplicateRule, Org, ValidationRule } from './org.ts'

export interface ControlParts {
  org: Org
  faults: FaultInjector
  memory: OauthMemory
  /** The log comes with the server, after the routes. */
  log: () => CallLog
  reset: () => void
}

/** `/__sim/…`: what tests do to the sandbox from outside its process. Not part of Salesforce. */
export function controlRoutes(parts: ControlParts): ControlRoute[] {
  const { org, faults, memory, log } = parts
  return [
    ...dataRoutes(org),
    on('POST', 'reset', () => parts.reset()),
    on('POST', 'clock/advance', (body) => {
      org.clock.advance(numberOf(body['ms']) ?? 0)
      return { nowMs: org.clock.now() }
    }),
    on('PUT', 'limits', (body) => {
      org.quota.limits = { ...org.quota.limits, ...known(org.quota.limits, body) }
      org.quota.reset()
      return org.quota.limits
    }),
    on('POST', 'spend', (body) => org.quota.spend(numberOf(body['calls']) ?? 0)),
    on('PUT', 'settings', (body) => Object.assign(org.settings, known(org.settings, body))),
    on('PUT', 'oauth-app', (body) => Object.assign(org.oauthApp, known(org.oauthApp, body))),
    on('PUT', 'validation-rules', (body) => {
      org.validationRules = listOf(body['rules']) as unknown as ValidationRule[]
    }),
    on('PUT', 'duplicate-rules', (body) => {
      org.duplicateRules = listOf(body['rules']) as unknown as DuplicateRule[]
    }),
    on('GET', 'faults', () => ({ faults: faults.list() })),
    on('POST', 'faults', (body) => ({ id: faults.add(readFaultRule(body)) })),
    on('DELETE', 'faults', () => faults.lift()),
    on('DELETE', 'faults/{id}', (_body, call) => faults.lift(call.params['id'])),
    on('GET', 'requests', () => ({ requests: log().requests() })),
    on('GET', 'calls', () => log().counts()),
    on('DELETE', 'calls', () => log().clear()),
    on('POST', 'authorize', (body) => ({
      code: giveCode(org, memory, {
        redirectUri: textOf(body['redirectUri']) ?? org.oauthApp.redirectUris[0] ?? '',
        scopes: textsOf(body['scopes']),
        challenge: textOf(body['codeChallenge']),
      }),
    })),
    on('POST', 'sessions/expire', () => org.state.sessions.clear()),
    on('POST', 'cursors/drop', () => org.cursors.clear()),
  ]
}

function dataRoutes(org: Org): ControlRoute[] {
  const object = (body: JsonObject) => textOf(body['type']) ?? ''
  const id = (body: JsonObject) => textOf(body['id']) ?? ''
  return [
    on('POST', 'seed', (body) => ({ ids: seedOrg(org, body) })),
    on('POST', 'install', (body) => {
      const objects = textsOf(body['objects'])
      installHubIds(org, ...(objects.length > 0 ? [objects] : []))
    }),
    on('POST', 'add', (body) => ({ id: addRow(org, object(body), objectOf(body['values'])) })),
    on('POST', 'edit', (body) => {
      const { lateMs } = body
      const options = typeof lateMs === 'number' ? { lateMs } : {}
      editRow(org, object(body), id(body), objectOf(body['values']), options)
    }),
    on('POST', 'remove', (body) => {
      removeRow(org, object(body), id(body), body['how'] === 'vanish' ? 'vanish' : 'bin')
    }),
    on('POST', 'undelete', (body) => undeleteRow(org, object(body), id(body))),
    on('POST', 'convert', (body) => convertLead(org, id(body), objectOf(body['options']))),
    on('POST', 'merge', (body) => {
      mergeRows(org, object(body), textOf(body['masterId']) ?? '', textsOf(body['loserIds']))
    }),
    on('GET', 'records/{type}', (_body, call) => {
      settle(org)
      return { records: [...storedRecords(org, call.params['type'] ?? '')] }
    }),
    on('GET', 'counts/{type}', (_body, call) => {
      settle(org)
      return { live: org.state.table(call.params['type'] ?? '').liveCount }
    }),
  ]
}

/** What is due by now: late commits and jobs. */
export function settle(org: Org): void {
  commitLate(org)
  org.jobs.settle(org)
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
    target: (call) => {
      const body = act(objectOf(parseBody(call.text)), call)
      return body === undefined ? { status: 204 } : { status: 200, body }
    },
  }
}

/** The members that the target has as well. */
function known(target: object, body: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(body).filter(([name]) => name in target))
}
