/** What a cell may hold before it is written. A Date is written as RFC 3339 in UTC, null as nothing. */
export type CsvValue = string | number | bigint | boolean | Date | null | undefined

export interface CsvColumn<Row> {
  title: string
  /** In a `number` column a plain number such as -12.50 stays as it is; all else is made formula-safe. */
  type?: 'text' | 'number'
  value(row: Row): CsvValue
}

/** The content type of an export (RFC 4180, section 3). */
export const CSV_CONTENT_TYPE = 'text/csv; charset=utf-8; header=present'

// What spreadsheets take for the start of a formula or a command, and their full-width forms
// (OWASP, "CSV Injection"). The apostrophes before it are counted in, so that one more or one less
// can be told apart: `'=x` is written as `''=x`, and `'tis` is left alone.
// oxlint-disable-next-line no-control-regex -- NUL, TAB, LF and CR are the point
const RISKY = /^'*[=+\-@\t\n\r\0|%＝＋－＠]/u
// oxlint-disable-next-line no-control-regex -- as above
const ESCAPED = /^'+[=+\-@\t\n\r\0|%＝＋－＠]/u
const PLAIN_NUMBER = /^-?\d{1,40}(?:\.\d{1,40})?(?:[eE][+-]?\d{1,4})?$/
const NEEDS_QUOTES = /[",;\t\r\n]|^\s|\s$/u

/**
 * Puts an apostrophe before a text that a spreadsheet could run as a formula.
 * Reversible: `unescapeCell(escapeCell(text)) === text` for every text.
 */
export function escapeCell(text: string): string {
  return RISKY.test(text) ? `'${text}` : text
}

/** Takes away the apostrophe that `escapeCell` put there, and no other. */
export function unescapeCell(text: string): string {
  return text.startsWith("'") && ESCAPED.test(text) ? text.slice(1) : text
}

/** The value as text, before quotes: formula-safe unless it is a plain number in a number column. */
export function cellText(value: CsvValue, type: 'text' | 'number' = 'text'): string {
  if (value === null || value === undefined) return ''
  const text = value instanceof Date ? value.toISOString() : String(value)
  return type === 'number' && PLAIN_NUMBER.test(text) ? text : escapeCell(text)
}

/**
 * One line of CSV after RFC 4180, with its CRLF. A line of one empty cell is written as `""`, since
 * a blank line would be skipped by readers.
 */
export function csvLine(cells: readonly string[]): string {
  if (cells.length === 1 && cells[0] === '') return '""\r\n'
  let line = ''
  for (let i = 0; i < cells.length; i += 1) {
    const cell = cells[i] ?? ''
    if (i > 0) line += ','
    line += NEEDS_QUOTES.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell
  }
  return `${line}\r\n`
}

/**
 * Writes a table as CSV, a chunk of text a batch of rows, the header first.
 *
 * Holds one batch at a time, so memory stays flat when the batches come from a cursor. Give it to
 * `Readable.from` to send it.
 * @param options.bom  starts with U+FEFF, by which Excel knows UTF-8 (default false).
 */
export async function* csvStream<Row>(
  columns: readonly CsvColumn<Row>[],
  batches: AsyncIterable<readonly Row[]> | Iterable<readonly Row[]>,
  options: { bom?: boolean } = {},
): AsyncGenerator<string, void, undefined> {
  yield (options.bom ? '\uFEFF' : '') + csvLine(columns.map((column) => escapeCell(column.title)))
  for await (const batch of batches) {
    let text = ''
    for (const row of batch) {
      text += csvLine(columns.map((column) => cellText(column.value(row), column.type)))
    }
    if (text !== '') yield text
  }
}
