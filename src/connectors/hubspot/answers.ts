import { z } from 'zod'
import { RowError } from './errors.ts'

/** A text as it was before it was encoded for a URL; one that is not encoded stays. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

const Properties = z.record(z.string(), z.string().nullable())
const HubspotRecord = z.object({
  id: z.coerce.string(),
  properties: Properties.default({}),
  propertiesWithHistory: z
    .record(
      z.string(),
      z.array(
        z.object({
          value: z.string().nullish(),
          timestamp: z.string().nullish(),
          sourceType: z.string().nullish(),
          sourceId: z.coerce.string().nullish(),
        }),
      ),
    )
    .optional(),
  updatedAt: z.string().optional(),
  archived: z.boolean().optional(),
  archivedAt: z.string().nullish(),
  new: z.boolean().optional(),
  objectWriteTraceId: z.string().optional(),
})
export type HubspotRecord = z.infer<typeof HubspotRecord>

const Paging = z.object({ next: z.object({ after: z.coerce.string() }).nullish() }).nullish()
export const RecordPage = z.object({ results: z.array(HubspotRecord), paging: Paging })
/** Of campaigns the position comes encoded for a URL already. */
export const CampaignPage = z.object({
  results: z.array(HubspotRecord),
  total: z.int(),
  paging: z
    .object({ next: z.object({ after: z.coerce.string().transform(decoded) }).nullish() })
    .nullish(),
})
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
      to: z.array(
        z.object({
          toObjectId: z.coerce.string(),
          associationTypes: z
            .array(z.object({ category: z.string().nullish(), label: z.string().nullish() }))
            .default([]),
        }),
      ),
      paging: Paging,
    }),
  ),
})
export const AssociationLabels = z.object({
  results: z.array(
    z.object({ category: z.string(), typeId: z.number(), label: z.string().nullish() }),
  ),
})
export type AssociationLabel = z.infer<typeof AssociationLabels>['results'][number]

export const AssociationErrors = z.object({ errors: z.array(RowError).default([]) })

export const Definitions = z.object({
  results: z.array(
    z.object({
      name: z.string(),
      label: z.string().nullish(),
      type: z.string(),
      fieldType: z.string().nullish(),
      hidden: z.boolean().default(false),
      hubspotDefined: z.boolean().default(false),
      hasUniqueValue: z.boolean().default(false),
      calculated: z.boolean().default(false),
      externalOptions: z.boolean().default(false),
      referencedObjectType: z.string().nullish(),
      modificationMetadata: z.object({ readOnlyValue: z.boolean().default(false) }).nullish(),
      options: z
        .array(z.object({ value: z.coerce.string(), label: z.string().nullish() }))
        .default([]),
    }),
  ),
})
export type HubspotDefinition = z.infer<typeof Definitions>['results'][number]

export const Account = z.object({
  portalId: z.coerce.string(),
  companyCurrency: z.string().nullish(),
  timeZone: z.string().nullish(),
})
export type HubspotAccount = z.infer<typeof Account>
