import { closeSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'

/**
 * An append-only file of JSON lines. A line is in the kernel's hands when `append` returns, so it
 * survives a kill -9 of this process (not a power cut: there is no fsync).
 */
export interface Journal {
  append(line: unknown): void
  /** Throws away all lines. */
  clear(): void
  close(): void
}

/** What a sandbox without a state file writes to. */
export const noJournal: Journal = { append() {}, clear() {}, close() {} }

/**
 * Opens the file (made when missing), hands each whole line to `replay` in order, and cuts off a
 * line that a kill left half written. Reads 1 MiB at a time, so the file may be larger than memory
 * allows for one string.
 *
 * @throws SyntaxError when a whole line is not JSON: the file is not a journal.
 */
export function openJournal(path: string, replay: (line: unknown) => void): Journal {
  const file = openSync(path, 'a+', 0o600)
  const wholeBytes = replayLines(file, replay)
  ftruncateSync(file, wholeBytes)
  return {
    append(line) {
      const bytes = Buffer.from(`${JSON.stringify(line)}\n`)
      for (let written = 0; written < bytes.length;) {
        written += writeSync(file, bytes, written)
      }
    },
    clear: () => ftruncateSync(file, 0),
    close: () => closeSync(file),
  }
}

/** Replays every line that ends with a line feed; returns the bytes they take. */
function replayLines(file: number, replay: (line: unknown) => void): number {
  const chunk = Buffer.alloc(1 << 20)
  const decoder = new StringDecoder('utf8')
  let rest = ''
  let position = 0
  let wholeBytes = 0
  for (;;) {
    const size = readSync(file, chunk, 0, chunk.length, position)
    if (size === 0) return wholeBytes
    const lastFeed = chunk.subarray(0, size).lastIndexOf(10)
    if (lastFeed >= 0) wholeBytes = position + lastFeed + 1
    position += size
    const lines = (rest + decoder.write(chunk.subarray(0, size))).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) replay(JSON.parse(line))
  }
}
