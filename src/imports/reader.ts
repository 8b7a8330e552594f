import { unescapeCell } from '#core/csv.ts'
import { Problem } from '#core/problem.ts'
import { scanSettings, type Dialect } from '#imports/dialect.ts'
import { nameColumns } from '#imports/header.ts'
import { RecordScanner, type ScannedRecord, type ScanFault } from '#imports/scanner.ts'
import { decodeText } from '#imports/text.ts'

/** Where a row stands: `record` counts data rows from 1, lines count from 1 with the header in. */
export interface RowPlace {
  record: number
  line: number
  lastLine: number
}

/** A row with its cells by column name. The object has no prototype, so no name can do harm. */
export interface GoodRow extends RowPlace {
  kind: 'row'
  cells: Record<string, string>
}

/** A row that cannot be taken; `values` is what could be read of it, for the file of rejects. */
export interface BadRow extends RowPlace {
  kind: 'fault'
  code: ScanFault['code'] | 'row.ragged' | 'cell.nul' | 'cell.undecodable'
  reason: string
  values: string[]
}

export type ImportRow = GoodRow | BadRow

export interface ReadOptions {
  /** Data rows to pass over, by which an import goes on after a stop. Default 0. */
  skipRecords?: number
  /** Characters a row may have, default 1,000,000. */
  maxRowChars?: number
  /** Bytes the file may have after inflating, default 2 GiB. */
  maxBytes?: number
  /** The bytes are only the beginning of the file: its last, unfinished row is left out. */
  isPartial?: boolean
}

/** `accepted + rejected` is the number of rows given so far; `skipped` were passed over before. */
export interface ReadCounts {
  accepted: number
  rejected: number
  skipped: number
  blankLines: number
}

/** Rows of a file, in order. Iterate it once: row by row, or by `batches`. */
export interface RowReader extends AsyncIterable<ImportRow> {
  readonly columns: readonly string[]
  readonly counts: Readonly<ReadCounts>
  batches(): AsyncGenerator<ImportRow[], void, undefined>
}

const MAX_ROW_CHARS = 1_000_000
const MAX_BYTES = 2 * 1024 ** 3

/**
 * Reads the rows of a file, each as cells or as a fault that says what to do; nothing is dropped:
 * every record is either accepted or rejected, and blank lines are counted.
 *
 * Memory stays flat: one chunk and its rows are held. The apostrophe that our export puts before
 * formulas is taken away again, exactly. A row with more cells than the header is taken when all of
 * the surplus is empty, since some programs end each line with a delimiter.
 *
 * @throws Problem (while iterating) `import.file_unreadable` when the header cannot be read or the
 *   gzip stream is damaged, `request.too_large` beyond `maxBytes`. Rows given before stand.
 */
export function readRows(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  dialect: Dialect,
  options: ReadOptions = {},
): RowReader {
  return new Reader(source, dialect, options)
}

class Reader implements RowReader {
  columns: readonly string[]
  readonly counts: ReadCounts = { accepted: 0, rejected: 0, skipped: 0, blankLines: 0 }
  readonly #source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>
  readonly #dialect: Dialect
  readonly #options: ReadOptions
  readonly #leading: ('sep' | 'header')[]
  #record: number

  constructor(
    source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    dialect: Dialect,
    options: ReadOptions,
  ) {
    this.#source = source
    this.#dialect = dialect
    this.#options = options
    this.columns = dialect.columns
    this.#leading = [
      ...(dialect.hasSepLine ? (['sep'] as const) : []),
      ...(dialect.hasHeader ? (['header'] as const) : []),
    ]
    this.#record = options.skipRecords ?? 0
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ImportRow, void, undefined> {
    for await (const batch of this.batches()) for (const row of batch) yield row
  }

  async *batches(): AsyncGenerator<ImportRow[], void, undefined> {
    const scanner = new RecordScanner({
      ...scanSettings(this.#dialect),
      maxRecordChars: this.#options.maxRowChars ?? MAX_ROW_CHARS,
      skip: { from: this.#leading.length, count: this.#options.skipRecords ?? 0 },
    })
    const isPartial = this.#options.isPartial ?? false
    const bounds = { maxBytes: this.#options.maxBytes ?? MAX_BYTES, isPartial }
    for await (const text of decodeText(this.#source, this.#dialect, bounds)) {
      const rows = this.#judge(scanner.push(text), scanner)
      if (rows.length > 0) yield rows
    }
    const rows = isPartial ? [] : this.#judge(scanner.end(), scanner)
    if (rows.length > 0) yield rows
  }

  #judge(records: readonly ScannedRecord[], scanner: RecordScanner): ImportRow[] {
    this.counts.skipped = scanner.skipped
    this.counts.blankLines = scanner.blankLines
    const rows: ImportRow[] = []
    for (const record of records) {
      const leading = this.#leading.shift()
      if (leading === 'header') this.#readHeader(record)
      if (leading !== undefined) continue
      this.#record += 1
      const row = judgeRow(record, this.#record, this.columns, this.#dialect.encoding)
      if (row.kind === 'row') this.counts.accepted += 1
      else this.counts.rejected += 1
      rows.push(row)
    }
    return rows
  }

  #readHeader(record: ScannedRecord): void {
    if (record.fault !== null) {
      const place = { record: 0, line: record.line, lastLine: record.lastLine }
      const reason = explainFault(record.fault, place, [])
      throw new Problem('import.file_unreadable', `The header cannot be read. ${reason}`)
    }
    this.columns = nameColumns(record.cells.map(unescapeCell))
  }
}

function judgeRow(
  scanned: ScannedRecord,
  record: number,
  columns: readonly string[],
  encoding: string,
): ImportRow {
  const { line, lastLine } = scanned
  const place = { record, line, lastLine }
  const values = scanned.cells
  const reject = (code: BadRow['code'], reason: string): BadRow => {
    return { kind: 'fault', ...place, code, reason, values }
  }
  if (scanned.fault !== null) {
    return reject(scanned.fault.code, explainFault(scanned.fault, place, columns))
  }
  const isShort = values.length < columns.length
  if (isShort || (values.length > columns.length && hasSurplus(values, columns.length))) {
    return reject(
      'row.ragged',
      `The row has ${values.length} cells, the header ${columns.length}: ` +
        `${isShort ? 'add the missing delimiters' : 'put cells that hold the delimiter in quotes'}.`,
    )
  }
  const cells: Record<string, string> = Object.create(null)
  for (let i = 0; i < columns.length; i += 1) {
    const value = values[i] ?? ''
    const column = columns[i] ?? ''
    if (value.includes('\0')) {
      return reject('cell.nul', `“${column}” holds a NUL character: remove it.`)
    }
    if (value.includes('\uFFFD') || !value.isWellFormed()) {
      return reject(
        'cell.undecodable',
        `“${column}” holds bytes that are not ${encoding}: save the file as UTF-8, or choose another encoding.`,
      )
    }
    cells[column] = unescapeCell(value)
  }
  return { kind: 'row', ...place, cells }
}

function hasSurplus(values: readonly string[], width: number): boolean {
  for (let i = width; i < values.length; i += 1) if (values[i]?.trim() !== '') return true
  return false
}

function explainFault(fault: ScanFault, place: RowPlace, columns: readonly string[]): string {
  const { line, lastLine } = place
  const column = columns[fault.column] ?? `column ${fault.column + 1}`
  const span = lastLine > line ? ` Lines ${line} to ${lastLine} were read as this one row.` : ''
  const reasons: Record<ScanFault['code'], string> = {
    'quote.unclosed': `The quote that opens in “${column}” is never closed: close it.`,
    'quote.stray': `“${column}” holds a quote inside quotes: write it twice.`,
    'row.too_long': `The row is too long: shorten “${column}”, or close its quote.`,
    'row.too_many_cells': 'The row has too many cells: check the delimiter.',
  }
  return reasons[fault.code] + span
}
