import { z } from 'zod'
import { Id } from '#core/id.ts'
import { Page, PageQuery } from '#core/page.ts'
import { Instant } from '#core/time.ts'
import { personNames, Source } from './person.schema.ts'

const Url = z.string().trim().min(1).max(2000)
const UtmValue = z.string().trim().min(1).max(500)

export const Utm = z.strictObject({
  source: UtmValue.optional(),
  medium: UtmValue.optional(),
  campaign: UtmValue.optional(),
  term: UtmValue.optional(),
  content: UtmValue.optional(),
})

/** One marketing interaction. */
export const NewTouchpoint = z.strictObject({
  ...personNames,
  source: Source,
  messageId: z.string().trim().min(1).max(200).optional().meta({
    description: 'The id of the event at its source: a repeat answers the first touchpoint.',
  }),
  kind: z.string().trim().min(1).max(100).meta({ example: 'webinar_attended' }),
  channel: z.string().trim().min(1).max(60).optional().meta({
    description: 'Left out, it is worked out from utm, click ids, kind and referrer.',
    example: 'webinar',
  }),
  campaign: z.string().trim().min(1).max(200).optional().meta({
    description: 'Id or key of a campaign; left out, utm.campaign is compared with the keys.',
  }),
  utm: Utm.optional(),
  clickIds: z
    .record(z.string().min(1).max(30), z.string().min(1).max(500))
    .refine((ids) => Object.keys(ids).length <= 20, 'At most 20 click ids.')
    .optional()
    .meta({ personal: 'identifier', example: { gclid: 'Cj0KCQ' } }),
  pageUrl: Url.optional().meta({ personal: 'behaviour' }),
  referrer: Url.optional().meta({ personal: 'behaviour' }),
  properties: z
    .record(
      z.string().min(1).max(60),
      z.union([z.string().max(2000), z.number(), z.boolean(), z.null()]),
    )
    .refine((properties) => Object.keys(properties).length <= 50, 'At most 50 properties.')
    .optional()
    .meta({ personal: 'behaviour' }),
  occurredAt: Instant.optional().meta({ description: 'Now if left out.' }),
})
export type NewTouchpoint = z.infer<typeof NewTouchpoint>

export const RecordedTouchpoint = z.object({
  id: Id('tch'),
  personId: Id('per'),
  isNew: z.boolean().meta({ description: 'False for the repeat of a message.' }),
  isNewPerson: z.boolean(),
  channel: z.string(),
  campaignId: Id('cmp').nullable(),
  conflictId: Id('conf').nullable().meta({
    description: 'The identifiers belong to two people: the touch is the strongest one’s.',
  }),
})

export const Touchpoint = z.object({
  id: Id('tch'),
  personId: Id('per'),
  kind: z.string(),
  channel: z.string(),
  campaignId: Id('cmp').nullable(),
  occurredAt: Instant,
  receivedAt: Instant,
  source: z.string(),
  utm: Utm,
})
export type Touchpoint = z.infer<typeof Touchpoint>

/** A touchpoint on its person's timeline, with what was kept sealed. */
export const TimelineEntry = Touchpoint.extend({
  capturedAs: Id('per').nullable().meta({
    description: 'Whom it was captured for before a merge moved it.',
  }),
  detail: z.record(z.string(), z.unknown()).nullable().meta({ personal: 'behaviour' }),
})
export type TimelineEntry = z.infer<typeof TimelineEntry>

export const TouchpointQuery = PageQuery.extend({
  campaignId: Id('cmp').optional(),
  channel: z.string().max(60).optional(),
  from: Instant.optional().meta({ description: 'Occurred at or after.' }),
  to: Instant.optional().meta({ description: 'Occurred before.' }),
})
export const TouchpointPage = Page(Touchpoint)
export const TimelineQuery = PageQuery.extend({ personId: Id('per') })
export const Timeline = Page(TimelineEntry)
