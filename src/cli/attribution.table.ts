import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { Problem } from '#core/problem.ts'
import { RecordScanner } from '#imports/scanner.ts'
import { decodeText } from '#imports/text.ts'

/** A row's cells in the order of the columns that were asked for; empty where the file lacks an optional one. */
export interface Row {
  line: number
  cells: string[]
}

/** Columns by name; those with a question mark at the end may be missing. */
export type ColumnNames = readonly string[]

const GZIP_MAGIC = 0x1f8b
const MAX_BYTES = 64 * 2 ** 30
const MAX_ROW_CHARS = 4_000_000

/**
 * Reads the rows of a comma-separated UTF-8 file, plain or gzip (told by its first bytes), with the columns in any order. One chunk and its
 * rows are in memory at a time.
 *
 * @throws Problem `import.file_unreadable` naming the file and the line, at the first row that cannot be read.
 */
export async function* readTable(
  path: string,
  columns: ColumnNames,
): AsyncGenerator<Row[], void, undefined> {
  const compression = await compressionOf(path)
  const scanner = new RecordScanner({
    delimiter: ',',
    endsInCr: false,
    skipInitialSpace: false,
    maxRecordChars: MAX_ROW_CHARS,
    maxCells: 1000,
  })
  const bounds = { maxBytes: MAX_BYTES, isPartial: false }
  let places: number[] | null = null
  let width = 0
  const rowsOf = (records: ReturnType<RecordScanner['push']>): Row[] => {
    const rows: Row[] = []
    for (const { line, cells, fault } of records) {
      if (fault !== null) throw unreadable(path, line, `the row is malformed (${fault.code}).`)
      if (places === null) {
        places = placesOf(path, cells, columns)
        width = cells.length
        continue
      }
      if (cells.length !== width)
        throw unreadable(path, line, `the row has ${cells.length} cells, the header ${width}.`)
      rows.push({ line, cells: places.map((at) => cells[at] ?? '') })
    }
    return rows
  }
  const source = createReadStream(path)
  for await (const text of decodeText(source, { compression, encoding: 'utf-8' }, bounds))
    yield rowsOf(scanner.push(text))
  yield rowsOf(scanner.end())
  if (places === null) throw unreadable(path, 1, 'the file is empty.')
}

export function unreadable(path: string, line: number, reason: string): Problem {
  return new Problem('import.file_unreadable', `${path}, line ${line}: ${reason}`)
}

/** @throws Problem when the cell is not a plain number, or is below `least`. */
export function numberOf(
  path: string,
  line: number,
  name: string,
  cell: string,
  least = -Infinity,
): number {
  const value = cell.trim() === '' ? Number.NaN : Number(cell)
  if (Number.isFinite(value) && value >= least) return value
  const wanted = least === 0 ? 'a number of 0 or more' : 'a number'
  throw unreadable(path, line, `${name} is ${wanted}, not “${cell.slice(0, 60)}”.`)
}

function placesOf(path: string, header: readonly string[], columns: ColumnNames): number[] {
  const names = header.map((name) => name.replace(/^\uFEFF/, '').trim())
  return columns.map((column) => {
    const name = column.replace('?', '')
    const at = names.indexOf(name)
    if (at < 0 && !column.endsWith('?'))
      throw unreadable(
        path,
        1,
        `there is no column “${name}” (there are: ${names.join(', ').slice(0, 200)}).`,
      )
    return at
  })
}

async function compressionOf(path: string): Promise<'gzip' | 'none'> {
  const file = await open(path).catch((error: unknown) => {
    throw new Problem(
      'import.file_unreadable',
      `${path} cannot be opened: ${(error as Error).message}`,
    )
  })
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0)
    return bytesRead === 2 && buffer.readUInt16BE(0) === GZIP_MAGIC ? 'gzip' : 'none'
  } catch (error) {
    throw new Problem(
      'import.file_unreadable',
      `${path} cannot be read: ${(error as Error).message}`,
    )
  } finally {
    await file.close()
  }
}
