import { Readable } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import { CSV_CONTENT_TYPE, csvStream, type CsvValue } from '#core/csv.ts'
import type { Exchange } from '#gateway/exchange.ts'
import type { CsvColumn } from '#gateway/operation.ts'
import { runListPipeline, runNextPage, type Running } from '#gateway/pipeline.ts'

const PAGE = 500

type WireRow = Record<string, unknown>

/** A list is asked for as CSV by `Accept: text/csv` or `?format=csv`. */
export function wantsCsv(request: FastifyRequest): boolean {
  const { format } = request.query as Record<string, unknown>
  return format === 'csv' || (request.headers.accept ?? '').startsWith('text/csv')
}

/**
 * The whole list under the same filters, as one CSV stream: page after page of the same operation, so that an export and
 * the screen cannot differ. Cells are formula-safe; memory holds one page.
 */
export async function exportCsv(
  exchange: Exchange,
  gateway: Running,
  columns: readonly CsvColumn[],
): Promise<void> {
  exchange.query.limit = String(PAGE)
  const { reply, operation } = exchange
  const cells = columns.map((column) => ({
    title: column.title,
    type: column.type ?? ('text' as const),
    value: (row: WireRow) => cellOf(row, column.field),
  }))
  await runListPipeline(exchange, gateway, async () => {
    const stream = Readable.from(csvStream(cells, pagesOf(exchange, gateway)))
    await reply
      .status(200)
      .headers({
        'content-type': CSV_CONTENT_TYPE,
        'content-disposition': `attachment; filename="${operation.id}.csv"`,
      })
      .send(stream)
  })
}

async function* pagesOf(exchange: Exchange, gateway: Running): AsyncGenerator<WireRow[]> {
  for (;;) {
    if (exchange.answer?.status !== 200)
      throw new Error(`the export of ${exchange.operation.id} broke off`)
    const page = JSON.parse(exchange.answer.body) as { data: WireRow[]; nextCursor: string | null }
    yield page.data
    if (page.nextCursor === null) return
    exchange.query.cursor = page.nextCursor
    exchange.answer = null
    await runNextPage(exchange, gateway)
  }
}

/** The value at a dotted path of a wire row; lists are joined, objects written as JSON. */
function cellOf(row: WireRow, field: string): CsvValue {
  let value: unknown = row
  for (const part of field.split('.'))
    value = typeof value === 'object' && value !== null ? (value as WireRow)[part] : undefined
  if (Array.isArray(value)) return value.map(String).join(';')
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : (value as CsvValue)
}
