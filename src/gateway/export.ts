import { Readable } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import { CSV_CONTENT_TYPE, csvStream, type CsvValue } from '#core/csv.ts'
import { newId } from '#core/id.ts'
import type { Clock } from '#core/time.ts'
import { encodeFor } from '#gateway/encode.ts'
import type { Exchange } from '#gateway/exchange.ts'
import { inputSchemaOf, parseInput } from '#gateway/input.ts'
import type { CsvColumn, Operation, Principal } from '#gateway/operation.ts'
import { performInputs } from '#gateway/perform-inputs.ts'
import { runListPipeline, runNextPage, tellRows, type Running } from '#gateway/pipeline.ts'
import { sendStream } from '#gateway/send-stream.ts'
import type { Store } from '#store/store.ts'

const PAGE = 500

type WireRow = Record<string, unknown>

/** A list is asked for as CSV by `Accept: text/csv` or `?format=csv`. */
export function wantsCsv(request: FastifyRequest): boolean {
  const { format } = request.query as Record<string, unknown>
  return format === 'csv' || (request.headers.accept ?? '').startsWith('text/csv')
}

/**
 * The whole list under the same filters, as one CSV stream: page after page of the same operation, so that an export and
 * the screen cannot differ. Cells are formula-safe; memory holds one page. Whatever fails after the first page cuts the connection.
 */
export async function exportCsv(
  exchange: Exchange,
  gateway: Running,
  columns: readonly CsvColumn[],
): Promise<void> {
  exchange.query.limit = String(PAGE)
  const { reply, operation } = exchange
  await runListPipeline(exchange, gateway, async () => {
    const stream = Readable.from(csvOf(columns, pagesOf(exchange, gateway)))
    reply.status(200).headers({
      'content-type': CSV_CONTENT_TYPE,
      'content-disposition': `attachment; filename="${operation.id}.csv"`,
    })
    await sendStream(reply, stream)
  })
}

async function* pagesOf(exchange: Exchange, gateway: Running): AsyncGenerator<WireRow[]> {
  for (;;) {
    if (exchange.answer?.status !== 200)
      throw new Error(`a page of ${exchange.operation.id} was refused`)
    const page = JSON.parse(exchange.answer.body) as { data: WireRow[]; nextCursor: string | null }
    tellRows(exchange, gateway)
    yield page.data
    if (page.nextCursor === null) return
    if (exchange.principal) gateway.watch.admit(exchange.principal) // an export that was found to be an attack ends here
    exchange.query.cursor = page.nextCursor
    exchange.answer = null
    await runNextPage(exchange, gateway)
  }
}

/**
 * A list as CSV without a request: the same operation, pages and columns as over HTTP.
 *
 * @param query  the list's own filters, as in its query; `limit` and `cursor` are this function's.
 * @throws Problem `request.invalid` (at the first chunk) for a filter that the list does not have or take.
 */
export function exportList(
  store: Store,
  operation: Operation & { csv: readonly CsvColumn[] },
  principal: Principal,
  query: Readonly<Record<string, unknown>>,
  clock: Clock,
): AsyncGenerator<string> {
  const caller = { principal, now: clock.now(), requestId: newId('req'), expectedVersion: null }
  async function* pages(): AsyncGenerator<WireRow[]> {
    for (let cursor: string | null | undefined; cursor !== null;) {
      const raw = { ...query, limit: String(PAGE), ...(cursor !== undefined && { cursor }) }
      const parsed = parseInput(inputSchemaOf(operation), raw)
      if ('problem' in parsed) throw parsed.problem
      const outcome = await store.read(principal.workspaceId, async (tx) => {
        const { settled } = await performInputs(tx, operation, [parsed.value], caller, false)
        return settled[0]!
      })
      if (outcome.kind === 'refused') throw outcome.problem
      const page = encodeFor(principal, operation, outcome.output) as {
        data: WireRow[]
        nextCursor: string | null
      }
      yield page.data
      cursor = page.nextCursor
    }
  }
  return csvOf(operation.csv, pages())
}

function csvOf(
  columns: readonly CsvColumn[],
  pages: AsyncIterable<WireRow[]>,
): AsyncGenerator<string> {
  const cells = columns.map(({ title, field, type = 'text' }) => ({
    title,
    type,
    value: (row: WireRow) => cellOf(row, field),
  }))
  return csvStream(cells, pages)
}

/** The value at a dotted path of a wire row; lists are joined, objects written as JSON. */
function cellOf(row: WireRow, field: string): CsvValue {
  let value: unknown = row
  for (const part of field.split('.'))
    value = typeof value === 'object' && value !== null ? (value as WireRow)[part] : undefined
  if (Array.isArray(value)) return value.map(String).join(';')
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : (value as CsvValue)
}
