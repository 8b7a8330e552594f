import chardet from 'chardet'
import iconv from 'iconv-lite'
import { Problem } from '#core/problem.ts'

export interface EncodingVerdict {
  /** A name that iconv-lite knows. */
  encoding: string
  hasBom: boolean
  reason: string
}

const NOT_TEXT: readonly [magic: readonly number[], what: string][] = [
  [[0x50, 0x4b, 0x03, 0x04], 'a zip file or an Excel workbook (.xlsx)'],
  [[0xd0, 0xcf, 0x11, 0xe0], 'an old Excel workbook (.xls)'],
  [[0x25, 0x50, 0x44, 0x46], 'a PDF'],
  [[0x50, 0x41, 0x52, 0x31], 'a Parquet file'],
  [[0x28, 0xb5, 0x2f, 0xfd], 'packed with Zstandard'],
  [[0x42, 0x5a, 0x68, 0x39], 'packed with bzip2'],
  [[0x89, 0x50, 0x4e, 0x47], 'an image'],
]

/**
 * Decides how the bytes are encoded: byte order marks first, then UTF-16 by its NULs, then whether
 * they are valid UTF-8, and only then what chardet makes of them.
 *
 * @throws Problem `import.file_unreadable` when they are no text at all.
 */
export function detectEncoding(bytes: Uint8Array): EncodingVerdict {
  refuseBinary(bytes)
  const [a, b, c] = bytes
  if (a === 0xef && b === 0xbb && c === 0xbf) return marked('utf-8', 'UTF-8')
  if (a === 0xff && b === 0xfe) return marked('utf-16le', 'UTF-16 (little endian)')
  if (a === 0xfe && b === 0xff) return marked('utf-16be', 'UTF-16 (big endian)')
  const wide = detectUtf16(bytes)
  if (wide !== null) {
    return { encoding: wide, hasBom: false, reason: 'Every other byte is zero, as in UTF-16.' }
  }
  refuseNuls(bytes)
  if (isUtf8(bytes)) {
    const isAscii = bytes.every((byte) => byte < 0x80)
    const reason = isAscii ? 'Plain ASCII, read as UTF-8.' : 'Valid UTF-8.'
    return { encoding: 'utf-8', hasBom: false, reason }
  }
  return guessLegacy(bytes)
}

function marked(encoding: string, title: string): EncodingVerdict {
  return { encoding, hasBom: true, reason: `A byte order mark says ${title}.` }
}

function refuseBinary(bytes: Uint8Array): void {
  for (const [magic, what] of NOT_TEXT) {
    if (bytes.length >= magic.length && magic.every((byte, i) => bytes[i] === byte)) {
      throw new Problem(
        'import.file_unreadable',
        `The file is ${what}: save it as CSV (UTF-8) and import that.`,
      )
    }
  }
}

/** Text has no NULs but for stray ones, whose rows are then rejected; programs and images are full of them. */
const STRAY_NULS = 100

function refuseNuls(bytes: Uint8Array): void {
  const nuls = bytes.reduce((sum, byte) => (byte === 0 ? sum + 1 : sum), 0)
  if (nuls > STRAY_NULS && nuls * 100 > bytes.length) {
    throw new Problem(
      'import.file_unreadable',
      'The file is not text: save the table as CSV (UTF-8) and import that.',
    )
  }
}

function detectUtf16(bytes: Uint8Array): 'utf-16le' | 'utf-16be' | null {
  const pairs = Math.min(bytes.length >> 1, 2000)
  if (pairs < 2) return null
  let high = 0
  let low = 0
  for (let i = 0; i < pairs; i += 1) {
    if (bytes[2 * i] === 0) high += 1
    if (bytes[2 * i + 1] === 0) low += 1
  }
  if (low > pairs * 0.7 && high < pairs * 0.1) return 'utf-16le'
  if (high > pairs * 0.7 && low < pairs * 0.1) return 'utf-16be'
  return null
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    // As a stream, so that a character cut by the end of the sample does not count.
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true })
    return true
  } catch (error) {
    if (error instanceof TypeError) return false
    throw error
  }
}

/**
 * Not UTF-8: chardet sees only the lines with high bytes, which are the ones that tell. It knows
 * languages by whole texts, so that for lists of names it is unsure; then the reading with the fewest
 * odd words wins. windows-1252 is by far the most common and holds ISO-8859-1 whole, so ties are its.
 */
function guessLegacy(bytes: Uint8Array): EncodingVerdict {
  const text = Buffer.from(bytes).toString('latin1')
  const lines = text.split(/[\r\n]+/).filter((line) => /[\x80-\xFF]/.test(line))
  const telling = Buffer.from(lines.slice(0, 2000).join('\n'), 'latin1')
  const matches = chardet
    .analyse(telling)
    .filter(({ name }) => !/^(?:UTF|ASCII)/.test(name) && iconv.encodingExists(name))
  const best = matches[0]
  const western = matches.find(({ name }) => name === 'ISO-8859-1' || name === 'windows-1252')
  if (best !== undefined && best.confidence >= 15 + (western?.confidence ?? 0)) {
    const reason = `Not UTF-8; the letters fit ${best.name} best (${best.confidence} of 100).`
    return { encoding: best.name.toLowerCase(), hasBom: false, reason }
  }
  const usual = shareOfOddWords(telling, 'windows-1252')
  const [central, share] = (['windows-1250', 'iso-8859-2'] as const)
    .map((encoding) => [encoding, shareOfOddWords(telling, encoding)] as const)
    .reduce((best, next) => (next[1] < best[1] ? next : best))
  if (usual >= 0.1 && share <= usual / 3) {
    const reason = `Not UTF-8; as ${central} its words have letters only.`
    return { encoding: central, hasBom: false, reason }
  }
  return {
    encoding: 'windows-1252',
    hasBom: false,
    reason: 'Not UTF-8; reads as Western European.',
  }
}

/** The share of words with a foreign letter or sign in which a sign touches a letter, as in `£ód¼`. */
function shareOfOddWords(bytes: Buffer, encoding: string): number {
  const words = iconv.decode(bytes, encoding).split(/[^A-Za-z'\x80-\uFFFF]+/)
  const foreign = words.filter((word) => /[\x80-\uFFFF]/.test(word))
  const odd = foreign.filter(
    (word) => /\p{L}/u.test(word) && /[¡-¿×÷\x80-\x9F\uFFFD˘˛ˇ˙˝¸]/.test(word),
  )
  return odd.length / Math.max(1, foreign.length)
}
