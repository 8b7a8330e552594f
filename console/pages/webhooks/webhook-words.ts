import type { Endpoint } from '#webhooks/webhook.schema.ts'
import type { DeliveryRow } from '#console/pages/webhooks/webhooks.queries.ts'
import type { Tone } from '#console/ui/Badge.tsx'

export const deliveryStates: Readonly<Record<DeliveryRow['state'], { label: string; tone: Tone }>> =
  {
    pending: { label: 'Waiting', tone: 'busy' },
    delivered: { label: 'Delivered', tone: 'good' },
    failed: { label: 'Given up', tone: 'bad' },
  }

export const formats: Readonly<Record<Endpoint['format'], string>> = {
  standard: 'Standard Webhooks, signed',
  slack: 'Text for a chat, as Slack, Mattermost and Teams take it',
}

/** The state of an endpoint in a word: also one that is on may be failing. */
export function stateOf({ state, failingSince }: Endpoint): { label: string; tone: Tone } {
  if (state === 'disabled') return { label: 'Off', tone: 'bad' }
  return failingSince === null ? { label: 'On', tone: 'good' } : { label: 'Failing', tone: 'warn' }
}

/** The answer of the last attempt. */
export function answerOf({ attempts, lastStatus, lastError }: DeliveryRow): string {
  if (attempts === 0) return 'Not tried yet'
  return lastStatus === null ? (lastError ?? 'No answer') : `HTTP ${lastStatus}`
}
