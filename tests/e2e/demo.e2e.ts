import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BrowserContext } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Scheme, shoot, useBrowser } from '#tests/e2e/browser.ts'

const { visit } = useBrowser()
const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** The demo takes half a minute on two idle cores; a busy machine takes longer. */
const START_MS = 240_000

/** What the demo prints for a newcomer; nothing else is known of it here. */
interface Welcome {
  url: string
  signInLink: string
  key: string
  /** Where the printed `curl`s without a body go. */
  reads: string[]
  campaignId: string
}

let folder = ''
let demo: ChildProcess | undefined
let welcome: Welcome

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'throughline-demo-'))
  welcome = readWelcome(await startDemo())
}, START_MS)

afterAll(async () => {
  if (demo?.exitCode === null) {
    const ended = new Promise((resolve) => demo?.once('exit', resolve))
    demo.kill('SIGTERM')
    await ended
  }
  await rm(folder, { recursive: true, force: true })
}, START_MS)

test('what the demo prints works: the link signs in, the curls answer, and its three pages show the company', async () => {
  const answers = await Promise.all(
    welcome.reads.map((url) => fetch(url, { headers: { authorization: `Bearer ${welcome.key}` } })),
  )
  expect(answers.map(({ status }) => status)).toEqual([200, 200])

  const { page, faults } = await visit({ as: null })
  await page.goto(welcome.signInLink)
  await page.getByRole('heading', { name: 'Home' }).waitFor()
  // The link signs in once; the other theme is a fresh profile with the same cookie.
  const cookies = await page.context().cookies()
  expect(faults).toEqual([])
  await page.context().close()
  for (const scheme of ['light', 'dark'] as const) await lookAt(scheme, cookies)
})

async function lookAt(
  scheme: Scheme,
  cookies: Awaited<ReturnType<BrowserContext['cookies']>>,
): Promise<void> {
  const { page, faults, open } = await visit({ as: null, scheme })
  await page.context().addCookies(cookies)
  const keep = (name: string) => shoot(page, `demo-${name}-${scheme}`)
  await open(`${welcome.url}/`)
  expect(await page.locator('main').textContent()).toMatch(/EUR\s?[\d,.]*[1-9]/)
  await keep('home')

  await open(`${welcome.url}/campaigns/${welcome.campaignId}`)
  await keep('campaign')
  await page
    .getByRole('link', { name: /open the receipt/ })
    .first()
    .click()
  await page.getByRole('dialog').getByText('The deals sum to the figure, to the cent.').waitFor()
  await keep('receipt')

  await open(`${welcome.url}/sync`)
  await page.getByText('HubSpot (sandbox)').first().waitFor()
  await keep('sync')
  expect(faults).toEqual([])
  await page.context().close()
}

/** Starts the demo as its command does, with a data folder of its own. @returns all it printed until it is ready. */
function startDemo(): Promise<string> {
  const child = spawn(process.execPath, [join(ROOT, 'bin', 'throughline.js'), 'demo', '-p', '0'], {
    env: { ...process.env, THROUGHLINE_DATA_DIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  demo = child
  let printed = ''
  let complaints = ''
  child.stderr.on(
    'data',
    (chunk: Buffer) => (complaints = (complaints + String(chunk)).slice(-4000)),
  )
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the demo ended with ${code}: ${complaints}`)))
    child.stdout.on('data', (chunk: Buffer) => {
      printed += String(chunk)
      if (/^ready http/m.test(printed)) resolve(printed)
    })
  })
}

function readWelcome(printed: string): Welcome {
  const find = (pattern: RegExp): string => {
    const found = pattern.exec(printed)?.[1]
    if (found === undefined) throw new Error(`the demo did not print ${pattern}:\n${printed}`)
    return found
  }
  return {
    url: find(/^ready (\S+)$/m),
    signInLink: find(/^ {2}(http\S+#\S+)$/m),
    key: find(/^API key: (\S+)$/m),
    reads: [...printed.matchAll(/^ {2}curl .*'(http[^']+)'$/gm)]
      .filter(([line]) => !line.includes(' -d '))
      .flatMap(([, url]) => (url === undefined ? [] : [url])),
    campaignId: find(/attribution\/(cmp_\w+)'/),
  }
}
