import { describe, expect, test } from 'vitest'
import { Egress, EgressRefused, isPublic } from './egress.ts'

describe('the way out', () => {
  test.each([
    '127.0.0.1',
    '10.1.2.3',
    '172.16.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
    '192.0.2.1',
    '198.18.0.1',
    '::1',
    '::',
    'fe80::1',
    'fc00::1',
    'ff02::1',
    '::ffff:127.0.0.1',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    '2001:db8::1',
    'not an address',
  ])('does not lead to %s', (address) => {
    expect(isPublic(address)).toBe(false)
  })

  test.each(['93.184.216.34', '8.8.8.8', '2606:2800:220:1:248:1893:25c8:1946'])(
    'leads to %s',
    (address) => {
      expect(isPublic(address)).toBe(true)
    },
  )

  test('a name with one inner address among public ones is refused', async () => {
    const egress = new Egress([], () =>
      Promise.resolve([
        { address: '93.184.216.34', family: 4 },
        { address: '10.0.0.1', family: 4 },
      ]),
    )
    await expect(egress.check('https://example.com/')).rejects.toThrow(EgressRefused)
    await egress.close()
  })

  test('a name that turns to an inner address after it was checked is not connected to', async () => {
    const answers = ['93.184.216.34', '127.0.0.1']
    const egress = new Egress([], () =>
      Promise.resolve([{ address: answers.shift() ?? '127.0.0.1', family: 4 }]),
    )
    await egress.check('https://rebinding.example/')
    const attempt = await egress.post(
      'https://rebinding.example/',
      '{}',
      {},
      new Date(),
      AbortSignal.timeout(5000),
    )
    expect(attempt).toMatchObject({ status: null, error: /not public/ })
    await egress.close()
  })

  test('an inner address that an administrator opened is open on that port alone', async () => {
    const egress = new Egress(['127.0.0.1:9555'])
    await expect(egress.check('http://127.0.0.1:9555/in')).resolves.toBeInstanceOf(URL)
    await expect(egress.check('http://127.0.0.1:9556/in')).rejects.toThrow(/https/)
    await egress.close()
  })
})
