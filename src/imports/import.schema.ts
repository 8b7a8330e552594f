import { z } from 'zod'
import { Id } from '#core/id.ts'
import { Page, PageQuery } from '#core/page.ts'
import { Instant } from '#core/time.ts'

export const ImportState = z.enum(['uploaded', 'queued', 'running', 'done', 'failed', 'cancelled'])
export type ImportState = z.infer<typeof ImportState>

export const DateFormatName = z.enum([
  'iso',
  'named',
  'day-first',
  'month-first',
  'epoch-seconds',
  'epoch-milliseconds',
  'excel-serial',
])

const ColumnName = z.string().min(1).max(200)

/** Where a column goes, and why. */
export const ColumnPlan = z.object({
  column: ColumnName,
  use: z.enum(['field', 'custom', 'ignore']),
  field: z.string().nullable().meta({ description: 'The field it fills.' }),
  key: z.string().nullable().meta({ description: 'The name under which a custom value is kept.' }),
  confidence: z.number().min(0).max(1).nullable().meta({
    description: 'How sure the guess is; null when it was chosen by hand.',
  }),
  reason: z.string(),
  dateFormat: DateFormatName.nullable(),
  isAmbiguous: z.boolean().meta({
    description: 'Day and month could be either way round: choose before the start.',
  }),
  decimalMark: z.enum(['.', ',']).nullable(),
})
export type ColumnPlan = z.infer<typeof ColumnPlan>

export const DialectSummary = z.object({
  compression: z.enum(['none', 'gzip']),
  encoding: z.string(),
  delimiter: z.enum([',', ';', '\t', '|']),
  newline: z.enum(['CRLF', 'LF', 'CR', 'mixed']),
  hasHeader: z.boolean(),
  reasons: z.array(z.string()),
})

export const Import = z.object({
  id: Id('imp'),
  target: z.string(),
  state: ImportState,
  fileName: z.string(),
  sizeBytes: z.int(),
  source: z.string(),
  zone: z.string(),
  dialect: DialectSummary,
  columns: z.array(ColumnPlan),
  todo: z.array(z.object({ pointer: z.string(), detail: z.string() })).meta({
    description: 'What must be settled with PATCH before the start.',
  }),
  progress: z.number().min(0).max(1).meta({ description: 'Share of the file that is read.' }),
  counts: z
    .object({
      read: z.int(),
      accepted: z.int(),
      created: z.int(),
      updated: z.int(),
      unchanged: z.int(),
      rejected: z.int(),
    })
    .meta({ description: 'read = accepted + rejected; accepted = created + updated + unchanged.' }),
  error: z.object({ code: z.string(), detail: z.string() }).nullable(),
  createdBy: z.string(),
  createdAt: Instant,
  startedAt: Instant.nullable(),
  endedAt: Instant.nullable(),
})
export type Import = z.infer<typeof Import>

export const RejectedRow = z.object({
  record: z.int().meta({ description: 'Which data row, from 1.' }),
  line: z.int().meta({ description: 'Line of the file on which it begins.' }),
  code: z.string(),
  reason: z.string(),
  cells: z.array(z.string()).meta({ personal: 'import' }),
})
export type RejectedRow = z.infer<typeof RejectedRow>

const BriefReject = RejectedRow.omit({ cells: true })

export const ImportPreview = Import.extend({
  samples: z
    .array(z.object({ column: z.string(), values: z.array(z.string()) }))
    .meta({ description: 'The first values of each column, as written.', personal: 'import' }),
  rows: z
    .array(
      z.union([
        z.object({ line: z.int(), input: z.record(z.string(), z.unknown()) }),
        BriefReject.omit({ record: true }),
      ]),
    )
    .meta({ description: 'The first ten rows as they would be taken.', personal: 'import' }),
})
export type ImportPreview = z.infer<typeof ImportPreview>

export const ImportCheck = z.object({
  read: z.int(),
  new: z.int().meta({ description: 'Rows that would be performed.' }),
  unchanged: z.int().meta({ description: 'Rows that an earlier import took already.' }),
  rejected: z.int(),
  byCode: z.array(z.object({ code: z.string(), rows: z.int() })),
  firstRejects: z.array(BriefReject).meta({ personal: 'import' }),
})
export type ImportCheck = z.infer<typeof ImportCheck>

export const ImportPath = z.object({ importId: Id('imp') })
export const ImportQuery = PageQuery.extend({
  target: z.string().max(60).optional(),
  state: ImportState.optional(),
})
export const ImportPage = Page(Import)
export const RejectQuery = PageQuery.extend(ImportPath.shape)
export const RejectPage = Page(RejectedRow)

export const ImportSource = z
  .string()
  .regex(
    /^[a-z0-9_.-]{1,60}$/,
    'A source is lower-case letters, digits, dots, dashes, underscores.',
  )
  .meta({ description: 'The system that the file is from; external ids are its own.' })

export const Zone = z
  .string()
  .max(60)
  .refine(isZone, 'There is no such time zone: write it like Europe/Berlin.')
  .meta({ description: 'IANA zone of dates that state none', example: 'Europe/Berlin' })

/** A column goes to a field, is kept as a custom value, or is left out. */
export const ColumnChoice = z.union([
  z.strictObject({ column: ColumnName, field: z.string().min(1).max(60) }),
  z.strictObject({
    column: ColumnName,
    custom: z
      .string()
      .regex(/^[\p{L}\p{N}][\p{L}\p{N}_ .-]{0,59}$/u, 'A key begins with a letter or digit.'),
  }),
  z.strictObject({ column: ColumnName, ignore: z.literal(true) }),
])
export type ColumnChoice = z.infer<typeof ColumnChoice>

export const DateChoice = z.strictObject({ column: ColumnName, format: DateFormatName })

/** What the one who imports knows better than the guess. */
export const ImportChoices = z.object({
  mapping: z.array(ColumnChoice).max(2000).optional(),
  dateFormats: z.array(DateChoice).max(2000).optional(),
  zone: Zone.optional(),
  source: ImportSource.optional(),
  encoding: z.string().min(1).max(40).optional(),
  delimiter: z.enum([',', ';', '\t', '|']).optional(),
  hasHeader: z.boolean().optional(),
})
export type ImportChoices = z.infer<typeof ImportChoices>

export const ImportChange = ImportPath.extend(ImportChoices.shape)

/** What rows of a file can become, and the fields that its columns can fill. */
export const ImportTargets = z.object({
  maxBytes: z.int().meta({ description: 'The largest file that an upload takes.' }),
  data: z.array(
    z.object({
      name: z.string(),
      label: z.string(),
      scope: z
        .string()
        .nullable()
        .meta({ description: 'What importing takes beside imports:write.' }),
      requiresOneOf: z.array(z.string()),
      maxCustom: z.int().meta({ description: 'Columns that can be kept as custom values.' }),
      fields: z.array(
        z.object({
          field: z.string(),
          label: z.string(),
          kind: z.string(),
          required: z.boolean(),
        }),
      ),
    }),
  ),
})

/** The largest file that an upload takes. */
export const MAX_UPLOAD_BYTES = 64 * 1024 * 1024

/** The query of an upload, whose body is the file. */
export const NewImport = z.strictObject({
  target: z.string().min(1).max(60),
  fileName: z.string().trim().min(1).max(255),
  zone: Zone.optional(),
  source: ImportSource.optional(),
})

function isZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}
