import type { EventDraft } from '#jobs/job.ts'

/**
 * What names a person. `source` is the system that gave an external id; it stays empty for the
 * other kinds.
 */
export interface Identity {
  kind: 'email' | 'user_id' | 'anonymous_id' | 'external_id'
  source?: string
  value: string
}

/**
 * Personal attributes; kept sealed. Later captures fill gaps and bring newer values, they never
 * blank a value.
 */
export interface Personal {
  email?: string
  firstName?: string
  lastName?: string
  phone?: string
  jobTitle?: string
  company?: string
  country?: string
  [trait: string]: unknown
}

export type ConsentStatus = 'granted' | 'pending' | 'denied' | 'withdrawn'

export interface ConsentCapture {
  purpose: string
  channel: string
  status: ConsentStatus
  /** Which text was agreed to, where; kept sealed as the proof. */
  proof?: Record<string, unknown>
  /** When the person decided; the touch's time when left out, else the time of capture. */
  occurredAt?: Date
}

export interface TouchCapture {
  kind: string
  /** Given by the source, or null to be worked out from utm, click ids and referrer. */
  channel: string | null
  campaignId?: string
  /** Read from `detail.url` when left out. */
  utm?: Utm
  /** Kept sealed. `url` and `referrer` of the page are read to work out the channel. */
  detail?: Record<string, unknown>
  occurredAt: Date
  messageId?: string
}

/** The five `utm_…` parameters of a landing page. */
export interface Utm {
  source?: string
  medium?: string
  campaign?: string
  term?: string
  content?: string
}

/** One thing that came in about one person. */
export interface Capture {
  source: string
  identities: Identity[]
  personal: Personal
  consents: ConsentCapture[]
  touch: TouchCapture | null
}

export interface Captured {
  kind: 'captured'
  /** With identifiers of two identified people: the person of the strongest identifier. */
  personId: string
  /** Whom the identifiers name, when that one was merged into the person by hand. */
  homeId: string | null
  isNewPerson: boolean
  /** Null when there was no touch. A repeated message answers the touch it made the first time. */
  touchpointId: string | null
  isNewTouch: boolean
  /** `unknown` when there was no touch. */
  channel: string
  campaignId: string | null
  /** The identifiers name two identified people: nothing was merged, the pair waits for a decision. */
  conflictId?: string
}

export interface CapturedAll {
  /** One for each capture, in order. */
  outcomes: Captured[]
  events: EventDraft[]
}
