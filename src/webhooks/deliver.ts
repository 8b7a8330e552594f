import { z } from 'zod'
import { newId } from '#core/id.ts'
import { MINUTE_MS, SECOND_MS } from '#core/time.ts'
import { defineJob, type Job, type JobContext, type Subscriber, type Timer } from '#jobs/job.ts'
import type { Transaction } from '#store/store.ts'
import { isHopeless, isThrottled, judge } from '#egress/delivery.rules.ts'
import {
  claimDue,
  holdBack,
  insertMessages,
  listDueEndpoints,
  settleClaims,
  type Claim,
  type Settlement,
} from './delivery.store.ts'
import type { Egress } from '#egress/egress.ts'
import { openEndpoint, updateEndpoint, type OpenEndpoint } from './endpoint.store.ts'
import { messageOf, slackText } from './message.rules.ts'
import { recordOwnWork } from '#jobs/own-work.ts'
import { signedHeaders } from '#egress/signature.ts'
import { webhookEventNames } from './webhook-events.ts'

const JOB = 'webhooks.deliver'
/** Sent at once to one endpoint. */
const PARALLEL = 10
/** Longer than any attempt can take. */
const CLAIM_MS = MINUTE_MS
const MAX_ENDPOINTS = 1000

/** Turns events into messages for whoever wants them. */
export const messageSubscriber: Subscriber = {
  name: 'webhooks',
  events: webhookEventNames,
  async handle(events, tx, context) {
    const endpoints = await insertMessages(tx, events.map(messageOf))
    for (const endpointId of endpoints) await enqueueDelivery(context, tx.workspaceId, endpointId)
  },
}

/** One job an endpoint, so that one that hangs holds nobody else up. */
export function enqueueDelivery(
  context: Pick<JobContext, 'enqueue'>,
  workspaceId: string,
  endpointId: string,
): Promise<void> {
  return context.enqueue(JOB, { workspaceId, endpointId }, { singletonKey: endpointId })
}

/** Looks for what came due by time: retries, and what a process that died had taken. */
export const dueTimer: Timer = {
  name: 'webhooks.due',
  everyMs: 5 * SECOND_MS,
  async run(context) {
    const due = await context.store.system((tx) =>
      listDueEndpoints(tx, context.clock.now(), MAX_ENDPOINTS),
    )
    for (const { workspaceId, endpointId } of due)
      await enqueueDelivery(context, workspaceId, endpointId)
  },
}

export function createDeliveryJob(egress: Egress): Job {
  return defineJob({
    name: JOB,
    input: z.object({ workspaceId: z.string(), endpointId: z.string() }),
    concurrency: 8,
    retryLimit: 3,
    timeoutMs: 10 * MINUTE_MS,
    async run({ workspaceId, endpointId }, context) {
      let sent = PARALLEL
      while (sent === PARALLEL) {
        context.signal.throwIfAborted()
        sent = await deliverSome(egress, workspaceId, endpointId, context)
      }
    },
  })
}

/** Claims, sends and settles up to `PARALLEL` messages. @returns how many, 0 when the endpoint rests. */
async function deliverSome(
  egress: Egress,
  workspaceId: string,
  endpointId: string,
  { store, clock, signal }: JobContext,
): Promise<number> {
  const now = clock.now()
  const taken = await store.transaction(workspaceId, async (tx) => {
    const endpoint = await openEndpoint(tx, endpointId, now)
    if (endpoint?.state !== 'enabled') return null
    const until = new Date(now.getTime() + CLAIM_MS)
    return { endpoint, claims: await claimDue(tx, endpointId, PARALLEL, now, until) }
  })
  if (!taken || taken.claims.length === 0) return 0
  const outcomes = await Promise.all(
    taken.claims.map((claim) => attempt(egress, taken.endpoint, claim, clock.now(), signal)),
  )
  const isOver = await store.transaction(workspaceId, (tx) =>
    settle(tx, taken.endpoint, outcomes, clock.now()),
  )
  return isOver ? 0 : taken.claims.length
}

interface Outcome {
  settlement: Settlement
  isGone: boolean
  holdMs: number
}

async function attempt(
  egress: Egress,
  endpoint: OpenEndpoint,
  claim: Claim,
  now: Date,
  signal: AbortSignal,
): Promise<Outcome> {
  const body = endpoint.format === 'slack' ? slackText(claim.payload) : claim.payload
  const headers = signedHeaders({ id: claim.messageId, body }, endpoint.secrets, now)
  const made = await egress.post(endpoint.url, body, headers, now, signal)
  const verdict = judge(made, claim.attempts, Math.random())
  const waitMs = verdict.kind === 'retry' ? verdict.waitMs : null
  return {
    settlement: {
      messageId: claim.messageId,
      attemptId: newId('att'),
      // A receiver that is gone keeps what it was owed: switched on again, it gets it.
      state: { delivered: 'delivered', retry: 'pending', failed: 'failed', gone: 'pending' }[
        verdict.kind
      ] as Settlement['state'],
      at: now,
      nextAttemptAt:
        verdict.kind === 'gone' ? now : waitMs === null ? null : new Date(now.getTime() + waitMs),
      status: made.status,
      error: made.error,
      durationMs: made.durationMs,
    },
    isGone: verdict.kind === 'gone',
    holdMs: isThrottled(made.status) ? (waitMs ?? 0) : 0,
  }
}

/** @returns whether nothing more is to be sent for now. */
async function settle(
  tx: Transaction,
  endpoint: OpenEndpoint,
  outcomes: readonly Outcome[],
  now: Date,
): Promise<boolean> {
  await settleClaims(
    tx,
    endpoint.id,
    outcomes.map(({ settlement }) => settlement),
    now,
  )
  const isReached = outcomes.some(({ settlement }) => settlement.state === 'delivered')
  const isGone = outcomes.some((outcome) => outcome.isGone)
  if (isGone || (!isReached && isHopeless(endpoint.failingSince, now))) {
    const reason = isGone
      ? 'The receiver answered 410: it is gone for good.'
      : 'No attempt has succeeded for five days.'
    await updateEndpoint(tx, endpoint.id, { state: 'disabled', reason }, now)
    const subjectId = endpoint.id
    await recordOwnWork(
      tx,
      {
        events: [{ event: 'webhook.disabled', subjectId, data: { reason } }],
        audits: [{ action: 'webhook.disabled', subjectId, detail: { reason } }],
      },
      now,
    )
    return true
  }
  const holdMs = Math.max(0, ...outcomes.map((outcome) => outcome.holdMs))
  if (holdMs > 0) await holdBack(tx, endpoint.id, new Date(now.getTime() + holdMs))
  return holdMs > 0
}
