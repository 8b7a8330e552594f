import { dispositions } from '#domains/sales/disposition.schema.ts'
import type { LeadRow, LeadTask, LeadWhole, Verdict } from '#console/pages/leads/leads.queries.ts'
import type { Tone } from '#console/ui/Badge.tsx'

export const leadStates: Readonly<Record<LeadRow['status'], { label: string; tone: Tone }>> = {
  new: { label: 'New', tone: 'info' },
  working: { label: 'Being worked', tone: 'busy' },
  qualified: { label: 'Qualified', tone: 'good' },
  disqualified: { label: 'Rejected', tone: 'plain' },
}

export const taskStates: Readonly<Record<LeadTask['state'], { label: string; tone: Tone }>> = {
  open: { label: 'Open', tone: 'warn' },
  done: { label: 'Done', tone: 'good' },
  cancelled: { label: 'Cancelled', tone: 'plain' },
}

export const matches: Readonly<Record<LeadWhole['captures'][number]['match'], string>> = {
  new: 'Nobody knew them',
  existing_lead: 'A lead already',
  existing_person: 'Known, but no lead',
  customer: 'A customer already',
}

/** `reject:no_budget` as `Rejected: no budget`. */
export function describeDisposition(disposition: string): string {
  const [verdict = '', reason = ''] = disposition.split(':')
  const words: Readonly<Record<string, string>> =
    verdict === 'accept' || verdict === 'reject' ? dispositions[verdict] : {}
  return `${verdict === 'accept' ? 'Accepted' : 'Rejected'}: ${(words[reason] ?? reason).toLowerCase()}`
}

/** Which decisions a lead still takes. */
export function verdictsOf(status: LeadRow['status']): readonly Verdict[] {
  if (status === 'new') return ['accept', 'reject']
  return status === 'disqualified' ? ['accept'] : ['reject']
}

/** Points with their sign: `+20`, `−5`. */
export function formatPoints(points: number): string {
  return points < 0 ? `−${Math.abs(points)}` : `+${points}`
}
