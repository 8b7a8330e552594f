import { randomUUID } from 'node:crypto'

import { scalarText } from '#sandbox/json.ts'
import type { JsonObject } from '#sandbox/json.ts'
import { vendorNow } from './account.ts'
import type { Account } from './account.ts'
import { renderLead, renderV2 } from './render.ts'
import type { Event, Webhook } from './state.ts'

/** One request to a subscriber; the status is null when there was no answer within ten seconds. */
export interface WebhookAttempt {
  webhookId: number
  /** `meta.id` of the message, the same for all its attempts. */
  messageId: string
  attempt: number
  status: number | null
}

export interface DeliveryOptions {
  /** How often each message is sent, as deliveries are at least once; 1 unless given. */
  copies?: number
  /** True sends the newest first. */
  isReversed?: boolean
}

interface Message {
  webhookId: number
  body: { meta: JsonObject; data: JsonObject | null; previous: JsonObject | null }
  attempt: number
  dueAtMs: number
}

/** Pipedrive docs: webhooks v2: ten seconds to answer, retries, a pause, and an end after three days. */
const TIMEOUT_MS = 10_000
const RETRY_AFTER_MS = [3000, 30_000, 150_000]
const FAILURES_BEFORE_PAUSE = 10
const PAUSE_MS = 30 * 60_000
const GIVEN_UP_MS = 3 * 86_400_000

/** How a subscription fares. */
interface Health {
  failedFirstAttempts: number
  pausedUntilMs: number
  failingSinceMs: number | null
  lastStatus: number | null
  lastAtMs: number | null
}

/** Sends what changed to those who subscribed. Messages leave when they are due by the sandbox's clock. */
export class WebhookSender {
  private queue: Message[] = []
  private readonly healths = new Map<number, Health>()
  private pumping: Promise<WebhookAttempt[]> | null = null
  private timer: NodeJS.Timeout | null = null
  private isStopped = false
  /** Set once the account exists. */
  account!: Account

  /** Puts a message in the queue for every subscription that the event concerns. */
  publish(event: Event): void {
    for (const webhook of this.account.state.webhooks.values()) {
      if (!isWanted(webhook, event)) continue
      const body = messageOf(this.account, webhook, event)
      this.queue.push({
        webhookId: webhook.id,
        body,
        attempt: 1,
        dueAtMs: this.account.clock.now(),
      })
    }
    if (this.queue.length > 0) this.wake()
  }

  /** How many messages wait. */
  pending(): number {
    return this.queue.length
  }

  healthOf(webhookId: number): Health {
    const known = this.healths.get(webhookId)
    if (known) return known
    const health = { failedFirstAttempts: 0, pausedUntilMs: 0 }
    const fresh = { ...health, failingSinceMs: null, lastStatus: null, lastAtMs: null }
    this.healths.set(webhookId, fresh)
    return fresh
  }

  /** Sends all that is due and resolves with how each request went. */
  async deliver(options: DeliveryOptions = {}): Promise<WebhookAttempt[]> {
    while (this.pumping) await this.pumping
    this.pumping = this.sendDue(options).finally(() => {
      this.pumping = null
    })
    return await this.pumping
  }

  /** Sends soon what is due by now; looks again when the next message is due. */
  wake(): void {
    if (this.isStopped || this.timer || !this.account.settings.sendsWebhooks) return
    const nextAtMs = Math.min(...this.queue.map(({ dueAtMs }) => dueAtMs))
    if (!Number.isFinite(nextAtMs)) return
    const delayMs = Math.min(60_000, Math.max(0, nextAtMs - this.account.clock.now()))
    this.timer = setTimeout(() => {
      this.timer = null
      void this.deliver().then(() => this.wake())
    }, delayMs)
    this.timer.unref()
  }

  /** The clock moved: what has become due goes out. */
  clockMoved(): void {
    if (this.timer) clearTimeout(this.timer)
    this.timer = null
    this.wake()
  }

  clear(): void {
    this.queue = []
    this.healths.clear()
  }

  stop(): void {
    this.isStopped = true
    this.clear()
    if (this.timer) clearTimeout(this.timer)
  }

  private async sendDue({
    copies = 1,
    isReversed = false,
  }: DeliveryOptions): Promise<WebhookAttempt[]> {
    const nowMs = this.account.clock.now()
    const due = this.queue.filter(({ dueAtMs }) => dueAtMs <= nowMs)
    this.queue = this.queue.filter(({ dueAtMs }) => dueAtMs > nowMs)
    const attempts: WebhookAttempt[] = []
    for (const message of isReversed ? due.reverse() : due) {
      for (let copy = 0; copy < copies; copy += 1) {
        const attempt = await this.send(message, copy === copies - 1)
        if (attempt) attempts.push(attempt)
      }
    }
    return attempts
  }

  /** One attempt; null when the subscription is gone or paused. */
  private async send(message: Message, mayRetry: boolean): Promise<WebhookAttempt | null> {
    const webhook = this.account.state.webhooks.get(message.webhookId)
    if (!webhook) return null
    const health = this.healthOf(webhook.id)
    const nowMs = this.account.clock.now()
    if (health.pausedUntilMs > nowMs) {
      this.queue.push({ ...message, dueAtMs: health.pausedUntilMs })
      return null
    }
    const status = await post(webhook, message)
    const isTaken = status !== null && status >= 200 && status < 300
    this.note(webhook, message, isTaken, status)
    const delayMs = RETRY_AFTER_MS[message.attempt - 1]
    if (!isTaken && mayRetry && delayMs !== undefined) {
      this.queue.push({ ...message, attempt: message.attempt + 1, dueAtMs: nowMs + delayMs })
    }
    const messageId = scalarText(message.body.meta['id'])
    return { webhookId: webhook.id, messageId, attempt: message.attempt, status }
  }

  private note(webhook: Webhook, message: Message, isTaken: boolean, status: number | null): void {
    const health = this.healthOf(webhook.id)
    const nowMs = this.account.clock.now()
    health.lastStatus = status
    health.lastAtMs = nowMs
    if (isTaken) {
      Object.assign(health, { failedFirstAttempts: 0, failingSinceMs: null })
      return
    }
    health.failingSinceMs ??= nowMs
    if (nowMs - health.failingSinceMs >= GIVEN_UP_MS) {
      this.account.state.commit([{ do: 'drop-webhook', id: webhook.id }])
      return
    }
    if (message.attempt > 1) return
    health.failedFirstAttempts += 1
    if (health.failedFirstAttempts < FAILURES_BEFORE_PAUSE) return
    health.failedFirstAttempts = 0
    health.pausedUntilMs = nowMs + PAUSE_MS
  }
}

function isWanted({ action, object, isSwitchedOff }: Webhook, event: Event): boolean {
  return (
    !isSwitchedOff &&
    (action === '*' || action === event.action) &&
    (object === '*' || object === event.kind)
  )
}

/** Pipedrive docs: webhooks v2, the payload. */
function messageOf(account: Account, webhook: Webhook, event: Event): Message['body'] {
  const { action, kind, row, by, mergedInto, mergedFrom } = event
  const shown = kind === 'lead' ? renderLead(account, row) : renderV2(account, kind, row)
  const merge =
    mergedInto === undefined ? {} : { merged_to_id: mergedInto, merged_from_id: mergedFrom ?? null }
  return {
    data: action === 'delete' ? null : shown,
    previous: previousOf(event, shown),
    meta: {
      action,
      entity: kind,
      entity_id: row.id,
      id: randomUUID(),
      company_id: String(account.settings.companyId),
      correlation_id: randomUUID(),
      user_id: String(by.userId),
      timestamp: new Date(vendorNow(account)).toISOString(),
      type: 'general',
      version: '2.0',
      webhook_id: String(webhook.id),
      webhook_owner_id: String(webhook.ownerId),
      change_source: by.source,
      is_bulk_edit: false,
      host: `${account.settings.companyDomain}.pipedrive.com`,
      permitted_user_ids: [...account.state.users.keys()].map(String),
      ...merge,
    },
  }
}

/** Changed custom fields stand in a member of their own, as in `data`. */
function previousOf({ action, previous, kind }: Event, shown: JsonObject): JsonObject | null {
  if (action === 'create' || previous === null) return null
  if (action === 'delete') return shown
  if (kind === 'lead') return previous
  const isCustom = (name: string) => /^[0-9a-f]{40}$/.test(name)
  const entries = Object.entries(previous)
  const custom = entries.filter(([name]) => isCustom(name))
  return {
    ...Object.fromEntries(entries.filter(([name]) => !isCustom(name))),
    ...(custom.length > 0 ? { custom_fields: Object.fromEntries(custom) } : {}),
  }
}

async function post(webhook: Webhook, { body, attempt }: Message): Promise<number | null> {
  const credentials = `${webhook.authUser ?? ''}:${webhook.authPassword ?? ''}`
  const answer = await fetch(webhook.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'user-agent': 'Pipedrive Webhooks',
      ...(webhook.authUser === null
        ? {}
        : { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` }),
    },
    body: JSON.stringify({ ...body, meta: { ...body.meta, attempt } }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch(() => null) // No answer is an outcome of a delivery, not an error of the sandbox.
  await answer?.body?.cancel()
  return answer?.status ?? null
}
