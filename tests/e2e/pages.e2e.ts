import { AxeBuilder } from '@axe-core/playwright'
import { mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, test } from 'vitest'
import { useBrowser, type Scheme } from '#tests/e2e/browser.ts'

const { stage, visit } = useBrowser()
const SHOTS = fileURLToPath(new URL('screenshots/', import.meta.url))

const pages = [
  { name: 'home', path: '/', title: /^Home$/ },
  { name: 'campaigns', path: '/campaigns', title: /^Campaigns$/ },
  { name: 'campaign', path: `/campaigns/${stage.campaignId}`, title: /one view of revenue/ },
  {
    name: 'receipt',
    path: `/campaigns/${stage.campaignId}?receipt=total`,
    title: /one view of revenue/,
  },
  {
    name: 'uncredited',
    path: `/campaigns/${stage.campaignId}?receipt=uncredited`,
    title: /one view of revenue/,
  },
  { name: 'sync', path: '/sync', title: /^Sync health$/ },
  { name: 'run', path: `/sync/runs/${stage.runId}?outcome=refused`, title: /^HubSpot, / },
  { name: 'plan', path: `/sync/plans/${stage.planId}`, title: /^Change plan for HubSpot/ },
  { name: 'record', path: `/sync/records/lead/${stage.refusedLeadId}`, title: /^Lead / },
  { name: 'alerts', path: '/alerts', title: /^Alerts$/ },
  { name: 'alerts-over', path: '/alerts?status=resolved', title: /^Alerts$/ },
  { name: 'account', path: '/account', title: /^Your sign-in$/ },
  { name: 'users', path: '/users', title: /^Users$/ },
] as const

const schemes: Scheme[] = ['light', 'dark']
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

beforeAll(async () => {
  await mkdir(SHOTS, { recursive: true })
})

describe.each(schemes)('in the %s theme', (scheme) => {
  test.each(pages)(
    'the page $name loads without a fault and meets WCAG 2.2 AA',
    async ({ name, path, title }) => {
      const { page, faults, open } = await visit({ scheme })
      await open(path)
      expect(await page.locator('h1').first().textContent()).toMatch(title)
      await page.screenshot({ path: `${SHOTS}${name}-${scheme}.png`, fullPage: true })
      const { violations } = await new AxeBuilder({ page }).withTags(RULES).analyze()
      expect(
        violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join('\n')}`),
      ).toEqual([])
      expect(faults).toEqual([])
      await page.context().close()
    },
  )
})

test.each([
  { name: 'home', path: '/' },
  { name: 'campaigns', path: '/campaigns' },
  { name: 'sync', path: '/sync' },
  { name: 'alerts', path: '/alerts' },
])('an empty workspace says on $name what to do first', async ({ name, path }) => {
  const { page, faults, open } = await visit({ as: 'empty' })
  await open(path)
  await page.screenshot({ path: `${SHOTS}${name}-empty.png`, fullPage: true })
  expect(await page.locator('main').textContent()).toMatch(
    /No revenue in this period|No campaigns yet|No system is connected yet|Nothing is wrong/,
  )
  expect(faults).toEqual([])
  await page.context().close()
})

test.each(pages)('the page $name needs no sideways scrolling on a narrow screen', async (each) => {
  const { page, open } = await visit({ width: 360, height: 740 })
  await open(each.path)
  if (each.name === 'home' || each.name === 'sync') {
    await page.screenshot({ path: `${SHOTS}${each.name}-narrow.png`, fullPage: true })
  }
  const sideways = await page.evaluate<number>(
    'document.documentElement.scrollWidth - document.documentElement.clientWidth',
  )
  expect(sideways).toBeLessThanOrEqual(0)
  await page.context().close()
})

test('every link on every page leads somewhere', { timeout: 240_000 }, async () => {
  const { page, open } = await visit()
  const seen = new Set<string>()
  for (const { path } of pages) {
    await open(path)
    for (const link of await page.locator('a[href]').all()) {
      const href = await link.getAttribute('href')
      if (href !== null && !href.includes('#')) seen.add(new URL(href, page.url()).href)
    }
  }
  const broken: string[] = []
  for (const link of seen) {
    const answer = await page.request.get(link)
    if (!answer.ok()) broken.push(`${answer.status()} ${link}`)
  }
  expect(seen.size).toBeGreaterThan(30)
  expect(broken).toEqual([])
  await page.context().close()
})
