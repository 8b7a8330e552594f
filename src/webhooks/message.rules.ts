import { newId } from '#core/id.ts'
import type { OutboxEvent } from '#jobs/job.ts'
import type { Message } from './delivery.store.ts'
import { webhookEvents } from './webhook-events.ts'

/** The body of an event: type, timestamp and data, as Standard Webhooks recommends ("Payload structure"). */
export function messageOf(event: OutboxEvent): Message {
  const { subjectId, occurredAt, data } = event
  return {
    id: newId('msg'),
    event: event.event,
    occurredAt,
    payload: JSON.stringify({
      type: event.event,
      timestamp: occurredAt.toISOString(),
      data: { id: subjectId, ...data },
    }),
  }
}

/** One sentence of a message for people, as chat systems take it. */
export function slackText(payload: string): string {
  const { type, data } = JSON.parse(payload) as { type: string; data: Record<string, unknown> }
  const meaning: string | undefined = Object.entries(webhookEvents).find(
    ([name]) => name === type,
  )?.[1]
  const facts = Object.entries(data)
    .filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value))
    .map(([name, value]) => `${name}: ${escape(String(value))}`)
  return JSON.stringify({
    text: `*${type}*${meaning ? ` (${meaning})` : ''}\n${facts.join(' · ')}`,
  })
}

/** Slack takes these three for markup, a mention of everybody among them. */
function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
