/** A text as SOQL has it. Salesforce docs: quoted string escape sequences. */
export function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}

/** A moment as SOQL has it: UTC, whole seconds, no quotes. */
export function moment(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')
}

/** The values of an IN list. */
export function list(values: readonly string[]): string {
  return values.map(quote).join(',')
}

/** `2026-11-23T15:33:25.000+0000` in epoch milliseconds; null when it is no time. */
export function readTime(text: string | null | undefined): number | null {
  if (!text) return null
  const ms = Date.parse(text.replace(/([+-]\d{2})(\d{2})$/, '$1:$2'))
  return Number.isNaN(ms) ? null : ms
}

/** A place in the order of (SystemModstamp, Id). */
export interface Place {
  stampMs: number
  id: string
}

/** The condition for all rows behind a place. */
export function behind({ stampMs, id }: Place): string {
  const at = moment(stampMs)
  return `(SystemModstamp > ${at} OR (SystemModstamp = ${at} AND Id > ${quote(id)}))`
}

/** True for what may be an id; Salesforce refuses a whole query for one that is none. */
export function isId(text: string): boolean {
  return /^[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?$/.test(text)
}
