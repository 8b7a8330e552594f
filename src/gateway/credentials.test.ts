import { expect, test } from 'vitest'
import { cookieOf, deviceOf } from '#gateway/credentials.ts'

test('the cookie that is bound to the origin goes before one of the plain name, which a neighbouring site can plant', () => {
  const [bound, plain] = ['__Host-throughline=own', 'throughline_session=planted']
  expect(cookieOf({ cookie: `${plain}; ${bound}` })).toBe('own')
  expect(cookieOf({ cookie: `${bound}; ${plain}` })).toBe('own')
  expect(cookieOf({ cookie: `a=b; ${plain}` })).toBe('planted')
  // The bound one that is empty is no leave to take the other.
  expect(cookieOf({ cookie: `${plain}; __Host-throughline=` })).toBeNull()
  // Of two of one name the first, which is that of the closer path, as browsers send them (RFC 6265, 5.4).
  expect(cookieOf({ cookie: `${bound}; __Host-throughline=other` })).toBe('own')
  expect(cookieOf({ cookie: 'throughline=x; =y' })).toBeNull()
  expect(cookieOf({})).toBeNull()
})

test('over TLS a device is read from the name that is bound to the origin alone, which a neighbouring site cannot plant', () => {
  const [bound, plain] = ['__Host-throughline-device=own', 'throughline_device=planted']
  expect(deviceOf({ cookie: `${plain}; ${bound}` }, true)).toBe('own')
  expect(deviceOf({ cookie: plain }, true)).toBeNull()
  expect(deviceOf({ cookie: `${bound}; ${plain}` }, false)).toBe('planted')
  expect(deviceOf({ cookie: 'throughline_device=' }, false)).toBeNull()
})
