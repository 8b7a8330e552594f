import { pipeline } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { createGunzip } from 'node:zlib'
import iconv from 'iconv-lite'
import { Problem } from '#core/problem.ts'

/** How the bytes of a file become text. */
export interface TextCoding {
  compression: 'none' | 'gzip'
  /** A name that iconv-lite knows, such as `utf-8` or `windows-1252`. */
  encoding: string
}

export interface TextBounds {
  /** Bytes after inflating that a file may have. */
  maxBytes: number
  /** True when the bytes are only the beginning of a file, so that a cut gzip stream is no fault. */
  isPartial: boolean
}

// Small enough that a chunk is scanned in about a millisecond and the server answers in between.
const CHUNK_BYTES = 64 * 1024

/**
 * Turns the bytes of a file into text, inflating and decoding on the way; holds one chunk at a time.
 *
 * @throws Problem `import.file_unreadable` when the gzip stream is damaged or cut short,
 *   `request.too_large` when there are more than `maxBytes` after inflating. Faults of the source
 *   itself come through as they are.
 */
export async function* decodeText(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  coding: TextCoding,
  bounds: TextBounds,
): AsyncGenerator<string, void, undefined> {
  const decoder = iconv.getDecoder(coding.encoding)
  const bytes = coding.compression === 'gzip' ? inflate(source, bounds.isPartial) : source
  let total = 0
  for await (const chunk of bytes) {
    total += chunk.length
    if (total > bounds.maxBytes) {
      const limit = `${Math.floor(bounds.maxBytes / 1024)} KiB`
      throw new Problem(
        'request.too_large',
        `The file has more than ${limit} once unpacked: split it into smaller files.`,
      )
    }
    for (let at = 0; at < chunk.length; at += CHUNK_BYTES) {
      if (at > 0) await setImmediate()
      const text = decoder.write(Buffer.from(chunk.subarray(at, at + CHUNK_BYTES)))
      if (text !== '') yield text
    }
  }
  const rest = bounds.isPartial ? undefined : decoder.end()
  if (rest) yield rest
}

async function* inflate(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  isPartial: boolean,
): AsyncGenerator<Uint8Array, void, undefined> {
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES })
  // The fault reaches the loop below through the stream that `pipeline` destroys with it.
  pipeline(source, gunzip, (): undefined => undefined)
  try {
    for await (const chunk of gunzip) yield chunk as Uint8Array
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? ''
    if (!code.startsWith('Z_')) throw cause
    if (isPartial && code === 'Z_BUF_ERROR') return
    throw new Problem(
      'import.file_unreadable',
      code === 'Z_BUF_ERROR'
        ? 'The gzip file is cut short: upload it again.'
        : 'The gzip file is damaged: pack it again and upload it.',
      { cause },
    )
  } finally {
    gunzip.destroy()
  }
}
