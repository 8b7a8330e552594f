import { createHash } from 'node:crypto'
import { newId } from '#core/id.ts'
import { recordWork } from '#gateway/batch.ts'
import type { Principal } from '#gateway/operation.ts'
import { SAMPLE_BYTES } from '#imports/dialect.ts'
import { CHUNK_BYTES, insertChunks } from '#imports/file.store.ts'
import type { ImportChoices } from '#imports/import.schema.ts'
import {
  deleteImport,
  findImport,
  getWorkspaceDefaults,
  insertImport,
  saveFile,
  savePlan,
  type ImportRecord,
} from '#imports/import.store.ts'
import { prepareImport, type Preparation } from '#imports/plan.ts'
import type { BatchTarget } from '#imports/targets.ts'
import type { Store } from '#store/store.ts'

export interface NewFile {
  target: BatchTarget
  fileName: string
  bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>
  choices: ImportChoices
}

export interface Uploaded {
  record: ImportRecord
  preparation: Preparation
}

/** The system that rows are from when nobody says. */
export const DEFAULT_SOURCE = 'import'

const PIECES_AT_ONCE = 4

/**
 * Keeps a file, sealed and in pieces, with a plan for its columns; nothing of it is imported yet. Holds about a megabyte at a
 * time. When the file cannot be read, nothing is left behind.
 *
 * @throws Problem as `prepareImport` does.
 */
export async function uploadFile(
  store: Store,
  principal: Principal,
  { target, fileName, bytes, choices }: NewFile,
  { now, requestId }: { now: Date; requestId: string },
): Promise<Uploaded> {
  const { workspaceId } = principal
  const id = newId('imp')
  const source = choices.source ?? DEFAULT_SOURCE
  const zone = await store.transaction(workspaceId, async (tx) => {
    const zone = choices.zone ?? (await getWorkspaceDefaults(tx)).timeZone
    const createdBy = principal.id
    await insertImport(tx, {
      id,
      target: target.name,
      fileName,
      source,
      zone,
      createdBy,
      createdAt: now,
    })
    return zone
  })
  try {
    const file = await storePieces(store, workspaceId, id, bytes, (head) =>
      prepareImport(head, target, choices),
    )
    const { dialect, columns } = file.preparation
    return await store.transaction(workspaceId, async (tx) => {
      await saveFile(tx, id, file)
      await savePlan(tx, { id, dialect, columns, choices, source, zone })
      const work = { audits: [{ action: UPLOAD_ID, subjectId: id }], events: [] }
      await recordWork(tx, principal, work, { now, requestId })
      return { record: (await findImport(tx, id))!, preparation: file.preparation }
    })
  } catch (thrown) {
    await store.transaction(workspaceId, (tx) => deleteImport(tx, id))
    throw thrown
  }
}

/** The name of the upload as an operation, also in the audit log. */
export const UPLOAD_ID = 'createImport'

interface StoredFile {
  sizeBytes: number
  sha256: Buffer
  preparation: Preparation
}

async function storePieces(
  store: Store,
  workspaceId: string,
  id: string,
  bytes: NewFile['bytes'],
  prepare: (head: Buffer) => Promise<Preparation>,
): Promise<StoredFile> {
  const hash = createHash('sha256')
  let head: Buffer | null = Buffer.alloc(0)
  let preparation: Preparation | null = null
  let sizeBytes = 0
  let seq = 0
  for await (const pieces of piecesOf(bytes)) {
    for (const piece of pieces) {
      hash.update(piece)
      sizeBytes += piece.length
      if (head !== null) head = Buffer.concat([head, piece])
    }
    // As early as can be: what is no table must not be kept first.
    if (head !== null && head.length >= SAMPLE_BYTES) {
      preparation = await prepare(head)
      head = null
    }
    const first = seq
    await store.transaction(workspaceId, (tx) => insertChunks(tx, id, first, pieces))
    seq += pieces.length
  }
  preparation ??= await prepare(head ?? Buffer.alloc(0))
  return { sizeBytes, sha256: hash.digest(), preparation }
}

/** The same bytes in pieces of `CHUNK_BYTES`, a few at a time; only the last is shorter. */
async function* piecesOf(bytes: NewFile['bytes']): AsyncGenerator<Buffer[]> {
  let pieces: Buffer[] = []
  let parts: Uint8Array[] = []
  let size = 0
  for await (const chunk of bytes) {
    for (let at = 0; at < chunk.length;) {
      const part = chunk.subarray(at, at + CHUNK_BYTES - size)
      parts.push(part)
      size += part.length
      at += part.length
      if (size < CHUNK_BYTES) continue
      pieces.push(Buffer.concat(parts))
      parts = []
      size = 0
      if (pieces.length === PIECES_AT_ONCE) {
        yield pieces
        pieces = []
      }
    }
  }
  if (size > 0) pieces.push(Buffer.concat(parts))
  if (pieces.length > 0) yield pieces
}
