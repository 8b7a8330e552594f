import { z } from 'zod'
import { RowError } from './errors.ts'

const Properties = z.record(z.string(), z.string().nullable())
const HubspotRecord = z.object({
  id: z.coerce.string(),
  properties: Properties.default({}),
  updatedAt: z.string().optional(),
  archived: z.boolean().optional(),
  archivedAt: z.string().nullish(),
  new: z.boolean().optional(),
  objectWriteTraceId: z.string().optional(),
})
export type HubspotRecord = z.infer<typeof HubspotRecord>

const Paging = z.object({ next: z.object({ after: z.coerce.string() }).nullish() }).nullish()
export const RecordPage = z.object({ results: z.array(HubspotRecord), paging: Paging })
export const Batch = z.object({
  results: z.array(HubspotRecord).default([]),
  errors: z.array(RowError).default([]),
})
export type Batch = z.infer<typeof Batch>

export const OwnerPage = z.object({
  results: z.array(
    z.object({
      id: z.coerce.string(),
      email: z.string().nullish(),
      firstName: z.string().nullish(),
      lastName: z.string().nullish(),
      archived: z.boolean().default(false),
      updatedAt: z.string().nullish(),
    }),
  ),
  paging: Paging,
})
export type HubspotOwner = z.infer<typeof OwnerPage>['results'][number]

export const Pipelines = z.object({
  results: z.array(
    z.object({
      id: z.coerce.string(),
      label: z.string().nullish(),
      archived: z.boolean().default(false),
      stages: z.array(
        z.object({
          id: z.coerce.string(),
          label: z.string().nullish(),
          displayOrder: z.number().default(0),
          archived: z.boolean().default(false),
          metadata: z.record(z.string(), z.unknown()).default({}),
        }),
      ),
    }),
  ),
})
export type HubspotPipeline = z.infer<typeof Pipelines>['results'][number]

export const Associations = z.object({
  results: z.array(
    z.object({
      from: z.object({ id: z.coerce.string() }),
      to: z.array(z.object({ toObjectId: z.coerce.string() })),
      paging: Paging,
    }),
  ),
})
export const Account = z.object({
  portalId: z.coerce.string(),
  companyCurrency: z.string().nullish(),
})
export type HubspotAccount = z.infer<typeof Account>
