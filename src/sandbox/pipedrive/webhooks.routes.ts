import { numberOf, objectOf, textOf } from '#sandbox/json.ts'
import type { JsonObject } from '#sandbox/json.ts'
import { parseBody } from '#sandbox/kernel.ts'
import type { Answer, Call, Route } from '#sandbox/kernel.ts'
import { requireScope, scopeMismatch, vendorNow } from './account.ts'
import type { Account, Caller } from './account.ts'
import { refuse } from './errors.ts'
import type { Webhook } from './state.ts'

/** Pipedrive docs: webhooks, 40 a user. */
const MAX_WEBHOOKS = 40
const ACTIONS = new Set(['create', 'change', 'delete', '*'])
const OBJECTS = new Set([
  'activity',
  'deal',
  'lead',
  'note',
  'organization',
  'person',
  'pipeline',
  'product',
  'stage',
  'user',
  '*',
])

/** Pipedrive docs: API v1, webhooks. */
export function webhookRoutes(account: Account): Route<Caller>[] {
  const on = (
    method: string,
    path: string,
    act: (call: Call, caller: Caller) => Answer,
  ): Route<Caller> => ({
    method,
    path: `/v1/${path}`,
    target: (call, caller) => {
      requireScope(caller, 'admin', 'webhooks:full')
      return act(call, caller)
    },
  })
  return [
    on('GET', 'webhooks', () => {
      const data = [...account.state.webhooks.values()].map((one) => render(account, one))
      return { status: 200, body: { success: true, status: 'ok', data } }
    }),
    on('POST', 'webhooks', (call, caller) => subscribe(account, call, caller)),
    on('DELETE', 'webhooks/{id}', (call) => unsubscribe(account, Number(call.params['id']))),
  ]
}

function subscribe(account: Account, call: Call, caller: Caller): Answer {
  const body = objectOf(parseBody(call.text))
  const url = textOf(body['subscription_url']) ?? ''
  const action = textOf(body['event_action']) ?? ''
  const object = textOf(body['event_object']) ?? ''
  if (!URL.canParse(url)) return wrong({ subscription_url: ['invalid or non-reachable URL'] })
  // Recorded: 403. Plain HTTP is let through to this machine only, where the sandbox's subscribers are.
  if (!isSecure(new URL(url))) throw scopeMismatch()
  if (!ACTIONS.has(action)) return wrong({ event_action: ['is not valid'] })
  if (!OBJECTS.has(object)) return wrong({ event_object: ['is not valid'] })
  const ours = [...account.state.webhooks.values()].filter((one) => one.ownerId === caller.userId)
  if (ours.length >= MAX_WEBHOOKS) throw refuse(422, { error: 'Webhooks limit reached' })
  const webhook: Webhook = {
    id: account.state.nextId('webhook'),
    name: textOf(body['name']) ?? '',
    url,
    action,
    object,
    version: textOf(body['version']) ?? '2.0',
    userId: numberOf(body['user_id']) ?? caller.userId,
    ownerId: caller.userId,
    authUser: textOf(body['http_auth_user']),
    authPassword: textOf(body['http_auth_password']),
    addedAtMs: vendorNow(account),
    isSwitchedOff: false,
  }
  account.state.commit([{ do: 'webhook', webhook }])
  return { status: 201, body: { success: true, status: 'ok', data: render(account, webhook) } }
}

function isSecure(url: URL): boolean {
  return url.protocol === 'https:' || ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname)
}

function unsubscribe(account: Account, id: number): Answer {
  if (!account.state.webhooks.has(id)) {
    return { status: 404, body: { success: false, status: 'error', errors: { id: ['not found'] } } }
  }
  account.state.commit([{ do: 'drop-webhook', id }])
  return { status: 200, body: { success: true, status: 'ok' } }
}

function wrong(errors: Record<string, string[]>): Answer {
  return { status: 400, body: { success: false, status: 'error', errors } }
}

function render(account: Account, webhook: Webhook): JsonObject {
  const { lastStatus, lastAtMs } = account.webhooks.healthOf(webhook.id)
  return {
    id: webhook.id,
    company_id: account.settings.companyId,
    owner_id: webhook.ownerId,
    user_id: webhook.userId,
    admin_id: webhook.userId,
    name: webhook.name,
    event_action: webhook.action,
    event_object: webhook.object,
    subscription_url: webhook.url,
    version: webhook.version,
    is_active: webhook.isSwitchedOff ? 0 : 1,
    type: 'general',
    http_auth_user: webhook.authUser,
    http_auth_password: webhook.authPassword,
    add_time: new Date(webhook.addedAtMs).toISOString(),
    remove_time: null,
    remove_reason: null,
    last_delivery_time: lastAtMs === null ? null : new Date(lastAtMs).toISOString(),
    last_http_status: lastStatus,
  }
}
