import iconv from 'iconv-lite'
import { unescapeCell } from '#core/csv.ts'
import { Problem } from '#core/problem.ts'
import { detectEncoding } from '#imports/encoding.ts'
import { judgeHeader, nameColumns, numberColumns } from '#imports/header.ts'
import { RecordScanner, type ScannedRecord } from '#imports/scanner.ts'
import { decodeText } from '#imports/text.ts'

/** How a file is written. Plain data: it is kept with the import and shown to who started it. */
export interface Dialect {
  compression: 'none' | 'gzip'
  encoding: string
  hasBom: boolean
  delimiter: Delimiter
  newline: 'CRLF' | 'LF' | 'CR' | 'mixed'
  /** The first line is `sep=;`, which Excel reads as the delimiter; it is no row. */
  hasSepLine: boolean
  hasHeader: boolean
  /** Cells stand after `delimiter space quote`, as in `a, "b"`. */
  skipInitialSpace: boolean
  columns: string[]
  /** Sentences on why each of these was decided so. */
  reasons: string[]
}

export type Delimiter = ',' | ';' | '\t' | '|'

/** What the person who imports knows better; everything else is decided around it. */
export type DialectChoice = Partial<Pick<Dialect, 'encoding' | 'delimiter' | 'hasHeader'>>

/** More bytes than this tell nothing new. */
export const SAMPLE_BYTES = 256 * 1024
export const MAX_COLUMNS = 2000

const DELIMITERS: readonly Delimiter[] = [',', ';', '\t', '|']
const TITLES: Record<Delimiter, string> = {
  ',': 'comma',
  ';': 'semicolon',
  '\t': 'tab',
  '|': 'vertical bar',
}

/**
 * Decides how a file is written from its first bytes.
 *
 * @param head  the beginning of the file, at most `SAMPLE_BYTES` are looked at; all of it when shorter.
 * @param choice  settles points by hand.
 * @throws Problem `import.file_unreadable` when it is no text (a workbook, a PDF), is empty, or has
 *   `MAX_COLUMNS` columns or more; `request.invalid` when the encoding chosen is not known.
 * Costs about five passes over the sample.
 */
export async function detectDialect(
  head: Uint8Array,
  choice: DialectChoice = {},
): Promise<Dialect> {
  const sample = head.subarray(0, SAMPLE_BYTES)
  const isGzip = sample[0] === 0x1f && sample[1] === 0x8b
  const compression = isGzip ? 'gzip' : 'none'
  const plain = isGzip ? await inflateHead(sample) : sample
  if (plain.length === 0) {
    throw new Problem('import.file_unreadable', 'The file is empty: export it again with its rows.')
  }
  const found = detectEncoding(plain)
  const encoding = choice.encoding ?? found.encoding
  if (!iconv.encodingExists(encoding)) {
    throw new Problem('request.invalid', `The encoding ${encoding} is not known: try utf-8.`)
  }
  const text = await readText(plain, encoding)
  // The last record of a cut sample is cut too and must not speak.
  const isWhole = head.length < SAMPLE_BYTES && plain.length < SAMPLE_BYTES
  const layout = detectLayout(text, isWhole, choice.delimiter)
  const header = judgeHeader(layout.rows)
  const hasHeader = choice.hasHeader ?? header.hasHeader
  const columns = nameAll(layout.rows, hasHeader)
  const reasons = [
    ...(isGzip ? ['The first bytes say gzip: the file is unpacked on the way.'] : []),
    choice.encoding === undefined ? found.reason : `The encoding ${encoding} was chosen by hand.`,
    layout.reason,
    `Lines end in ${layout.newline}.`,
    choice.hasHeader === undefined
      ? header.reason
      : 'Whether there is a header was chosen by hand.',
  ]
  const { delimiter, newline, hasSepLine, skipInitialSpace } = layout
  const { hasBom } = found
  return {
    compression,
    encoding,
    hasBom,
    delimiter,
    newline,
    hasSepLine,
    hasHeader,
    skipInitialSpace,
    columns,
    reasons,
  }
}

/** The scanner's settings for a dialect. */
export function scanSettings(dialect: Pick<Dialect, 'delimiter' | 'newline' | 'skipInitialSpace'>) {
  const { delimiter, skipInitialSpace } = dialect
  return { delimiter, skipInitialSpace, endsInCr: dialect.newline === 'CR', maxCells: MAX_COLUMNS }
}

async function inflateHead(sample: Uint8Array): Promise<Uint8Array> {
  const parts: string[] = []
  let size = 0
  const bounds = { maxBytes: Number.MAX_SAFE_INTEGER, isPartial: true }
  for await (const part of decodeText(
    [sample],
    { compression: 'gzip', encoding: 'latin1' },
    bounds,
  )) {
    parts.push(part)
    size += part.length
    if (size >= SAMPLE_BYTES) break
  }
  return Buffer.from(parts.join(''), 'latin1').subarray(0, SAMPLE_BYTES)
}

async function readText(bytes: Uint8Array, encoding: string): Promise<string> {
  let text = ''
  const bounds = { maxBytes: SAMPLE_BYTES, isPartial: true }
  for await (const part of decodeText([bytes], { compression: 'none', encoding }, bounds))
    text += part
  return text
}

interface Layout extends Pick<
  Dialect,
  'delimiter' | 'newline' | 'hasSepLine' | 'skipInitialSpace'
> {
  rows: string[][]
  reason: string
}

function detectLayout(whole: string, isWhole: boolean, chosen: Delimiter | undefined): Layout {
  const newline = detectNewline(whole)
  const sep = /^"?sep=([,;\t|])"?(?:\r\n|\r|\n|$)/i.exec(whole)
  const text = sep === null ? whole : whole.slice(sep[0].length)
  const stated = chosen ?? (sep?.[1] as Delimiter | undefined)
  const tried = (stated === undefined ? DELIMITERS : [stated]).map((delimiter) =>
    tryDelimiter(text, isWhole, delimiter, newline),
  )
  const best = tried.reduce((best, next) => (next.score > best.score ? next : best))
  const name = TITLES[best.delimiter]
  let reason = `The ${name} cuts ${percent(best.share)} of rows into ${best.width} cells.`
  if (best.width < 2) reason = 'No delimiter is found: the file has one column.'
  if (sep !== null) reason = `The first line, sep=, names the ${name}.`
  if (chosen !== undefined) reason = `The ${name} was chosen by hand.`
  const { delimiter, rows, skipInitialSpace } = best
  return { delimiter, newline, hasSepLine: sep !== null, skipInitialSpace, rows, reason }
}

function detectNewline(text: string): Dialect['newline'] {
  let pairs = 0
  let lf = 0
  let cr = 0
  let isQuoted = false
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i)
    if (code === 34) isQuoted = !isQuoted
    else if (code === 10 && !isQuoted) lf += 1
    else if (code === 13 && !isQuoted) {
      if (text.charCodeAt(i + 1) === 10) {
        pairs += 1
        i += 1
      } else cr += 1
    }
  }
  if (pairs === 0 && lf === 0) return cr > 0 ? 'CR' : 'LF'
  if (pairs > 0 && lf > 0) return 'mixed'
  return pairs > 0 ? 'CRLF' : 'LF'
}

interface Attempt {
  delimiter: Delimiter
  skipInitialSpace: boolean
  rows: string[][]
  width: number
  share: number
  score: number
}

/** Cuts the sample with one delimiter; the score is how evenly, then into how many cells. */
function tryDelimiter(
  text: string,
  isWhole: boolean,
  delimiter: Delimiter,
  newline: Dialect['newline'],
): Attempt {
  const skipInitialSpace = text.includes(`${delimiter} "`) && !text.includes(`${delimiter}"`)
  const scanner = new RecordScanner({
    ...scanSettings({ delimiter, newline, skipInitialSpace }),
    maxRecordChars: SAMPLE_BYTES,
  })
  const records: ScannedRecord[] = scanner.push(text)
  if (isWhole || records.length === 0) records.push(...scanner.end())
  const sound = records.filter((record) => record.fault === null)
  const rows = sound.map((record) => record.cells)
  const width = rows[0]?.length ?? 0
  const even = rows.filter((row) => row.length === width).length
  const share = records.length === 0 ? 0 : even / records.length
  const score = width < 2 ? 0 : share + Math.min(width, 50) / 500
  return { delimiter, skipInitialSpace, rows, width, share, score }
}

function nameAll(rows: readonly string[][], hasHeader: boolean): string[] {
  const widest = rows.reduce((most, row) => Math.max(most, row.length), 0)
  if (widest >= MAX_COLUMNS) {
    throw new Problem(
      'import.file_unreadable',
      `A row has ${MAX_COLUMNS} cells or more: check the delimiter, or leave columns out.`,
    )
  }
  if (hasHeader) return nameColumns((rows[0] ?? []).map(unescapeCell))
  return numberColumns(rows[0]?.length ?? 0)
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}
