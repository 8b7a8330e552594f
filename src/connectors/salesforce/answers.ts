import { z } from 'zod'

/** A row with its fields; what stands around it (`attributes`, lookups, children) is read apart. */
export const SfRow = z
  .object({ Id: z.string() })
  .catchall(z.unknown())
  .transform(({ attributes: _attributes, ...fields }) => fields)
export interface SfRow {
  Id: string
  [field: string]: unknown
}

export const QueryPage = z.object({
  totalSize: z.number(),
  done: z.boolean(),
  nextRecordsUrl: z.string().optional(),
  records: z.array(SfRow),
})
export type QueryPage = z.infer<typeof QueryPage>

/** Rows by id, null where there is none. */
export const Rows = z.array(SfRow.nullable())

export const SaveError = z.object({
  statusCode: z.string().optional(),
  errorCode: z.string().optional(),
  message: z.string().default(''),
  fields: z.array(z.string()).nullish(),
  // The vendor's spelling, and what it may become once it is corrected.
  duplicateResut: z.unknown().optional(),
  duplicateResult: z.unknown().optional(),
})
export type SaveError = z.infer<typeof SaveError>

export const SaveResults = z.array(
  z.object({
    id: z.string().nullish(),
    success: z.boolean(),
    created: z.boolean().optional(),
    errors: z.array(SaveError).default([]),
  }),
)
export type SaveResult = z.infer<typeof SaveResults>[number]

export const DuplicateResult = z.object({
  matchResults: z
    .array(
      z.object({
        matchRecords: z
          .array(z.object({ record: z.object({ Id: z.string() }).loose() }))
          .default([]),
      }),
    )
    .default([]),
})

export const SfField = z.object({
  name: z.string(),
  label: z.string().default(''),
  type: z.string(),
  length: z.number().default(0),
  custom: z.boolean().default(false),
  nillable: z.boolean().default(true),
  createable: z.boolean().default(false),
  updateable: z.boolean().default(false),
  defaultedOnCreate: z.boolean().default(false),
  externalId: z.boolean().default(false),
  unique: z.boolean().default(false),
  restrictedPicklist: z.boolean().default(false),
  referenceTo: z.array(z.string()).default([]),
  picklistValues: z
    .array(z.object({ value: z.string(), label: z.string().nullish(), active: z.boolean() }))
    .nullish(),
})
export type SfField = z.infer<typeof SfField>

export const Describe = z.object({
  name: z.string(),
  label: z.string().default(''),
  fields: z.array(SfField),
  recordTypeInfos: z
    .array(
      z.object({
        recordTypeId: z.string(),
        name: z.string(),
        active: z.boolean().default(true),
        available: z.boolean().default(true),
        master: z.boolean().default(false),
      }),
    )
    .default([]),
})
export type Describe = z.infer<typeof Describe>

export const BatchAnswer = z.object({
  results: z.array(z.object({ statusCode: z.number(), result: z.unknown() })),
})

export const Picklists = z.object({
  picklistFieldValues: z.record(
    z.string(),
    z.object({ values: z.array(z.object({ value: z.string() })) }),
  ),
})

export const Limits = z.record(
  z.string(),
  z.object({ Max: z.number(), Remaining: z.number() }).partial().loose(),
)

export const Job = z.object({
  id: z.string(),
  state: z.enum(['Open', 'UploadComplete', 'InProgress', 'JobComplete', 'Failed', 'Aborted']),
  errorMessage: z.string().nullish(),
})
export type Job = z.infer<typeof Job>

export const CompositeAnswer = z.object({
  compositeResponse: z.array(z.object({ httpStatusCode: z.number(), body: z.unknown() })),
})

export const UserInfo = z.object({ user_id: z.string() })
