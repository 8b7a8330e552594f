import { expect, test } from 'vitest'
import { readHost, readLanding } from '#people/landing.rules.ts'

test('utm parameters and click ids come out of an address, the first value of each', () => {
  const url =
    'https://www.Acme.example/p?utm_source=google&UTM_MEDIUM=cpc&utm_campaign=Spring%20Sale&gclid=abc&gclid=d&x=1'
  expect(readLanding(url)).toEqual({
    utm: { source: 'google', medium: 'cpc', campaign: 'Spring Sale' },
    clickIds: { gclid: 'abc' },
    host: 'acme.example',
  })
})

test('a bare query string is read too', () => {
  expect(readLanding('?utm_source=x&fbclid=y')).toEqual({
    utm: { source: 'x' },
    clickIds: { fbclid: 'y' },
    host: null,
  })
})

test('text that is no address tells nothing', () => {
  for (const text of ['', 'nonsense', 'about:blank', 'http://']) {
    expect(readLanding(text)).toEqual({ utm: {}, clickIds: {}, host: null })
    expect(readHost(text)).toBeNull()
  }
})
