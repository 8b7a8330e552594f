import { expect, test } from 'vitest'
import { fitOf, hasSecondFactor, standingOf } from '#access/device.rules.ts'
import { newToken } from '#access/session.rules.ts'

const now = new Date('2026-11-25T09:00:00Z')
const daysAgo = (days: number) => new Date(now.getTime() - days * 86_400_000)

test.each([
  ['new on its first day', daysAgo(0), null, 'new'],
  ['new before the week is over', daysAgo(6.99), null, 'new'],
  ['known after a week', daysAgo(7), null, 'known'],
  ['confirmed at once by a second factor', daysAgo(0), daysAgo(0), 'confirmed'],
  ['confirmed for good', daysAgo(300), daysAgo(299), 'confirmed'],
] as const)('a device is %s', (_what, firstSeenAt, confirmedAt, standing) => {
  expect(standingOf({ firstSeenAt, confirmedAt }, now)).toBe(standing)
})

test.each([
  [['password', 'totp'], true],
  [['password', 'recovery'], true],
  [['passkey'], true],
  [['password'], false],
  [['link'], false],
  [['oidc'], false],
])('%j proves by a second factor: %s', (methods, proves) => {
  expect(hasSecondFactor(methods)).toBe(proves)
})

const own = newToken()
const other = newToken()

test.each([
  ['without a device, whatever comes', null, null, other.token, 'none'],
  ['not bound yet, without the cookie', own.tokenHash, null, null, 'none'],
  ['not bound yet, with the cookie', own.tokenHash, null, own.token, 'binds'],
  ['not bound yet, with the cookie of another device', own.tokenHash, null, other.token, 'foreign'],
  ['bound, with the cookie', own.tokenHash, now, own.token, 'bound'],
  ['bound, without the cookie', own.tokenHash, now, null, 'foreign'],
  ['bound, with the cookie of another device', own.tokenHash, now, other.token, 'foreign'],
] as const)('a session %s', (_what, deviceHash, deviceBoundAt, sent, fit) => {
  expect(fitOf({ deviceHash, deviceBoundAt }, sent)).toBe(fit)
})
