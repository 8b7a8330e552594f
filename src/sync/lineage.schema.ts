import { z } from 'zod'
import { Instant } from '#core/time.ts'

export const LineageQuery = z.object({
  record: z
    .string()
    .regex(/^(?:lead|opp|acc|act|own|pip|stg|cmp|tch)_[0-9a-z]{1,60}$/)
    .meta({
      description: 'The id of a record that is synced, such as lead_… or opp_…, or of a touchpoint',
    }),
  field: z.string().min(1).max(200).meta({ description: 'A field of it, such as company' }),
})

export const LineageStep = z.object({
  at: Instant,
  kind: z.enum(['sync', 'import', 'call', 'merge']).meta({
    description:
      'sync: a connected system’s record, in a run. import: a file. call: a key or a person over the API. merge: another record that went into this one',
  }),
  brought: z
    .boolean()
    .meta({ description: 'It set the value here; false: it went out, or gave way' }),
  verdict: z.string().nullable().meta({ description: 'Of the merge of both sides' }),
  reason: z.string().nullable(),
  mapping: z
    .object({
      properties: z.array(z.string()),
      direction: z.string(),
      policy: z.string(),
      transform: z.string(),
      version: z.int(),
    })
    .nullable()
    .meta({ description: 'From which properties of the connected system, as it is mapped now' }),
  connectionId: z.string().nullable(),
  system: z.string().nullable(),
  vendor: z.string().nullable(),
  sourceRecord: z.string().nullable().meta({ description: 'Id of the record it came from' }),
  runId: z.string().nullable(),
  importId: z.string().nullable(),
  principalId: z.string().nullable(),
  principalKind: z.string().nullable(),
  operation: z.string().nullable(),
  requestId: z.string().nullable(),
})
export type LineageStep = z.output<typeof LineageStep>

export const LineageUse = z.object({
  kind: z.enum([
    'connection',
    'credit',
    'deal',
    'learned_model',
    'scoring',
    'routing',
    'lead_score',
    'export',
    'webhook',
    'weekly_report',
  ]),
  id: z.string().meta({
    description:
      'Of the connection, deal, model, lead, endpoint or report; the version of rules; the operation that showed it',
  }),
  detail: z.string(),
})
export type LineageUse = z.output<typeof LineageUse>

export const Lineage = z.object({
  record: z.string(),
  field: z.string(),
  origin: LineageStep.nullable().meta({ description: 'The step that set the present value' }),
  backward: z
    .array(LineageStep)
    .meta({ description: 'The newest first, 100 at most of each kind' }),
  forward: z.array(LineageUse).meta({ description: 'What uses it, 100 at most of each kind' }),
})

const Facet = z.looseObject({ _producer: z.string(), _schemaURL: z.string() })
const Dataset = z.object({
  namespace: z.string(),
  name: z.string(),
  facets: z.record(z.string(), Facet),
})
export const OpenLineageEvent = z.object({
  eventType: z.enum(['START', 'RUNNING', 'COMPLETE', 'ABORT', 'FAIL', 'OTHER']),
  eventTime: Instant,
  producer: z.string(),
  schemaURL: z.string(),
  run: z.object({ runId: z.string(), facets: z.record(z.string(), Facet) }),
  job: z.object({ namespace: z.string(), name: z.string(), facets: z.record(z.string(), Facet) }),
  inputs: z.array(Dataset),
  outputs: z.array(Dataset),
})
export type OpenLineageEvent = z.output<typeof OpenLineageEvent>
export const RunLineage = z.object({ events: z.array(OpenLineageEvent) })
