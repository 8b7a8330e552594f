import { z } from 'zod'
import { Id } from '#core/id.ts'
import { PageQuery } from '#core/page.ts'
import { Instant } from '#core/time.ts'

export const AlertId = Id('alr')
export const ChannelId = Id('alc')
export const MuteId = Id('alm')

export const SeveritySchema = z.enum(['info', 'warning', 'critical'])

export const AlertState = z.enum(['waiting', 'firing', 'resolved']).meta({
  description: 'waiting: found, but not yet for as long as its watch asks',
})

const Values = z
  .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]))
  .meta({ description: 'Ids and figures, as they were when it began' })

export const Alert = z.object({
  id: AlertId,
  watch: z.string().meta({ example: 'sync.connection_failing' }),
  key: z.string().meta({ description: 'Which thing it is about' }),
  title: z.string(),
  severity: SeveritySchema,
  ownerRole: z.string().meta({ description: 'The role that usually settles it' }),
  summary: z.string(),
  link: z.string().meta({ description: 'A path of the console' }),
  values: Values,
  state: AlertState,
  since: Instant.meta({ description: 'When it was first found' }),
  firedAt: Instant.nullable(),
  resolvedAt: Instant.nullable(),
  lastSeenAt: Instant,
  openings: z.int().meta({
    description: 'Times that it began; more than one: it came back shortly after it was over',
  }),
  acknowledgedAt: Instant.nullable(),
  acknowledgedBy: z.string().nullable(),
  note: z.string().nullable(),
  mutedUntil: Instant.nullable(),
  messages: z.object({
    delivered: z.int(),
    pending: z.int(),
    failed: z.int().meta({ description: 'Given up; send them again by the channel’s retry' }),
    lastError: z.string().nullable().meta({ description: 'Of messages that have not arrived' }),
  }),
  version: z.int(),
})
export type Alert = z.infer<typeof Alert>

export const AlertDetail = Alert.extend({
  history: z.array(
    z.object({
      what: z.enum(['fired', 'resolved', 'reopened', 'acknowledged']),
      at: Instant,
      by: z.string().nullable(),
      note: z.string().nullable(),
    }),
  ),
  sent: z
    .array(
      z.object({
        messageId: Id('msg'),
        channelId: ChannelId,
        channel: z.string(),
        kind: z.enum(['fired', 'resolved', 'test']),
        state: z.enum(['pending', 'delivered', 'failed', 'skipped']).meta({
          description:
            'skipped: muted or in quiet hours until it was over, or over only for a moment',
        }),
        attempts: z.int(),
        dueAt: Instant.nullable(),
        lastStatus: z.int().nullable(),
        lastError: z.string().nullable(),
        deliveredAt: Instant.nullable(),
      }),
    )
    .meta({ description: 'What each channel was told, newest first, at most 100' }),
})

export const AlertQuery = PageQuery.extend({
  status: z.enum(['open', 'acknowledged', 'resolved', 'waiting', 'all']).default('open').meta({
    description: 'open: firing, acknowledged or not',
  }),
  watch: z.string().max(100).optional(),
  severity: SeveritySchema.optional(),
  ownerRole: z.string().max(100).optional(),
})

export const Acknowledgement = z.object({
  alertId: AlertId,
  note: z.string().trim().max(1000).optional(),
})

export const WatchView = z.object({
  name: z.string(),
  title: z.string(),
  severity: SeveritySchema,
  ownerRole: z.string(),
  lastsMinutes: z.int().meta({ description: 'Found for so long before anybody is told' }),
  backWithinMinutes: z.int().meta({
    description: 'Found again within so many minutes, it is the same alert',
  }),
})

export const NewMute = z.object({
  watch: z.string().min(1).max(100).meta({ example: 'sync.stream_late' }),
  key: z.string().min(1).max(300).optional().meta({
    description: 'Only what has this key; all that the watch finds when left out',
  }),
  until: Instant,
  note: z.string().trim().max(500).default(''),
})

export const Mute = z.object({
  id: MuteId,
  watch: z.string(),
  key: z.string().nullable(),
  until: Instant,
  note: z.string(),
  createdBy: z.string(),
  createdAt: Instant,
})
export type Mute = z.infer<typeof Mute>
