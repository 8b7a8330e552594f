import type { ColumnPlan, ImportCheck } from '#imports/import.schema.ts'
import type { ImportRecord } from '#imports/import.store.ts'
import { sampleOf, type Preparation } from '#imports/plan.ts'
import type { ImportTarget } from '#imports/target.ts'

const count = (n: number) => n.toLocaleString('en')

/** How the file is read and where its columns go, for reading. */
export function describePlan(
  path: string,
  { dialect, columns, rows }: Preparation,
  target: ImportTarget,
): string {
  const names = columns.map(({ column }) => column.slice(0, 40))
  const uses = columns.map((plan) => useOf(plan))
  const width = (texts: string[]) => Math.max(...texts.map((text) => text.length))
  const [nameWidth, useWidth] = [width(names), width(uses)]
  const lines = columns.map((plan, i) => {
    const [sample] = sampleOf(plan.column, rows).values
    const example = sample === undefined ? '' : `  e.g. ${oneLine(sample)}`
    return `  ${names[i]!.padEnd(nameWidth)}  → ${uses[i]!.padEnd(useWidth)}${example}`
  })
  const reasons = columns
    .filter(({ use }) => use === 'field')
    .map(({ column, reason }) => `  ${column}: ${reason}`)
  return [
    `${path} as ${target.label.toLowerCase()}`,
    ...dialect.reasons.map((reason) => `  ${reason}`),
    'Columns',
    ...lines,
    'Why',
    ...reasons,
    '',
  ].join('\n')
}

function useOf({ use, field, key, dateFormat, isAmbiguous, confidence }: ColumnPlan): string {
  if (use === 'ignore') return 'left out'
  if (use === 'custom') return `custom ${key}`
  const format =
    dateFormat === null ? '' : isAmbiguous ? ' (day or month first?)' : ` (${dateFormat})`
  const sure = confidence === null ? '' : ` ${Math.round(confidence * 100)} %`
  return `${field}${format}${sure}`
}

function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]/gu, ' ').slice(0, 40)
}

export function describeCheck({
  read,
  new: fresh,
  unchanged,
  rejected,
  byCode,
  firstRejects,
}: ImportCheck): string {
  return [
    `${count(read)} rows read: ${count(fresh)} would be imported, ${count(unchanged)} unchanged, ${count(rejected)} rejected`,
    ...byCode.map(({ code, rows }) => `  ${code}: ${count(rows)}`),
    ...firstRejects.map(({ line, reason }) => `  line ${line}: ${oneLineReason(reason)}`),
    '',
  ].join('\n')
}

function oneLineReason(reason: string): string {
  return reason.replaceAll(/[\p{Cc}\p{Cf}]/gu, ' ').slice(0, 200)
}

export function describeCounts(record: ImportRecord): string {
  const { state, position, created, updated, unchanged, rejected, error } = record
  return [
    `${count(position)} rows read: ${count(created)} created, ${count(updated)} updated, ${count(unchanged)} unchanged, ${count(rejected)} rejected`,
    ...(state === 'done'
      ? []
      : [`The import is ${state}.${error === null ? '' : ` ${error.detail}`}`]),
    '',
  ].join('\n')
}
