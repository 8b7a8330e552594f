/** Why a record cannot be taken as it stands. `column` counts from 0. */
export interface ScanFault {
  code: 'quote.unclosed' | 'quote.stray' | 'row.too_long' | 'row.too_many_cells'
  column: number
}

/** One record of the file: cells as written, quotes undone. Lines count from 1. */
export interface ScannedRecord {
  line: number
  lastLine: number
  cells: string[]
  fault: ScanFault | null
}

export interface ScanOptions {
  delimiter: string
  /** True for files of old Macs, whose lines end in a lone CR; else such a CR is part of the cell. */
  endsInCr: boolean
  /** Leaves out spaces between a delimiter and the cell, as in `a, "b"`. */
  skipInitialSpace: boolean
  /** Characters (UTF-16 units) a record may have; a longer one becomes a fault and is not kept. */
  maxRecordChars: number
  maxCells: number
  /** Passes over `count` records after the first `from` ones without building or giving them. */
  skip?: { from: number; count: number }
}

type State = 'cell-start' | 'plain' | 'quoted' | 'quote-seen' | 'after-quote'

const LF = 10
const CR = 13
const SPACE = 32
const QUOTE = 34

/**
 * Cuts text into CSV records, chunk by chunk.
 *
 * Own state machine rather than csv-parse, because that one ends the file at the first bad quote,
 * keeps an unclosed cell whole in memory, and cannot pass over records without building them. This
 * one gives a fault and goes on at the next line; it holds at most `maxRecordChars` at a time.
 * Linear in the input, whatever it holds.
 */
export class RecordScanner {
  blankLines = 0
  skipped = 0
  readonly #options: ScanOptions
  readonly #delimiter: number
  #state: State = 'cell-start'
  #held = ''
  #line = 1
  #firstLine = 1
  #records = 0
  #building = true
  #cells: string[] = []
  #cell = ''
  #column = 0
  #isQuoted = false
  #length = 0
  #fault: ScanFault | null = null
  #out: ScannedRecord[] = []

  constructor(options: ScanOptions) {
    this.#options = options
    this.#delimiter = options.delimiter.charCodeAt(0)
    this.#building = this.#isWanted()
  }

  /** The last line that a finished or running record has reached. */
  get line(): number {
    return this.#line
  }

  /** The records that end within this text. */
  push(chunk: string): ScannedRecord[] {
    let text = this.#held === '' ? chunk : this.#held + chunk
    this.#held = ''
    // Whether a CR ends the line is seen from the character after it.
    if (!this.#options.endsInCr && text.charCodeAt(text.length - 1) === CR) {
      this.#held = '\r'
      text = text.slice(0, -1)
    }
    this.#scan(text)
    return this.#take()
  }

  /** The record that the end of the file closes, if one is open. */
  end(): ScannedRecord[] {
    if (this.#held !== '') {
      this.#held = ''
      this.#scan(this.#state === 'quoted' ? '\r' : '\n')
    }
    if (this.#state === 'quoted') this.#fail('quote.unclosed')
    if (this.#state !== 'cell-start' || this.#column > 0) this.#finishRecord(0)
    return this.#take()
  }

  #take(): ScannedRecord[] {
    const out = this.#out
    this.#out = []
    return out
  }

  #scan(text: string): void {
    let at = 0
    while (at < text.length) {
      if (this.#state === 'quoted') at = this.#scanQuoted(text, at)
      else if (this.#state === 'plain') at = this.#scanPlain(text, at)
      else if (this.#state === 'cell-start') at = this.#startCell(text, at)
      else at = this.#scanAfterQuote(text, at)
    }
  }

  #startCell(text: string, at: number): number {
    const code = text.charCodeAt(at)
    if (code === SPACE && this.#options.skipInitialSpace) return at + 1
    if (code === QUOTE) {
      this.#isQuoted = true
      this.#state = 'quoted'
      return at + 1
    }
    this.#state = 'plain'
    return at
  }

  #scanPlain(text: string, from: number): number {
    let at = from
    let code = 0
    for (; at < text.length; at += 1) {
      code = text.charCodeAt(at)
      if (code === this.#delimiter || code === LF || code === CR) break
    }
    if (at > from) this.#append(text, from, at)
    return at === text.length ? at : this.#endCell(text, at, code)
  }

  #scanQuoted(text: string, from: number): number {
    const quote = text.indexOf('"', from)
    const to = quote === -1 ? text.length : quote
    if (to > from) {
      this.#countLines(text, from, to)
      this.#append(text, from, to)
    }
    if (quote === -1) return to
    this.#state = 'quote-seen'
    return quote + 1
  }

  #scanAfterQuote(text: string, at: number): number {
    const code = text.charCodeAt(at)
    if (code === QUOTE && this.#state === 'quote-seen') {
      this.#append(text, at, at + 1)
      this.#state = 'quoted'
      return at + 1
    }
    if (code === this.#delimiter || code === LF || code === CR) return this.#endCell(text, at, code)
    if (code === SPACE) {
      this.#state = 'after-quote'
      return at + 1
    }
    this.#fail('quote.stray')
    this.#state = 'plain'
    return at
  }

  /** At a delimiter, LF or CR outside quotes: ends the cell or the record, or keeps a lone CR. */
  #endCell(text: string, at: number, code: number): number {
    if (code === this.#delimiter) {
      this.#finishCell()
      this.#state = 'cell-start'
      return at + 1
    }
    if (code === CR && !this.#options.endsInCr) {
      if (text.charCodeAt(at + 1) !== LF) {
        this.#append(text, at, at + 1)
        this.#state = 'plain'
        return at + 1
      }
      this.#finishRecord(1)
      return at + 2
    }
    this.#finishRecord(1)
    return at + 1
  }

  #append(text: string, from: number, to: number): void {
    this.#length += to - from
    if (this.#length > this.#options.maxRecordChars) this.#fail('row.too_long')
    // The first cell is always kept, by which a blank line is told from a record.
    if (this.#building || (this.#column === 0 && this.#fault === null)) {
      this.#cell += text.slice(from, to)
    }
  }

  #finishCell(): void {
    if (this.#building) {
      if (this.#column < this.#options.maxCells) this.#cells.push(this.#cell)
      else this.#fail('row.too_many_cells')
    }
    this.#cell = ''
    this.#column += 1
    // A delimiter is part of the record's length too, or a line of commas would have none.
    this.#length += 1
    if (this.#length > this.#options.maxRecordChars) this.#fail('row.too_long')
  }

  #finishRecord(newlines: number): void {
    const isBlank =
      this.#column === 0 && !this.#isQuoted && this.#fault === null && this.#cell.trim() === ''
    const isWanted = this.#isWanted()
    if (isBlank) {
      this.blankLines += newlines
    } else {
      this.#finishCell()
      this.#records += 1
      if (isWanted) {
        const { line, lastLine } = { line: this.#firstLine, lastLine: this.#line }
        this.#out.push({ line, lastLine, cells: this.#cells, fault: this.#fault })
      } else this.skipped += 1
    }
    this.#line += newlines
    this.#firstLine = this.#line
    this.#cells = []
    this.#cell = ''
    this.#column = 0
    this.#isQuoted = false
    this.#length = 0
    this.#fault = null
    this.#state = 'cell-start'
    this.#building = this.#isWanted()
  }

  #fail(code: ScanFault['code']): void {
    // That the quote is never closed explains all else, also that the record is too long.
    if (code === 'quote.unclosed') this.#fault = { code, column: this.#column }
    this.#fault ??= { code, column: this.#column }
    if (code === 'row.too_long' || code === 'row.too_many_cells') {
      this.#building = false
      this.#cells = []
      this.#cell = ''
    }
  }

  #isWanted(): boolean {
    const skip = this.#options.skip
    return (
      skip === undefined || this.#records < skip.from || this.#records >= skip.from + skip.count
    )
  }

  #countLines(text: string, from: number, to: number): void {
    const newline = this.#options.endsInCr ? '\r' : '\n'
    let at = text.indexOf(newline, from)
    while (at !== -1 && at < to) {
      this.#line += 1
      at = text.indexOf(newline, at + 1)
    }
  }
}
