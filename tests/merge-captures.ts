// The steps of random sequences as captures.
import { MINUTE_MS } from '#core/time.ts'
import type { Capture } from '#people/capture.ts'
import type { Step } from '#tests/merge-model.ts'

const STARTED_MS = Date.parse('2026-11-01T00:00:00Z')

export function capture(name: string, person: number | null, more: Partial<Capture>): Capture {
  const email = { kind: 'email' as const, value: `${name}p${person}@example.com` }
  const base = { source: 'test', personal: {}, consents: [], touch: null }
  const identities = [...(person === null ? [] : [email]), ...(more.identities ?? [])]
  return { ...base, ...more, identities }
}

export function toCapture(name: string, step: Step, at: number): Capture | null {
  const touch = {
    kind: 'page_view',
    channel: null,
    occurredAt: timeOf(at),
    messageId: `${name} ${at}`,
  }
  const visitorOf = (visitor: number) => ({
    kind: 'anonymous_id' as const,
    value: `${name}a${visitor}`,
  })
  switch (step.kind) {
    case 'edit':
      return capture(name, step.person, { personal: { [step.field]: step.value } })
    case 'touch':
      return capture(name, step.person, { touch })
    case 'login':
      return capture(name, step.person, {
        identities: [{ kind: 'user_id', value: `${name}u${step.login}` }],
      })
    case 'visit':
      return capture(name, null, { touch, identities: [visitorOf(step.visitor)] })
    case 'named_visit':
      return capture(name, step.person, { touch, identities: [visitorOf(step.visitor)] })
    case 'consent': {
      const occurredAt = timeOf(at - step.daysAgo * 1440)
      const { status } = step
      const consent = { purpose: 'marketing', channel: 'email', status, proof: { at }, occurredAt }
      return capture(name, step.person, { consents: [consent] })
    }
    case 'merge':
    case 'merge_many':
    case 'unmerge':
      return null
  }
}

export const timeOf = (at: number) => new Date(STARTED_MS + at * MINUTE_MS)
