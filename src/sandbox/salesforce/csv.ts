import { parse } from 'csv-parse/sync'

import type { Value } from './fields.ts'

/** Salesforce docs: Bulk API 2.0, column delimiters. */
export const DELIMITERS: Readonly<Record<string, string>> = {
  COMMA: ',',
  TAB: '\t',
  PIPE: '|',
  SEMICOLON: ';',
  CARET: '^',
  BACKQUOTE: '`',
}

/** The rows of a file, the header first. @throws Error for a file that is not well formed. */
export function readCsv(text: string, delimiter: string): string[][] {
  return parse(text, { delimiter, skipEmptyLines: true, relaxColumnCount: true })
}

/** One line, every value in quotes, as the platform writes them. */
export function csvLine(values: readonly (Value | undefined)[]): string {
  return `${values.map((value) => `"${String(value ?? '').replaceAll('"', '""')}"`).join(',')}\n`
}
