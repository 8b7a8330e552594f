import { z } from 'zod'

/** The prefix of each kind of record; an id shows what it names. */
export type IdPrefix =
  | 'wsp'
  | 'usr'
  | 'key'
  | 'ses'
  | 'cli'
  | 'psk'
  | 'dev'
  | 'grt'
  | 'crl'
  | 'req'
  | 'evt'
  | 'aud'
  | 'per'
  | 'tch'
  | 'cmp'
  | 'cmb'
  | 'chn'
  | 'cns'
  | 'lead'
  | 'tsk'
  | 'opp'
  | 'own'
  | 'pip'
  | 'stg'
  | 'ter'
  | 'cap'
  | 'con'
  | 'run'
  | 'out'
  | 'imp'
  | 'job'
  | 'sch'
  | 'conf'
  | 'fit'
  | 'rpt'
  | 'cmt'
  | 'agd'
  | 'mdl'
  | 'whe'
  | 'msg'
  | 'att'
  | 'chg'
  | 'acc'
  | 'act'
  | 'mbr'
  | 'prq'
  | 'pln'
  | 'bkf'
  | 'hld'
  | 'rtr'
  | 'alr'
  | 'alh'
  | 'alc'
  | 'alm'
  | 'mrg'
  | 'dup'
  | 'thr'
  | 'mea'
  | 'xpr'

let lastMs = 0
let sequence = 0

/** Random bytes in stock: asking the system for a page at a time costs a tenth of asking for each id. */
const stock = new Uint8Array(4096)
let used = stock.length

const hexOf = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/**
 * A new identifier: `<prefix>_` and a UUIDv7 (RFC 9562 §5.7) as 32 hexadecimal digits.
 *
 * Ids made by one process ascend, also within one millisecond (method 1 of RFC 9562 §6.2: a 12-bit
 * counter), so that inserts stay at the right edge of an index and ids sort by creation.
 */
export function newId<P extends IdPrefix>(prefix: P, nowMs: number = Date.now()): `${P}_${string}` {
  if (nowMs > lastMs) {
    lastMs = nowMs
    sequence = 0
  } else if (++sequence > 0xfff) {
    lastMs += 1 // the counter is spent: borrow from the next millisecond
    sequence = 0
  }
  const head = lastMs.toString(16).padStart(12, '0')
  if (used === stock.length) {
    crypto.getRandomValues(stock)
    used = 0
  }
  const random = stock.subarray(used, (used += 8))
  random[0] = (random[0]! & 0x3f) | 0x80
  let tail = ''
  for (const byte of random) tail += hexOf[byte]
  return `${prefix}_${head}7${sequence.toString(16).padStart(3, '0')}${tail}`
}

/** The schema of an id with this prefix. */
export function Id<P extends IdPrefix>(prefix: P) {
  return z
    .templateLiteral([z.literal(`${prefix}_`), z.string()])
    .refine((id) => id.length <= 64, 'An id has at most 64 characters.')
    .meta({
      description: `Identifier, begins with ${prefix}_`,
      example: `${prefix}_0193a1b2c3d47e5f8a9b0c1d2e3f4a5b`,
    })
}
