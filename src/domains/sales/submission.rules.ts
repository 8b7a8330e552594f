import { MINUTE_MS } from '#core/time.ts'
import type { Capture, ConsentCapture } from '#people/capture.ts'
import { countryCode } from './country.ts'
import { pickGiven, sortFields } from './fields.ts'
import type { LeadEvent, NewLead } from './lead.schema.ts'

// Clocks of senders differ: a little ahead of ours is now, more is a mistake.
const MAX_AHEAD_MS = 5 * MINUTE_MS

/** When the submission happened. Null when it claims to be of the future. */
export function captureTime(capturedAt: Date | undefined, now: Date): Date | null {
  if (capturedAt === undefined) return now
  const aheadMs = capturedAt.getTime() - now.getTime()
  if (aheadMs > MAX_AHEAD_MS) return null
  return aheadMs > 0 ? now : capturedAt
}

const touchKinds: Readonly<Record<LeadEvent, string | null>> = {
  form_submission: 'form_submission',
  email_signup: 'email_signup',
  webinar_registration: 'webinar_registered',
  webinar_attendance: 'webinar_attended',
  demo_request: 'demo_request',
  event_attendance: 'event_attended',
  meeting: 'meeting',
  import: null,
}

/** What of a submission is for the people engine: who it is, what was agreed to, and the touch it was. */
export function toCapture(
  input: NewLead,
  at: Date,
  { campaignId, messageId }: { campaignId: string | null; messageId: string },
): Capture {
  const { email, userId, externalId, anonymousId, source } = input
  const identities: Capture['identities'] = []
  if (userId !== undefined) identities.push({ kind: 'user_id', value: userId })
  if (externalId !== undefined) identities.push({ kind: 'external_id', source, value: externalId })
  if (email !== undefined) identities.push({ kind: 'email', value: email })
  if (anonymousId !== undefined) identities.push({ kind: 'anonymous_id', value: anonymousId })
  const { firstName, lastName, phone, jobTitle, company } = input
  const country =
    input.country === undefined ? undefined : (countryCode(input.country) ?? input.country)
  const personal = pickGiven({ email, firstName, lastName, phone, jobTitle, company, country })
  const consents = input.consents.map(({ purpose, channel, status, text }): ConsentCapture => {
    const proof = pickGiven({ text, form: input.form, page: input.pageUrl })
    return { purpose, channel, status, ...(Object.keys(proof).length > 0 && { proof }) }
  })
  return {
    source,
    identities,
    personal,
    consents,
    touch: toTouch(input, at, campaignId, messageId),
  }
}

function toTouch(
  input: NewLead,
  at: Date,
  campaignId: string | null,
  messageId: string,
): Capture['touch'] {
  const { event, channel, utm, clickIds, pageUrl, landingPage, referrer, form, campaign } = input
  // A list that is only loaded is no interaction; one that says where the people were met is.
  const isSourced = channel !== undefined || campaign !== undefined || utm !== undefined
  const kind = touchKinds[event] ?? (isSourced ? 'import' : null)
  if (kind === null) return null
  const detail = pickGiven({
    url: landingPage ?? pageUrl,
    pageUrl,
    referrer,
    clickIds,
    form,
    campaign,
  })
  return {
    kind,
    channel: channel ?? null,
    occurredAt: at,
    messageId,
    ...(campaignId !== null && { campaignId }),
    ...(utm !== undefined && { utm: pickGiven(utm) }),
    ...(Object.keys(detail).length > 0 && { detail }),
  }
}

const DOUBLE_SUBMIT_MS = 10 * MINUTE_MS

/**
 * What makes two submissions one touch: the id that the source gave; else the same content of the same moment, or, when no
 * moment was given, within the same ten minutes (a form sent twice).
 */
export function submissionKey(input: NewLead, now: Date): string {
  const { source, submissionId, ...content } = input
  if (submissionId !== undefined) return JSON.stringify([source, submissionId])
  const bucket =
    input.capturedAt === undefined ? Math.floor(now.getTime() / DOUBLE_SUBMIT_MS) : null
  return JSON.stringify([source, bucket, sortFields(content)])
}
