import { z } from 'zod'

/** The event types of the Segment spec; other types go to quarantine. */
export const eventTypes = ['identify', 'track', 'page', 'screen', 'group', 'alias'] as const
export type EventType = (typeof eventTypes)[number]

// Libraries send absent fields as null, ids as numbers, and names of any kind: what is of no use is
// taken as absent, so that an odd field never costs the event.
const Text = z.preprocess(
  (value) =>
    typeof value === 'number' ? String(value) : typeof value === 'string' ? value : undefined,
  z.string().optional(),
)
const Fields = z.preprocess(
  (value) => (typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {}),
  z.record(z.string(), z.unknown()),
)

/** One event as libraries send it. */
export const TrackingEvent = z.object({
  type: z.enum(eventTypes),
  userId: Text,
  anonymousId: Text,
  previousId: Text,
  groupId: Text,
  messageId: Text,
  event: Text,
  name: Text,
  properties: Fields,
  traits: Fields,
  context: Fields,
  timestamp: Text,
  originalTimestamp: Text,
  sentAt: Text,
})
export type TrackingEvent = z.infer<typeof TrackingEvent>
