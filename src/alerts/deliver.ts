import { z } from 'zod'
import { MINUTE_MS, SECOND_MS } from '#core/time.ts'
import { isThrottled, judge, type Attempt } from '#egress/delivery.rules.ts'
import type { Egress } from '#egress/egress.ts'
import type { Mailer } from '#egress/mail.ts'
import { signedHeaders } from '#egress/signature.ts'
import { defineJob, type Job, type JobContext, type Timer } from '#jobs/job.ts'
import { recordOwnWork } from '#jobs/own-work.ts'
import type { Transaction } from '#store/store.ts'
import { disableChannel, openTarget, type Target } from './channel.store.ts'
import {
  claimDue,
  holdBack,
  listDueChannels,
  settleClaims,
  type Claim,
  type Settlement,
} from './message.store.ts'
import { mailOf, slackOf, type Notice } from './notice.rules.ts'

const JOB = 'alerts.deliver'
/** Sent one after the other: a chat shows them in the order in which they came. */
const AT_ONCE = 20
/** Longer than so many attempts can take. */
const CLAIM_MS = 10 * MINUTE_MS
const MAX_CHANNELS = 1000

export interface WaysOut {
  egress: Egress
  /** Null: no mail server is set. */
  mailer: Mailer | null
}

/** One job a channel, so that one that hangs holds no other up. */
export function enqueueDelivery(
  context: Pick<JobContext, 'enqueue'>,
  workspaceId: string,
  channelId: string,
): Promise<void> {
  return context.enqueue(JOB, { workspaceId, channelId }, { singletonKey: channelId })
}

/** Looks for what came due by time: retries, ends of quiet hours and mutes, and what a process that died had taken. */
export const dueTimer: Timer = {
  name: 'alerts.due',
  everyMs: 5 * SECOND_MS,
  async run(context) {
    const due = await context.store.system((tx) =>
      listDueChannels(tx, context.clock.now(), MAX_CHANNELS),
    )
    for (const { workspaceId, channelId } of due)
      await enqueueDelivery(context, workspaceId, channelId)
  },
}

export function createDeliveryJob(ways: WaysOut): Job {
  return defineJob({
    name: JOB,
    input: z.object({ workspaceId: z.string(), channelId: z.string() }),
    concurrency: 4,
    retryLimit: 3,
    timeoutMs: 20 * MINUTE_MS,
    async run({ workspaceId, channelId }, context) {
      let sent = AT_ONCE
      while (sent > 0) {
        context.signal.throwIfAborted()
        sent = await deliverSome(ways, workspaceId, channelId, context)
      }
    },
  })
}

/** Claims, sends and settles some messages. @returns how many, 0 when nothing more is to be sent for now. */
async function deliverSome(
  ways: WaysOut,
  workspaceId: string,
  channelId: string,
  { store, clock, signal }: JobContext,
): Promise<number> {
  const now = clock.now()
  const until = new Date(now.getTime() + CLAIM_MS)
  const taken = await store.transaction(workspaceId, async (tx) => {
    const opened = await openTarget(tx, channelId)
    if (opened?.state !== 'enabled') return null
    const claims = await claimDue(tx, channelId, AT_ONCE, now, until)
    return { target: opened.target, claims }
  })
  if (!taken || taken.claims.length === 0) return 0
  const outcomes: Outcome[] = []
  for (const claim of taken.claims)
    outcomes.push(await attempt(ways, taken.target, claim, clock.now(), signal))
  const isOver = await store.transaction(workspaceId, (tx) =>
    settle(tx, channelId, outcomes, clock.now()),
  )
  return isOver ? 0 : taken.claims.length
}

interface Outcome {
  settlement: Settlement
  isGone: boolean
  holdMs: number
}

async function attempt(
  ways: WaysOut,
  target: Target,
  claim: Claim,
  now: Date,
  signal: AbortSignal,
): Promise<Outcome> {
  const made = await send(ways, target, claim, now, signal)
  const verdict = judge(made, claim.attempts, Math.random())
  const waitMs = verdict.kind === 'retry' ? verdict.waitMs : null
  const states = {
    delivered: 'delivered',
    retry: 'pending',
    failed: 'failed',
    gone: 'pending',
  } as const
  return {
    settlement: {
      id: claim.id,
      // A receiver that is gone keeps what it was owed: with another address, it gets it.
      state: states[verdict.kind],
      dueAt:
        verdict.kind === 'gone' ? now : waitMs === null ? null : new Date(now.getTime() + waitMs),
      status: made.status,
      error: made.error ?? (verdict.kind === 'delivered' ? null : `It answered ${made.status}.`),
    },
    isGone: verdict.kind === 'gone',
    holdMs: isThrottled(made.status) ? (waitMs ?? 0) : 0,
  }
}

function send(
  { egress, mailer }: WaysOut,
  target: Target,
  { id, alertId, notice: text }: Claim,
  now: Date,
  signal: AbortSignal,
): Promise<Attempt> {
  const notice = JSON.parse(text) as Notice
  switch (target.kind) {
    case 'email': {
      const mail = { id, thread: alertId ?? id, to: target.to, ...mailOf(notice), at: now }
      const missing = {
        status: null,
        error: 'No mail server is set.',
        retryAfterMs: null,
        durationMs: 0,
      }
      return mailer ? mailer.send(mail) : Promise.resolve(missing)
    }
    case 'slack':
      return egress.post(target.url, slackOf(notice), {}, now, signal)
    case 'webhook': {
      const headers = signedHeaders({ id, body: text }, [target.secret], now)
      return egress.post(target.url, text, headers, now, signal)
    }
  }
}

/** @returns whether nothing more is to be sent for now. */
async function settle(
  tx: Transaction,
  channelId: string,
  outcomes: readonly Outcome[],
  now: Date,
): Promise<boolean> {
  const settled = outcomes.map(({ settlement }) => settlement)
  await settleClaims(tx, channelId, settled, now)
  if (outcomes.some(({ isGone }) => isGone)) {
    const reason = 'The receiver answered 410: it is gone for good.'
    await disableChannel(tx, channelId, reason, now)
    const audits = [{ action: 'alertChannel.disabled', subjectId: channelId, detail: { reason } }]
    await recordOwnWork(tx, { events: [], audits }, now)
    return true
  }
  const holdMs = Math.max(0, ...outcomes.map((outcome) => outcome.holdMs))
  if (holdMs > 0) await holdBack(tx, channelId, new Date(now.getTime() + holdMs))
  return holdMs > 0
}
