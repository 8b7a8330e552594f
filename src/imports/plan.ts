import { Problem, type InputFault } from '#core/problem.ts'
import { detectDateFormat } from '#imports/date-format.ts'
import { detectDialect, SAMPLE_BYTES, type Dialect } from '#imports/dialect.ts'
import type { ColumnChoice, ColumnPlan, ImportChoices } from '#imports/import.schema.ts'
import { guessMapping, type ColumnSample, type TargetField } from '#imports/mapping.ts'
import { readRows, type ImportRow } from '#imports/reader.ts'
import type { ImportTarget } from '#imports/target.ts'
import { detectDecimalMark, isBlank } from '#imports/values.ts'

/** What is known of a file from its beginning. */
export interface Preparation {
  dialect: Dialect
  columns: ColumnPlan[]
  /** The first rows, for a look at them. */
  rows: ImportRow[]
}

const SAMPLE_ROWS = 2000
const SAMPLE_CHARS = 4 * 1024 * 1024

/** Columns that our own files of rejected rows add; imported again, they are no values. */
export const REJECT_COLUMNS = ['reject_reason', 'reject_line'] as const

/**
 * Decides how a file is read and which column goes where, around what was chosen by hand.
 *
 * @param head  the beginning of the file, `SAMPLE_BYTES` of it or all.
 * @throws Problem `import.file_unreadable` when it is no table of text; `request.invalid` when a choice names what is not
 *   there.
 */
export async function prepareImport(
  head: Uint8Array,
  target: ImportTarget,
  choices: ImportChoices,
): Promise<Preparation> {
  const { encoding, delimiter, hasHeader } = choices
  const dialect = await detectDialect(head, {
    ...(encoding !== undefined && { encoding }),
    ...(delimiter !== undefined && { delimiter }),
    ...(hasHeader !== undefined && { hasHeader }),
  })
  const reader = readRows([head], dialect, { isPartial: head.length >= SAMPLE_BYTES })
  const rows: ImportRow[] = []
  let chars = 0
  for await (const row of reader) {
    rows.push(row)
    if (row.kind === 'row') for (const column in row.cells) chars += row.cells[column]!.length
    if (rows.length >= SAMPLE_ROWS || chars >= SAMPLE_CHARS) break
  }
  const samples = reader.columns.map((column) => sampleOf(column, rows))
  const columns = planColumns(samples, target, choices)
  return { dialect: { ...dialect, columns: [...reader.columns] }, columns, rows }
}

/** The values of a column that are not blank. */
export function sampleOf(column: string, rows: readonly ImportRow[]): ColumnSample {
  const values = rows.flatMap((row) => (row.kind === 'row' ? (row.cells[column] ?? '') : []))
  return { column, values: values.filter((value) => !isBlank(value)) }
}

/** Where each column goes: as chosen, else as guessed. @throws Problem `request.invalid` for a choice that cannot be. */
export function planColumns(
  samples: readonly ColumnSample[],
  target: ImportTarget,
  choices: Pick<ImportChoices, 'mapping' | 'dateFormats'>,
): ColumnPlan[] {
  refuseWrongChoices(samples, target, choices)
  const chosen = new Map((choices.mapping ?? []).map((choice) => [choice.column, choice]))
  const taken = new Set([...chosen.values()].flatMap((choice) => fieldOf(choice) ?? []))
  const open = samples.filter(
    ({ column }) => !chosen.has(column) && !REJECT_COLUMNS.some((own) => own === column),
  )
  const guess = guessMapping(
    open,
    target.fields.filter(({ field }) => !taken.has(field)),
  )
  const guesses = new Map(guess.guesses.map((one) => [one.column, one]))
  const keys = new Set(
    [...chosen.values()].flatMap((choice) => ('custom' in choice ? choice.custom : [])),
  )
  const customs = new Map(guess.custom.map(({ column, key }) => [column, freeKey(key, keys)]))
  const plans = samples.map((sample): ColumnPlan => {
    const { column } = sample
    const choice = chosen.get(column)
    if (choice !== undefined) return applyChoice(choice)
    const one = guesses.get(column)
    if (one !== undefined) {
      const { field, confidence, reason } = one
      return { ...blankPlan(column, reason), use: 'field', field, confidence }
    }
    const key = customs.get(column)
    if (key === undefined) return blankPlan(column, 'It tells why a row was rejected before.')
    return { ...blankPlan(column, 'No field fits; its values are kept.'), use: 'custom', key }
  })
  const formats = new Map(
    (choices.dateFormats ?? []).map(({ column, format }) => [column, format] as const),
  )
  const fields = new Map(target.fields.map((field) => [field.field, field]))
  return limitCustom(plans, target).map((plan, i) => {
    const field = plan.field === null ? undefined : fields.get(plan.field)
    return field === undefined
      ? plan
      : settleFormat(plan, field, samples[i]!, formats.get(plan.column))
  })
}

function fieldOf(choice: ColumnChoice): string | null {
  return 'field' in choice ? choice.field : null
}

function blankPlan(column: string, reason: string): ColumnPlan {
  return {
    column,
    use: 'ignore',
    field: null,
    key: null,
    confidence: null,
    reason,
    dateFormat: null,
    isAmbiguous: false,
    decimalMark: null,
  }
}

function applyChoice(choice: ColumnChoice): ColumnPlan {
  const plan = blankPlan(choice.column, 'Chosen by hand.')
  if ('field' in choice) return { ...plan, use: 'field', field: choice.field }
  if ('custom' in choice) return { ...plan, use: 'custom', key: choice.custom }
  return plan
}

function freeKey(wanted: string, taken: Set<string>): string {
  let key = wanted
  for (let n = 2; taken.has(key); n += 1) key = `${wanted.slice(0, 55)}_${n}`
  taken.add(key)
  return key
}

/** A target has places for so many custom values; further columns are left out, and say so. */
function limitCustom(plans: readonly ColumnPlan[], { maxCustom }: ImportTarget): ColumnPlan[] {
  let left = maxCustom - plans.filter((plan) => plan.use === 'custom' && isByHand(plan)).length
  return plans.map((plan) => {
    if (plan.use !== 'custom' || isByHand(plan)) return plan
    left -= 1
    if (left >= 0) return plan
    const reason =
      maxCustom === 0
        ? 'No field fits, and there is no place for other values.'
        : `No field fits, and the ${maxCustom} places for other values are taken.`
    return blankPlan(plan.column, reason)
  })
}

function isByHand(plan: ColumnPlan): boolean {
  return plan.reason === 'Chosen by hand.'
}

/** How dates and numbers of the column are read. */
function settleFormat(
  plan: ColumnPlan,
  { kind }: TargetField,
  sample: ColumnSample,
  chosen: ColumnPlan['dateFormat'] | undefined,
): ColumnPlan {
  if (kind === 'number' || kind === 'money') {
    return { ...plan, decimalMark: detectDecimalMark(sample.values) }
  }
  if (kind !== 'date') return plan
  if (chosen != null) {
    return {
      ...plan,
      dateFormat: chosen,
      reason: `${plan.reason} Dates are ${chosen}: chosen by hand.`,
    }
  }
  const verdict = detectDateFormat(sample.values)
  const dateFormat = verdict.format ?? 'iso'
  const reason = `${plan.reason} ${verdict.total === 0 ? 'It holds no dates yet.' : verdict.reason}`
  return { ...plan, dateFormat, isAmbiguous: verdict.isAmbiguous, reason }
}

function refuseWrongChoices(
  samples: readonly ColumnSample[],
  target: ImportTarget,
  { mapping = [], dateFormats = [] }: Pick<ImportChoices, 'mapping' | 'dateFormats'>,
): void {
  const columns = new Set(samples.map(({ column }) => column))
  const fields = new Set(target.fields.map(({ field }) => field))
  const errors: InputFault[] = []
  const seen = new Set<string>()
  const once = (what: string) => seen.size < seen.add(what).size
  mapping.forEach((choice, i) => {
    const { column } = choice
    const complain = (detail: string) => errors.push({ pointer: `/mapping/${i}`, detail })
    if (!columns.has(column)) complain(noColumn(column, columns))
    if (!once(`column ${column}`)) complain(`“${column}” is given twice: keep one.`)
    if ('custom' in choice && target.maxCustom === 0) complain(`${target.label} keep no others.`)
    if ('custom' in choice && !once(`key ${choice.custom}`))
      complain(`Two columns are kept as ${choice.custom}.`)
    const field = fieldOf(choice)
    if (field === null) return
    if (!fields.has(field))
      complain(`There is no field ${field}: there are ${[...fields].join(', ')}.`)
    if (!once(`field ${field}`)) complain(`Two columns fill ${field}: choose one.`)
  })
  dateFormats.forEach(({ column }, i) => {
    if (!columns.has(column))
      errors.push({ pointer: `/dateFormats/${i}/column`, detail: noColumn(column, columns) })
  })
  if (errors.length > 0) throw new Problem('request.invalid', errors[0]!.detail, { errors })
}

function noColumn(column: string, columns: ReadonlySet<string>): string {
  const shown = [...columns].slice(0, 30).join(', ')
  return `There is no column “${column}”: there are ${shown}${columns.size > 30 ? ', …' : ''}.`
}

/** What must be settled before the start, each with what to do about it. */
export function findTodo(columns: readonly ColumnPlan[], target: ImportTarget): InputFault[] {
  const filled = new Set(columns.flatMap(({ field }) => field ?? []))
  const missing = target.fields.filter(({ field, required }) => required && !filled.has(field))
  const oneOf = target.requiresOneOf ?? []
  const lacksOne = oneOf.length > 0 && !oneOf.some((field) => filled.has(field))
  return [
    ...missing.map(({ field, label }) => ({
      pointer: '/mapping',
      detail: `No column fills ${label} (${field}): map one to it.`,
    })),
    ...(lacksOne
      ? [{ pointer: '/mapping', detail: `Map a column to one of ${oneOf.join(', ')}.` }]
      : []),
    ...columns
      .filter(({ isAmbiguous }) => isAmbiguous)
      .map(({ column }) => ({
        pointer: '/dateFormats',
        detail: `The dates in “${column}” could be day-first or month-first: choose one for this column.`,
      })),
  ]
}
