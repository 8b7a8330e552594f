import { sql } from 'kysely'
import { Problem } from '#core/problem.ts'
import type { Queries, Transaction } from '#store/store.ts'

/** Bytes of the file in one piece; sealed they are a third more. */
export const CHUNK_BYTES = 192 * 1024

const context = (importId: string, seq: number) => `import_chunks.content:${importId}:${seq}`

/** Adds pieces of the file, the first of them at `seq`. */
export async function insertChunks(
  tx: Transaction,
  importId: string,
  seq: number,
  pieces: readonly Buffer[],
): Promise<void> {
  for (const [i, piece] of pieces.entries()) {
    const content = tx.sealer.seal(piece.toString('base64'), context(importId, seq + i))
    await tx.execute(sql`
      insert into import_chunks (workspace_id, import_id, seq, content)
      values (${tx.workspaceId}, ${importId}, ${seq + i}, ${content})`)
  }
}

async function findChunks(
  tx: Transaction,
  importId: string,
  from: number,
  count: number,
): Promise<Buffer[]> {
  const rows = await tx.query(sql<{ seq: number; content: Buffer }>`
    select seq, content from import_chunks where import_id = ${importId} and seq >= ${from} and seq < ${from + count} order by seq`)
  return rows.map(({ seq, content }) =>
    Buffer.from(tx.sealer.open<string>(content, context(importId, seq)), 'base64'),
  )
}

/** Runs a piece of work in some transaction of the workspace. */
export type InTransaction = <T>(work: (tx: Transaction) => Promise<T>) => Promise<T>

const READ_AHEAD = 4

/**
 * The bytes of the file, a few pieces at a time, each fetched in a transaction of its own choosing.
 * @throws Problem `import.state_refused` when the file was removed in the meantime.
 */
export async function* readFile(
  inTransaction: InTransaction,
  importId: string,
  sizeBytes: number,
): AsyncGenerator<Buffer, void, undefined> {
  let seq = 0
  for (let left = sizeBytes; left > 0;) {
    const pieces = await inTransaction((tx) => findChunks(tx, importId, seq, READ_AHEAD))
    if (pieces.length === 0)
      throw new Problem('import.state_refused', 'The file is not kept any more: upload it again.')
    for (const piece of pieces) {
      yield piece
      left -= piece.length
    }
    seq += pieces.length
  }
}

/** The beginning of the file, at least `bytes` of it or all. */
export async function readHead(tx: Transaction, importId: string, bytes: number): Promise<Buffer> {
  return Buffer.concat(await findChunks(tx, importId, 0, Math.ceil(bytes / CHUNK_BYTES)))
}

export async function hasFile(tx: Queries, importId: string): Promise<boolean> {
  const row = await tx.find(
    sql<{ seq: number }>`select seq from import_chunks where import_id = ${importId} and seq = 0`,
  )
  return row !== null
}
