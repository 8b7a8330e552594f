import { expect, test } from 'vitest'
import fc from 'fast-check'
import { normaliseEmail } from '#core/email.ts'
import {
  isPlaceholder,
  looksLikeEmail,
  normaliseIdentitySource,
  normaliseIdentityValue,
} from '#people/identity.rules.ts'

test.each([
  ['  Ada@Example.COM ', 'ada@example.com'],
  ['ada+news@example.com', 'ada+news@example.com'],
  ['a.d.a@gmail.com', 'a.d.a@gmail.com'],
  ['ada@BÜCHER.example', 'ada@xn--bcher-kva.example'],
  ['ada@xn--bcher-kva.example', 'ada@xn--bcher-kva.example'],
  ['ada@example.com.', 'ada@example.com'],
  ['A\u0301da@example.com', '\u00e1da@example.com'],
  ['no address', 'no address'],
])('the address %j is compared as %j', (given, expected) => {
  expect(normaliseEmail(given)).toBe(expected)
})

test('an address in its one spelling stays as it is', () => {
  fc.assert(
    fc.property(fc.emailAddress(), (email) => {
      const once = normaliseEmail(email)
      expect(normaliseEmail(once)).toBe(once)
      expect(normaliseEmail(` ${email.toUpperCase()} `)).toBe(once)
    }),
  )
})

test('plus-tagged addresses of one mailbox stay two people', () => {
  expect(normaliseEmail('ada+one@example.com')).not.toBe(normaliseEmail('ada+two@example.com'))
})

test('an id keeps its case, and only an external id has a source', () => {
  expect(normaliseIdentityValue({ kind: 'user_id', value: ' AbC ' })).toBe('AbC')
  expect(normaliseIdentitySource({ kind: 'user_id', source: 'CRM', value: 'x' })).toBe('')
  expect(normaliseIdentitySource({ kind: 'external_id', source: ' CRM ', value: 'x' })).toBe('crm')
})

test('texts that broken tracking code sends for everybody name nobody', () => {
  for (const value of ['null', ' Undefined ', '[object Object]', '', '"null"', 'anonymous', '0']) {
    expect(isPlaceholder(value), value).toBe(true)
  }
  for (const value of ['u1', '00', 'ada', 'nullable']) expect(isPlaceholder(value)).toBe(false)
})

test('an address has one @ with a domain behind it', () => {
  for (const text of ['ada@example.com', ' a+b@c.co ']) expect(looksLikeEmail(text)).toBe(true)
  for (const text of [
    'ada',
    '@x.com',
    'a@b',
    'a@@b.com',
    'a b@c.com',
    'a@b.',
    `${'a'.repeat(250)}@b.co`,
  ]) {
    expect(looksLikeEmail(text), text).toBe(false)
  }
})
