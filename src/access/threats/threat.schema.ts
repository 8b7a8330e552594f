import { z } from 'zod'
import { Id } from '#core/id.ts'
import { PageQuery } from '#core/page.ts'
import { Instant } from '#core/time.ts'

export const threatKinds = [
  'brute_force',
  'distributed_guessing',
  'enumeration',
  'probing',
  'mass_export',
  'new_network',
  'leaked_key',
  'dead_key',
  'impossible_travel',
  'session_replay',
  'token_replay',
] as const
export const ThreatKind = z.enum(threatKinds)
export type ThreatKind = z.infer<typeof ThreatKind>

export const SubjectKind = z.enum(['address', 'key', 'client', 'user', 'grant', 'session'])
export type SubjectKind = z.infer<typeof SubjectKind>

const minutes = (usual: number) =>
  z
    .int()
    .min(5)
    .max(10_080)
    .default(usual)
    .meta({ description: 'How long the measure holds, in minutes, unless it is undone' })

const most = (usual: number, least: number, description: string) =>
  z.int().min(least).max(1_000_000).default(usual).meta({ description })

const perMinute = z
  .int()
  .min(5)
  .max(10_000)
  .default(20)
  .meta({ description: 'Requests a minute under a clamp' })

const onCredential = z.enum(['notify', 'clamp', 'quarantine'])
const onSession = z.enum(['notify', 'quarantine'])

/** Thresholds have a least value: a slip of the keyboard must not make a threat of every typo. Counts are of the last hour. */
export const ThreatPolicy = z.object({
  brute_force: z
    .object({
      action: z.enum(['notify', 'block']).default('block'),
      tries: most(30, 10, 'Different wrong passwords, codes, keys and tokens from one address'),
      forMinutes: minutes(60),
    })
    .prefault({}),
  distributed_guessing: z
    .object({
      action: z.enum(['notify']).default('notify'),
      tries: most(30, 10, 'Wrong passwords and codes for one person'),
      networks: most(5, 3, 'Networks that they come from'),
    })
    .prefault({}),
  enumeration: z
    .object({
      action: onCredential.default('clamp'),
      records: most(40, 10, 'Different records that do not exist or are not theirs to see'),
      perMinute,
      forMinutes: minutes(60),
    })
    .prefault({}),
  probing: z
    .object({
      action: onCredential.default('clamp'),
      operations: most(12, 5, 'Different operations that the credential has no scope for'),
      perMinute,
      forMinutes: minutes(60),
    })
    .prefault({}),
  mass_export: z
    .object({
      action: onCredential.default('quarantine'),
      rows: most(10_000, 500, 'Rows of lists and exports within two hours, never fewer'),
      timesUsual: z
        .number()
        .min(2)
        .max(1000)
        .default(5)
        .meta({ description: 'And so many times the most of any two hours of the last 28 days' }),
      perMinute,
      forMinutes: minutes(1440),
    })
    .prefault({}),
  new_network: z
    .object({
      action: onCredential.default('notify'),
      afterDays: most(14, 7, 'Days of use before a network counts as new'),
      overlapHours: most(48, 1, 'How long old and new network may go side by side, as in a move'),
      perMinute,
      forMinutes: minutes(1440),
    })
    .prefault({}),
  leaked_key: z
    .object({
      action: onCredential.default('quarantine'),
      networks: most(5, 3, 'Networks new to the key within a day, in use in the same hour'),
      perMinute,
      forMinutes: minutes(1440),
    })
    .prefault({}),
  dead_key: z
    .object({
      action: z.enum(['notify']).default('notify'),
      uses: most(3, 1, 'Uses of a revoked or expired key from networks that it never worked from'),
    })
    .prefault({}),
  impossible_travel: z
    .object({
      action: onSession.default('quarantine'),
      returns: most(8, 3, 'Returns to a network that was left less than ten minutes before'),
    })
    .prefault({}),
  session_replay: z
    .object({
      action: onSession.default('quarantine'),
      requests: most(3, 1, 'Requests of one session with another kind of browser'),
    })
    .prefault({}),
  token_replay: z.object({ action: z.enum(['notify']).default('notify') }).prefault({}),
})
export type ThreatPolicy = z.infer<typeof ThreatPolicy>

export const ThreatId = Id('thr')

export const Measure = z.object({
  id: Id('mea'),
  threatId: ThreatId,
  kind: z.enum(['clamp', 'quarantine', 'block', 'sign_out']),
  subjectKind: SubjectKind,
  subject: z.string(),
  perMinute: z.int().nullable(),
  beginsAt: Instant,
  endsAt: Instant.meta({ description: 'It ends then by itself' }),
  undoneBy: z.string().nullable(),
  undoneAt: Instant.nullable(),
})
export type Measure = z.infer<typeof Measure>

export const Threat = z.object({
  id: ThreatId,
  kind: ThreatKind,
  subjectKind: SubjectKind,
  subject: z.string().meta({
    description:
      'A key, client, person, session, “client person” for an application that acts for somebody, or the keyed hash of an address',
  }),
  state: z.enum(['open', 'confirmed', 'dismissed']),
  firstSeenAt: Instant,
  lastSeenAt: Instant,
  evidence: z.record(z.string(), z.number()),
  heldBack: z.string().nullable().meta({ description: 'Why the policy’s measure was not taken' }),
  decidedBy: z.string().nullable(),
  decidedAt: Instant.nullable(),
})
export type Threat = z.infer<typeof Threat>

export const ThreatDetail = Threat.extend({
  address: z.string().nullable().meta({ personal: 'contact' }),
  personId: z.string().nullable().meta({ description: 'Whose session it is' }),
  measures: z.array(Measure).meta({ description: 'The last 50, newest first' }),
  uses: z
    .array(
      z.object({
        network: z.string().meta({ personal: 'contact' }),
        agent: z.string().meta({ personal: 'contact' }),
        firstSeenAt: Instant,
        lastSeenAt: Instant,
        requests: z.int(),
        known: z.boolean(),
      }),
    )
    .meta({ description: 'Where the key, client or session was used; the last 100 places' }),
})

export const ListThreats = PageQuery.extend({
  state: Threat.shape.state.optional(),
  kind: ThreatKind.optional(),
})
export const ListMeasures = PageQuery.extend({
  active: z
    .stringbool()
    .default(true)
    .meta({ description: 'Only those in force; false: all that ever were' }),
})
export const ThreatRef = z.object({ threatId: ThreatId })
export const Decision = ThreatRef.extend({ decision: z.enum(['confirmed', 'dismissed']) })

export const PolicyView = z.object({
  policy: ThreatPolicy,
  version: z.int().meta({ description: '0: the defaults' }),
})
export const PolicyChange = z.object({ policy: ThreatPolicy })

export const ThreatFigures = z.object({
  from: Instant,
  kinds: z.array(
    z.object({
      kind: ThreatKind,
      open: z.int(),
      confirmed: z.int(),
      dismissed: z.int(),
      falseShare: z
        .number()
        .nullable()
        .meta({ description: 'Dismissed among those decided; null when none was decided' }),
    }),
  ),
})
