import fc from 'fast-check'
import { expect, test } from 'vitest'
import { redirectFaults } from '#access/oauth/client.rules.ts'
import { commonPasswords } from '#access/sign-in/common-passwords.ts'
import { hashPassword, isPassword } from '#access/sign-in/password.ts'
import { passwordFault } from '#access/sign-in/password.rules.ts'
import { sourceOf } from '#access/sign-in/throttle.ts'
import { hashRecoveryCode, newRecoveryCodes } from '#access/sign-in/totp.ts'

test('no common password and no repetition of one passes, with or without a second factor', async () => {
  const common = await commonPasswords()
  expect(common.size).toBeGreaterThan(3000)
  const list = [...common]
  fc.assert(
    fc.property(fc.constantFrom(...list), fc.constantFrom('', '1', '2026', '!!'), (word, tail) => {
      expect(passwordFault(word + tail, true, common, [])).not.toBeNull()
    }),
    { numRuns: 500 },
  )
})

test('long random passwords of any script pass, whatever the surroundings are called', async () => {
  const common = await commonPasswords()
  const random = fc.string({ unit: 'grapheme', minLength: 40, maxLength: 60 })
  fc.assert(
    fc.property(random, (password) => {
      fc.pre(
        new Set(password.toLowerCase()).size > 15 &&
          Array.from(password.normalize('NFKC')).length < 256,
      )
      expect(passwordFault(password, false, common, ['Throughline', 'Acme'])).toBeNull()
    }),
    { numRuns: 200 },
  )
})

test('a hash verifies its password in either form of Unicode, and no other', async () => {
  const hash = await hashPassword('caf\u00e9 au lait')
  expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  expect(await isPassword('cafe\u0301 au lait', hash)).toBe(true)
  expect(await isPassword('cafe au lait', hash)).toBe(false)
  expect(await isPassword('anything', null)).toBe(false)
  expect(await isPassword('', `${hash}x`)).toBe(false)
})

test('an IPv6 host counts by its /64, IPv4 inside IPv6 as IPv4', () => {
  expect(sourceOf('2001:db8:1:2:aaaa::1')).toBe(sourceOf('2001:db8:1:2::ffff'))
  expect(sourceOf('2001:db8:1:3::1')).not.toBe(sourceOf('2001:db8:1:2::1'))
  expect(sourceOf('::ffff:10.0.0.1')).toBe('10.0.0.1')
  expect(sourceOf('::1')).toBe('0:0:0:0')
})

test('recovery codes differ, and are taken with any case, spaces and hyphens', () => {
  const { codes, hashes } = newRecoveryCodes()
  expect(new Set(codes).size).toBe(10)
  expect(hashRecoveryCode(codes[0]!.toUpperCase().replaceAll('-', ' '))).toEqual(hashes[0])
})

test.each([
  ['web', 'https://app.example/cb', true],
  ['web', 'http://localhost:3000/cb', true],
  ['web', 'http://app.example/cb', false],
  ['web', 'https://user:pass@app.example/cb', false],
  ['web', 'https://app.example/cb#x', false],
  ['web', 'com.example.app:/cb', false],
  ['native', 'com.example.app:/cb', true],
  ['native', 'javascript:alert(1)', false],
  ['native', 'data:text/html,x', false],
] as const)('a %s client may return to %s: %s', (kind, uri, isFine) => {
  expect(redirectFaults(kind, [uri]).length === 0).toBe(isFine)
})
