import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { CommanderError } from 'commander'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { faultKinds } from '#sandbox/faults.ts'
import { sandboxCommand } from '#cli/sandbox.ts'

// Each command is a process of its own, which loads the whole hub.
vi.setConfig({ testTimeout: 120_000 })

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const start = (...args: string[]) =>
  spawn(process.execPath, [MAIN, 'sandbox', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })

/** One command to its end. */
async function run(...args: string[]) {
  const child = start(...args)
  const texts = { out: '', error: '' }
  child.stdout.on('data', (chunk: Buffer) => (texts.out += String(chunk)))
  child.stderr.on('data', (chunk: Buffer) => (texts.error += String(chunk)))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, ...texts }
}

let sandbox: ChildProcess
let url = ''
let token = ''

beforeAll(async () => {
  const child = start('start', '--vendor', 'hubspot', '--port', '0', '--no-limits')
  sandbox = child
  const [chunk] = (await once(child.stdout, 'data')) as [Buffer]
  const words = String(chunk).trim().split(' ')
  expect(words[0]).toBe('ready')
  url = words[1] ?? ''
  token = words[2] ?? ''
})
afterAll(async () => {
  sandbox.kill('SIGTERM')
  const [code] = (await once(sandbox, 'exit')) as [number | null]
  expect(code).toBe(0)
})

async function createContact(email: string): Promise<number> {
  const answer = await fetch(`${url}/crm/v3/objects/contacts`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ properties: { email } }),
  })
  return answer.status
}

async function countContacts(): Promise<number> {
  const answer = await fetch(`${url}/__sim/counts/contacts`)
  return ((await answer.json()) as { live: number }).live
}

test('a fault holds until it is cleared, and is listed meanwhile', async () => {
  const made = await run('fault', '-u', url, '-k', 'status', '--status', '503', '--path', '/crm/*')
  expect(made).toMatchObject({ code: 0, error: '' })
  expect(await createContact('a@example.com')).toBe(503)
  const { out } = await run('faults', '-u', url)
  const id = made.out.trim()
  const rule = { kind: 'status', status: 503, count: 'until-lifted', path: '/crm/*' }
  expect(out.startsWith(`${id} `)).toBe(true)
  expect(JSON.parse(out.slice(id.length + 1))).toEqual(rule)
  expect(await run('clear', id, '-u', url)).toEqual({ code: 0, out: '', error: '' })
  expect(await createContact('a@example.com')).toBe(201)
  expect(await run('faults', '-u', url)).toMatchObject({ code: 0, out: '' })
})

test('so many calls fail as were asked for, after those that were let through', async () => {
  const target = ['--vendor', 'hubspot', '-u', url]
  await run('fault', ...target, '-k', 'html', '--status', '502', '--count', '1', '--after', '1')
  expect(await createContact('b@example.com')).toBe(201)
  expect(await createContact('c@example.com')).toBe(502)
  expect(await createContact('c@example.com')).toBe(201)
})

test('writes that are dropped are answered as kept, and clearing all ends it', async () => {
  const before = await countContacts()
  const kind = ['-k', 'drop-writes', '--rate', '1', '--seed', '1', '--of', 'creates']
  expect((await run('fault', '-u', url, ...kind)).code).toBe(0)
  expect(await createContact('d@example.com')).toBe(201)
  expect(await countContacts()).toBe(before)
  expect((await run('clear', '-u', url)).code).toBe(0)
  expect(await createContact('d@example.com')).toBe(201)
  expect(await countContacts()).toBe(before + 1)
})

test.each([
  [['fault', '-k', 'nope'], /Allowed choices are .*drop-writes/],
  [['fault'], /--kind/],
  [['fault', '-k', 'drop-writes'], /needs --rate/],
  [['fault', '-k', 'drop-writes', '--rate', '2'], /from 0 to 1/],
  [['fault', '-k', 'status'], /needs --status/],
  [['fault', '-k', 'slow', '--delay-ms', 'long'], /whole number/],
  [['fault', '-k', 'refuse-rows', '-v', 'pipedrive', '--code', 'X'], /no batches/],
  [['start', '-v', 'zoho'], /Allowed choices are hubspot, pipedrive, salesforce/],
])('%j is refused with what is wrong', async (args, text) => {
  const called = sandboxCommand().parseAsync(args, { from: 'user' })
  await expect(called).rejects.toThrow(text)
  await expect(called).rejects.toBeInstanceOf(CommanderError)
})

test('a wrong call and a sandbox that is not there are told apart by the exit code', async () => {
  const wrong = await run('fault', '-k', 'drop-writes')
  expect(wrong).toEqual({ code: 2, out: '', error: expect.stringMatching(/needs --rate/) })
  const none = await run('faults', '-u', 'http://127.0.0.1:9')
  expect(none).toMatchObject({ code: 1, out: '' })
  expect(none.error).toMatch(/No sandbox answers at .*sandbox start/)
})

test('its help names every command, and every kind of fault', () => {
  const command = sandboxCommand()
  expect(command.helpInformation()).toMatch(/start[\s\S]*fault[\s\S]*faults[\s\S]*clear/)
  const fault = command.commands.find((one) => one.name() === 'fault')
  for (const kind of faultKinds) expect(fault?.helpInformation()).toContain(kind)
})
