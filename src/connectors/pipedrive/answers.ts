import { z } from 'zod'

/** An e-mail address or a phone. */
const Channel = z.object({
  value: z.string().nullish(),
  primary: z.boolean().nullish(),
  label: z.string().nullish(),
})
export type Channel = z.infer<typeof Channel>

/** A record of v2: what the hub reads of all kinds, and everything else as it came. */
export const PipedriveRecord = z.looseObject({
  id: z.number(),
  update_time: z.string().nullish(),
  add_time: z.string().nullish(),
  is_deleted: z.boolean().nullish(),
  emails: z.array(Channel).nullish(),
  phones: z.array(Channel).nullish(),
  custom_fields: z.record(z.string(), z.unknown()).nullish(),
})
export type PipedriveRecord = z.infer<typeof PipedriveRecord>

const Cursor = z.object({ next_cursor: z.string().nullish() }).nullish()

export const RecordPage = z.object({
  data: z.array(PipedriveRecord).nullable(),
  additional_data: Cursor,
})
export const OneRecord = z.object({ data: PipedriveRecord })

/** Hits of a search by words, and of one by a field; both name ids. */
export const SearchHits = z.object({
  data: z.object({ items: z.array(z.object({ item: z.object({ id: z.number() }) })) }),
})
export const FieldHits = z.object({ data: z.array(z.object({ id: z.number() })).nullable() })

export const FieldPage = z.object({
  data: z.array(
    z.object({
      field_name: z.string(),
      field_code: z.string(),
      field_type: z.string(),
      options: z
        .array(z.object({ id: z.union([z.number(), z.string()]), label: z.string().nullish() }))
        .nullish(),
      is_custom_field: z.boolean().default(false),
      is_optional_response_field: z.boolean().default(false),
    }),
  ),
  additional_data: Cursor,
})
export type PipedriveField = z.infer<typeof FieldPage>['data'][number]

export const OneField = z.object({ data: z.object({ field_code: z.string() }) })

export const Users = z.object({
  data: z.array(
    z.object({
      id: z.number(),
      name: z.string().nullish(),
      email: z.string().nullish(),
      active_flag: z.boolean().default(true),
      is_deleted: z.boolean().default(false),
      modified: z.string().nullish(),
    }),
  ),
})
export type PipedriveUser = z.infer<typeof Users>['data'][number]

export const Me = z.object({
  data: z.object({
    id: z.number(),
    company_id: z.number().nullish(),
    company_name: z.string().nullish(),
    company_domain: z.string().nullish(),
    default_currency: z.string().nullish(),
  }),
})
export type PipedriveMe = z.infer<typeof Me>['data']

export const Pipelines = z.object({
  data: z.array(
    z.object({
      id: z.number(),
      name: z.string().nullish(),
      is_deleted: z.boolean().default(false),
      update_time: z.string().nullish(),
    }),
  ),
})
export type PipedrivePipeline = z.infer<typeof Pipelines>['data'][number]

export const Stages = z.object({
  data: z.array(
    z.object({
      id: z.number(),
      name: z.string().nullish(),
      pipeline_id: z.number(),
      order_nr: z.number().default(0),
      deal_probability: z.number().nullish(),
      is_deleted: z.boolean().default(false),
      update_time: z.string().nullish(),
    }),
  ),
})
export type PipedriveStage = z.infer<typeof Stages>['data'][number]

export const Participants = z.object({
  data: z
    .array(z.object({ id: z.number(), person_id: z.object({ value: z.number() }).or(z.number()) }))
    .nullable(),
  additional_data: z
    .object({
      more_items_in_collection: z.boolean().nullish(),
      next_start: z.number().nullish(),
      pagination: z
        .object({
          more_items_in_collection: z.boolean().nullish(),
          next_start: z.number().nullish(),
        })
        .nullish(),
    })
    .nullish(),
})

/** A webhook, ours or somebody else's. */
export const Webhook = z.looseObject({
  id: z.number(),
  subscription_url: z.string(),
  event_action: z.string(),
  event_object: z.string(),
  version: z.string().nullish(),
  is_active: z.union([z.number(), z.boolean()]).nullish(),
  http_auth_user: z.string().nullish(),
})
export type PipedriveWebhook = z.infer<typeof Webhook>
export const Webhooks = z.object({ data: z.array(Webhook).nullable() })
export const OneWebhook = z.object({ data: Webhook })

/** What changed lately, in v1's form: only whether it is still there, and what it took in. */
export const Recents = z.object({
  data: z
    .array(
      z.object({
        id: z.number(),
        data: z.looseObject({
          active_flag: z.boolean().nullish(),
          merge_what_id: z.number().nullish(),
          update_time: z.string().nullish(),
        }),
      }),
    )
    .nullable(),
  additional_data: z
    .object({
      pagination: z
        .object({
          more_items_in_collection: z.boolean().nullish(),
          next_start: z.number().nullish(),
        })
        .nullish(),
    })
    .nullish(),
})
export type Recent = NonNullable<z.infer<typeof Recents>['data']>[number]
