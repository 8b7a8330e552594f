import type { ReadBack } from './connection.schema.ts'
import type { Stream } from './connector.ts'
import { readBackOf } from './prove.rules.ts'

/** Calls of Salesforce's Bulk API a file: create, upload, close, one look, the results. */
const CALLS_A_FILE = 5

/** What a stream's due records take, by the sizes of its calls. Pure. */
export function callsFor(
  stream: Pick<Stream, 'batchSize' | 'fetchSize' | 'costs' | 'bulk' | 'fetch' | 'lookCalls'>,
  { newThere, changed, there = 0 }: { newThere: number; changed: number; there?: number },
  readBack: ReadBack,
): { calls: number; checkCalls: number } {
  const { batchSize, bulk } = stream
  const read = stream.fetchSize ?? batchSize
  const isBulk = bulk !== undefined && newThere + changed >= bulk.atLeast
  const written = (count: number) =>
    isBulk
      ? Math.ceil(count / bulk.batchSize) * CALLS_A_FILE
      : Math.ceil(count / (stream.costs?.update.records ?? batchSize))
  const checked = readBackOf(readBack, newThere + changed)
  const looked = stream.lookCalls?.(newThere, there) ?? 0
  return {
    // What is there is read before it is written.
    calls:
      looked +
      written(newThere) +
      written(changed) +
      (stream.fetch ? Math.ceil(changed / read) : 0),
    checkCalls: stream.fetch ? Math.ceil(checked / read) : 0,
  }
}
