import { expect, test } from 'vitest'
import { pipedriveHooks } from './hooks.ts'

const settings = { token: 'token', hookUser: 'pipedrive', hookPassword: 'correct horse battery' }
const requestWith = (authorization: string | undefined) => ({
  method: 'POST',
  url: 'https://hub.example.com/hooks/pipedrive/con_1',
  headers: { authorization },
  body: Buffer.from('{}'),
  now: new Date(),
})
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`

test('only the user name and password of the settings are let in', () => {
  const isLetIn = (authorization: string | undefined, given: object = settings) =>
    pipedriveHooks.verify(requestWith(authorization), { ...given })
  expect(isLetIn(basic('pipedrive:correct horse battery'))).toBe(true)
  const wrong = ['pipedrive:correct horse', 'other:correct horse battery', ':', ''].map(basic)
  for (const one of [...wrong, undefined, 'Basic', 'Bearer x']) expect(isLetIn(one)).toBe(false)
  expect(isLetIn(basic(':'), { token: 'token' })).toBe(false)
  expect(isLetIn(basic('undefined:undefined'), { token: 'token' })).toBe(false)
})

test('a message names its record, and of a merge both; its attempts have one key', () => {
  const meta = { id: 'm-1', entity: 'person', entity_id: 7, timestamp: '2026-11-25T08:00:00Z' }
  const read = (more: object) =>
    pipedriveHooks.read(Buffer.from(JSON.stringify({ meta: { ...meta, ...more }, data: null })))
  expect(read({ attempt: 2 })).toMatchObject([
    { stream: 'persons', externalId: '7', at: new Date('2026-11-25T08:00:00Z'), key: 'm-1' },
  ])
  expect(read({ merged_to_id: 9 }).map(({ externalId }) => externalId)).toEqual(['7', '9'])
  expect(read({ entity: 'note' })).toEqual([])
  expect(() => pipedriveHooks.read(Buffer.from('{}'))).toThrow(SyntaxError)
})

test('the credentials of webhooks that the hub made are let in beside those that were set up by hand', () => {
  const ownHooks = { address: 'https://hub.example.com', user: 'throughline-1', password: 'p' }
  const both = { ...settings, ownHooks: { ...ownHooks, ids: [1], checkedOn: '' } }
  const isLetIn = (text: string, given: object) =>
    pipedriveHooks.verify(requestWith(basic(text)), { ...given })
  expect(isLetIn('throughline-1:p', both)).toBe(true)
  expect(isLetIn('pipedrive:correct horse battery', both)).toBe(true)
  expect(isLetIn('throughline-1:correct horse battery', both)).toBe(false)
  expect(isLetIn('throughline-1:p', settings)).toBe(false)
  const addresses = [both, settings].map((given) => pipedriveHooks.ownAddress?.({ ...given }))
  expect(addresses).toEqual(['https://hub.example.com', null])
})
