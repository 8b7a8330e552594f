import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

import { afterAll, afterEach, expect, test } from 'vitest'

import { startHubspot } from './index.ts'
import { openClient } from './test-client.ts'

const folder = mkdtempSync(join(tmpdir(), 'hubspot-sandbox-'))
const MAIN = join(import.meta.dirname, '..', 'main.ts')
const children = new Set<ChildProcess>()

afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  children.clear()
})
afterAll(() => rmSync(folder, { recursive: true }))

/** The standalone sandbox, once it says that it is ready. */
async function startAlone(stateFile: string) {
  const args = [MAIN, '--port', '0', '--state', stateFile, '--no-limits']
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  children.add(child)
  const lines = createInterface({ input: child.stdout })
  const [line] = (await once(lines, 'line')) as [string]
  const [ready, url = '', token = ''] = line.split(' ')
  expect(ready).toBe('ready')
  return { child, client: openClient({ url, token }) }
}

test('every acknowledged write survives a kill -9', async () => {
  const file = join(folder, 'killed.jsonl')
  const first = await startAlone(file)
  const acknowledged: string[] = []
  const writer = (async () => {
    for (let i = 0; ; i += 1) {
      const inputs = Array.from({ length: 20 }, (_, k) => {
        const email = `p${i}-${k}@x.com`
        return { id: email, idProperty: 'email', properties: { email, firstname: String(i) } }
      })
      const path = '/crm/objects/2026-09/contacts/batch/upsert'
      const answer = await first.client.post(path, { inputs }).catch(() => null)
      if (answer?.status !== 200) return
      acknowledged.push(...inputs.map(({ id }) => id))
      if (i === 25) first.child.kill('SIGKILL')
    }
  })()
  await once(first.child, 'exit')
  await writer
  expect(acknowledged.length).toBeGreaterThanOrEqual(500)

  const second = await startAlone(file)
  const stored = await second.client.get('/__sim/records/contacts')
  const { records } = stored.body as { records: { properties: { email: string } }[] }
  const emails = new Set(records.map(({ properties }) => properties.email))
  expect(acknowledged.filter((email) => !emails.has(email))).toEqual([])
  second.child.kill('SIGTERM')
  const [code] = (await once(second.child, 'exit')) as [number | null]
  expect(code).toBe(0)
})

test('everything of an account comes back, and a half-written line is cut off', async () => {
  const stateFile = join(folder, 'whole.jsonl')
  const first = await startHubspot({ stateFile })
  const client = openClient(first)
  const property = {
    name: 'hub_lead_id',
    label: 'Hub lead',
    type: 'string',
    fieldType: 'text',
    groupName: 'contactinformation',
    hasUniqueValue: true,
  }
  const ids = first.seed({
    owners: [{ id: '7', email: 'o@x.com' }],
    properties: { contacts: [property] },
    records: {
      contacts: [
        { properties: { email: 'a@x.com', hub_lead_id: 'lead_1' } },
        { properties: { email: 'b@x.com' } },
        { properties: { email: 'c@x.com' } },
      ],
      companies: [{ properties: { name: 'X' } }],
    },
    associations: [{ from: 'contacts', fromIndex: 0, to: 'companies', toIndex: 0 }],
  })
  const [a = '', b = '', c = ''] = ids.contacts
  first.edit('contacts', a, { phone: '1' })
  const merge = { primaryObjectId: a, objectIdToMerge: b }
  const merged = await client.post('/crm/v3/objects/contacts/merge', merge)
  first.remove('contacts', c)
  const before = [...first.records('contacts')]
  await first.stop()
  appendFileSync(stateFile, '[{"do":"create","type":"contacts","id":1,')

  const second = await startHubspot({ stateFile })
  const again = openClient(second)
  expect([...second.records('contacts')]).toEqual(before)
  const survivor = await again.get(
    `/crm/v3/objects/contacts/lead_1?idProperty=hub_lead_id&propertiesWithHistory=phone`,
  )
  expect(survivor.body).toMatchObject({
    id: merged.body['id'],
    propertiesWithHistory: { phone: [{ value: '1', sourceType: 'CRM_UI' }] },
  })
  expect((await again.get(`/crm/v3/objects/contacts/${b}`)).body['id']).toBe(merged.body['id'])
  expect(second.read('contacts', a, 'associatedcompanyid')).toBe(ids.companies[0])
  expect((await again.get('/crm/owners/2026-09')).body['results']).toHaveLength(1)
  second.seedContacts([{ email: 'd@x.com' }])
  await second.stop()

  const third = await startHubspot({ stateFile })
  expect(third.count('contacts')).toBe(2)
  await third.stop()
})
