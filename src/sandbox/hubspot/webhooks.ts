import { createHmac } from 'node:crypto'

import type { JsonObject } from '#sandbox/json.ts'
import type { Account } from './account.ts'

/** What to send to a webhook target. HubSpot docs: webhooks, events. */
export interface WebhookDelivery {
  targetUrl: string
  /** The URL that is signed, when a proxy stands between; `targetUrl` unless given. */
  publicUrl?: string
  /** Event ids, portal, app and time are filled in where they are missing. */
  events: JsonObject[]
  /** How often each batch is sent, as deliveries are at least once; 1 unless given. */
  copies?: number
  /** True sends the events in reverse. */
  isReversed?: boolean
  /** How often a batch that was not answered with 2xx is sent again at once; 0 unless given. */
  retries?: number
}

/** One request of a delivery; the status is null when there was no answer within five seconds. */
export interface WebhookAttempt {
  eventCount: number
  attemptNumber: number
  status: number | null
}

/** HubSpot docs: webhooks, "up to 100 events" a request and five seconds to answer. */
const MAX_EVENTS = 100
const TIMEOUT_MS = 5000

/** Sends the events, signed, and says how each request went. Nothing is sent on its own. */
export async function deliverWebhook(
  account: Account,
  delivery: WebhookDelivery,
): Promise<WebhookAttempt[]> {
  const { copies = 1, retries = 0, isReversed = false } = delivery
  const complete = delivery.events.map((event, i) => completeEvent(account, event, i))
  const events = isReversed ? complete.reverse() : complete
  const attempts: WebhookAttempt[] = []
  for (let start = 0; start < events.length; start += MAX_EVENTS) {
    const batch = events.slice(start, start + MAX_EVENTS)
    for (let copy = 0; copy < copies; copy += 1) {
      for (let attemptNumber = 0; attemptNumber <= retries; attemptNumber += 1) {
        const status = await post(account, delivery, batch, attemptNumber)
        attempts.push({ eventCount: batch.length, attemptNumber, status })
        if (status !== null && status >= 200 && status < 300) break
      }
    }
  }
  return attempts
}

function completeEvent(account: Account, event: JsonObject, i: number): JsonObject {
  return {
    eventId: i + 1,
    subscriptionId: 1,
    portalId: account.settings.portalId,
    appId: account.oauthApp.appId,
    occurredAt: account.clock.now(),
    changeSource: 'CRM_UI',
    ...event,
  }
}

async function post(
  account: Account,
  { targetUrl, publicUrl = targetUrl }: WebhookDelivery,
  events: readonly JsonObject[],
  attemptNumber: number,
): Promise<number | null> {
  const body = JSON.stringify(events.map((event) => ({ attemptNumber, ...event })))
  const timestamp = String(account.clock.now())
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'HubSpot Connect 2.0 (http://dev.hubspot.com/) - WebHooks',
    'x-hubspot-request-timestamp': timestamp,
    'x-hubspot-signature-v3': signWebhook(account.oauthApp.clientSecret, {
      method: 'POST',
      uri: publicUrl,
      body,
      timestamp,
    }),
  }
  const signal = AbortSignal.timeout(TIMEOUT_MS)
  const answer = await fetch(targetUrl, { method: 'POST', headers, body, signal }).then(
    (response) => response,
    // No answer is an outcome of a delivery, not an error of the sandbox.
    () => null,
  )
  await answer?.body?.cancel()
  return answer?.status ?? null
}

/** The percent sequences that are decoded before signing. HubSpot docs: validating requests, v3. */
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

/** The v3 signature, base64. HubSpot docs: validating requests from HubSpot, v3. */
export function signWebhook(
  secret: string,
  signed: { method: string; uri: string; body: string; timestamp: string },
): string {
  const uri = signed.uri.replace(/%[0-9A-Fa-f]{2}/g, (text) => DECODED[text.toUpperCase()] ?? text)
  return createHmac('sha256', secret)
    .update(signed.method + uri + signed.body + signed.timestamp)
    .digest('base64')
}
