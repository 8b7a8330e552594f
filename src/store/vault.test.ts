import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { MasterKeys } from '#store/key-file.ts'
import { createSealer, makeWorkspaceKeys, missingSealer, rewrapKey } from '#store/vault.ts'

const master: MasterKeys = { current: 'k1', keys: new Map([['k1', randomBytes(32)]]) }
const rows = makeWorkspaceKeys(master, 'wsp_a')
const sealer = createSealer(master, 'wsp_a', rows)
const neighbour = createSealer(master, 'wsp_b', makeWorkspaceKeys(master, 'wsp_b'))
const context = 'people.personal:per_1'

test('every JSON value comes back as it was', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.string(), (value, where) => {
      const json: unknown = JSON.parse(JSON.stringify(value))
      expect(sealer.open(sealer.seal(value, where), where)).toEqual(json)
    }),
  )
})

test('the same value is never sealed to the same bytes', () => {
  const seen = new Set(
    Array.from({ length: 1000 }, () => sealer.seal('x', context).toString('hex')),
  )
  expect(seen.size).toBe(1000)
})

test('a value that is no JSON is refused instead of lost', () => {
  expect(() => sealer.seal(undefined, context)).toThrow(TypeError)
})

describe('a sealed value is refused, with no data in the message, when', () => {
  const sealed = sealer.seal({ email: 'ada@example.com' }, context)
  const refuses = (bytes: Buffer, where = context, by = sealer) => {
    expect(() => by.open(bytes, where)).toThrow(/^A sealed value of wsp_[ab] /)
    expect(() => by.open(bytes, where)).not.toThrow(/ada|example/)
  }

  test('any one bit of it is flipped', () => {
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const flipped = Buffer.from(sealed)
      flipped[bit >> 3]! ^= 1 << (bit & 7)
      refuses(flipped)
    }
  })

  test('it is cut at any length or grown', () => {
    for (let length = 0; length < sealed.length; length++) refuses(sealed.subarray(0, length))
    refuses(Buffer.concat([sealed, Buffer.from([0])]))
  })

  test('it was moved to another row, another column or another workspace', () => {
    refuses(sealed, 'people.personal:per_2')
    refuses(sealed, 'leads.personal:per_1')
    refuses(sealed, context, neighbour)
  })
})

test('blind indexes are equal for equal values and differ by kind and by workspace', () => {
  expect(sealer.index('email', 'ada@example.com')).toEqual(sealer.index('email', 'ada@example.com'))
  expect(sealer.index('email', 'ada@example.com')).toHaveLength(32)
  expect(sealer.index('email', 'ada')).not.toEqual(sealer.index('phone', 'ada'))
  expect(sealer.index('email', 'ada')).not.toEqual(neighbour.index('email', 'ada'))
})

test('a key wrapped anew opens what was sealed before, and the old key of the file is not needed any more', () => {
  const sealed = sealer.seal('before', context)
  const both: MasterKeys = {
    current: 'k2',
    keys: new Map([...master.keys, ['k2', randomBytes(32)]]),
  }
  const rewrapped = rows.map((row) => rewrapKey(both, 'wsp_a', row))
  expect(rewrapped.map((row) => row.keyId)).toEqual(['k2', 'k2'])
  const onlyNew: MasterKeys = {
    current: 'k2',
    keys: new Map([...both.keys].filter(([name]) => name === 'k2')),
  }
  const later = createSealer(onlyNew, 'wsp_a', rewrapped)
  expect(later.open(sealed, context)).toBe('before')
  expect(later.index('email', 'x')).toEqual(sealer.index('email', 'x'))
})

test('a wrapped key that was changed or put under another workspace does not open', () => {
  const [data, index] = rows
  expect(() => createSealer(master, 'wsp_b', rows)).toThrow('does not open')
  expect(() => createSealer(master, 'wsp_a', [{ ...data!, kind: 'index' }, index!])).toThrow(
    'does not open',
  )
  const flipped = Buffer.from(data!.wrapped)
  flipped[40]! ^= 1
  expect(() => createSealer(master, 'wsp_a', [{ ...data!, wrapped: flipped }, index!])).toThrow(
    'does not open',
  )
  expect(() => createSealer(master, 'wsp_a', [data!])).toThrow('lacks')
  expect(() => createSealer({ current: 'x', keys: new Map() }, 'wsp_a', rows)).toThrow(
    'does not hold k1',
  )
})

test('a new generation of data key seals from then on, and the older one still opens', () => {
  const before = sealer.seal('old', context)
  const second = makeWorkspaceKeys(master, 'wsp_a', 2).filter((row) => row.kind === 'data')
  const both = createSealer(master, 'wsp_a', [...rows, ...second])
  expect(both.open(before, context)).toBe('old')
  const after = both.seal('new', context)
  expect(both.open(after, context)).toBe('new')
  expect(() => sealer.open(after, context)).toThrow('no known form or key')
})

test('a workspace without keys refuses to seal', () => {
  const none = missingSealer('wsp_x')
  expect(() => none.seal('x', context)).toThrow('has no keys')
  expect(() => none.index('email', 'x')).toThrow('has no keys')
})
