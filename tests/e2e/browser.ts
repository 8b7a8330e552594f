import { mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { chromium, type Browser, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, inject } from 'vitest'
import type { Stage } from '#tests/e2e/set-up.ts'

export type Scheme = 'light' | 'dark'

const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Runs in the page; the console is the only way out of it. */
const TELL_OF_VIOLATIONS = `document.addEventListener('securitypolicyviolation', (event) =>
  console.error('policy: ' + event.violatedDirective + ' ' + event.blockedURI))`

/** A page and what went wrong on it. */
export interface Visit {
  page: Page
  /** Messages of the console and violations of the content security policy, as they come. */
  faults: string[]
  open: (path: string) => Promise<void>
}

export interface VisitOptions {
  /** Who is signed in; nobody when null. */
  as?: keyof Stage['cookies'] | null
  scheme?: Scheme
  width?: number
  height?: number
}

export interface BrowserOfTests {
  stage: Stage
  visit: (options?: VisitOptions) => Promise<Visit>
  /** A link that signs in once, as somebody with these roles; an admin when none are named. */
  signInLink: (roles?: string[]) => Promise<string>
  /** Comes in by such a link: grave decisions take a sign-in of the last quarter of an hour. */
  arrive: (roles?: string[]) => Promise<Visit>
}

/** A browser for the tests of this file; each visit is a fresh profile. */
export function useBrowser(): BrowserOfTests {
  const stage = inject('stage')
  let browser: Browser | undefined
  beforeAll(async () => {
    const executablePath = process.env['THROUGHLINE_CHROMIUM'] ?? '/usr/bin/chromium'
    browser = await chromium.launch({ executablePath, args: ARGS })
  })
  afterAll(async () => browser?.close())
  const visit = async (options: VisitOptions = {}): Promise<Visit> => {
    const { as = 'admin', scheme = 'light', width = 1440, height = 900 } = options
    if (!browser) throw new Error('the browser starts in beforeAll: visit inside a test')
    const context = await browser.newContext({
      viewport: { width, height },
      colorScheme: scheme,
      reducedMotion: 'reduce',
      baseURL: stage.url,
    })
    context.setDefaultTimeout(60_000)
    await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: stage.url })
    if (as !== null) {
      const [name = '', value = ''] = stage.cookies[as].split('=')
      await context.addCookies([{ name, value, url: stage.url }])
    }
    const page = await context.newPage()
    const faults: string[] = []
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') faults.push(message.text())
    })
    page.on('pageerror', (error) => faults.push(error.message))
    await page.addInitScript({ content: TELL_OF_VIOLATIONS })
    return {
      page,
      faults,
      async open(path) {
        await page.goto(path)
        await page.locator('h1').first().waitFor()
        await settled(page)
      },
    }
  }
  const signInLink = async (roles = ['admin']) => {
    const answer = await fetch(`${stage.linksUrl}?roles=${roles.join(',')}`)
    if (!answer.ok) throw new Error(await answer.text())
    return answer.text()
  }
  const arrive = async (roles?: string[]) => {
    const one = await visit({ as: null })
    await one.page.goto(await signInLink(roles))
    await one.page.getByRole('heading', { name: 'Home' }).waitFor()
    return one
  }
  return { stage, visit, signInLink, arrive }
}

/** Waits until nothing on the page is loading any more. */
export async function settled(page: Page): Promise<void> {
  await page.waitForLoadState('networkidle')
  await page.locator('.mantine-Skeleton-root').first().waitFor({ state: 'detached' })
}

/** Looks at the page in this theme, once it has it. */
export async function wear(page: Page, scheme: Scheme): Promise<void> {
  await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' })
  await page.locator(`html[data-mantine-color-scheme=${scheme}]`).waitFor()
}

/** Waits until what has the keyboard reads so. */
export async function expectFocus(page: Page, text: RegExp): Promise<void> {
  const focused = page.locator(':focus')
  await expect
    .poll(async () => ((await focused.count()) === 1 ? focused.textContent() : ''))
    .toMatch(text)
}

const SHOTS = fileURLToPath(new URL('screenshots/', import.meta.url))

/** A picture of the whole page, for whoever wants to look at them: `THROUGHLINE_SCREENSHOTS=1 npm run test:e2e`. */
export async function shoot(page: Page, name: string): Promise<void> {
  if (process.env['THROUGHLINE_SCREENSHOTS'] === undefined) return
  await mkdir(SHOTS, { recursive: true })
  await page.screenshot({ path: `${SHOTS}${name}.png`, fullPage: true })
}
