import type {
  CorrectableField,
  Kind,
  Request,
  RequestDetail,
  Target,
} from '#console/pages/privacy/privacy.queries.ts'
import type { Tone } from '#console/ui/Badge.tsx'

export const requestKinds: Readonly<Record<Kind, { label: string; what: string }>> = {
  access: { label: 'Access', what: 'What is held of the person, as a file.' },
  rectification: {
    label: 'Correction',
    what: 'Put right here at once, and in every connected system with the next sync.',
  },
  erasure: {
    label: 'Erasure',
    what: 'Taken away here and in every connected system. It cannot be undone.',
  },
}

/** The fields that can be put right, as people call them. */
export const correctable: Readonly<Record<CorrectableField, string>> = {
  email: 'E-mail',
  firstName: 'First name',
  lastName: 'Last name',
  phone: 'Phone',
  jobTitle: 'Job title',
  company: 'Company',
  country: 'Country (two letters)',
}

export const requestStates: Readonly<Record<Request['state'], { label: string; tone: Tone }>> = {
  received: { label: 'Waits for approval', tone: 'warn' },
  refused: { label: 'Refused', tone: 'plain' },
  approved: { label: 'Approved', tone: 'good' },
  waiting: { label: 'Waits for a system', tone: 'busy' },
  done: { label: 'Done', tone: 'good' },
}

export const receiptStates: Readonly<
  Record<RequestDetail['receipts'][number]['state'], { label: string; tone: Tone }>
> = {
  waiting: { label: 'Waits', tone: 'busy' },
  done: { label: 'Done there', tone: 'good' },
  by_hand: { label: 'Somebody has to do it', tone: 'bad' },
}

export const holdTargets: Readonly<Record<Target, string>> = {
  person: 'Person',
  account: 'Account',
  kind: 'Kind of record',
}

export function formatKept(days: number | 'keep'): string {
  return days === 'keep' ? 'For good' : `${days.toLocaleString('en')} days`
}
