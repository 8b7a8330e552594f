import { expect, test } from 'vitest'
import { settled, useBrowser } from '#tests/e2e/browser.ts'

const { stage, visit } = useBrowser()
const campaign = `/campaigns/${stage.campaignId}`

/** The amount in a text such as `EUR 1,234.56`, in cents. */
function cents(text: string | null): number {
  const match = /([\d,]+)\.(\d\d)/.exec(text ?? '')
  if (!match?.[1] || !match[2]) throw new Error(`no amount in ${text}`)
  return Number(match[1].replaceAll(',', '')) * 100 + Number(match[2])
}

test('three clicks lead from revenue to the touches of a deal, and every sum is the figure', async () => {
  const { page, faults, open } = await visit()
  await open(campaign)
  const figure = page.getByRole('link', { name: /open the receipt/ }).first()
  const shown = cents(await figure.locator('[title]').getAttribute('title'))
  await figure.click()
  const drawer = page.getByRole('dialog')
  await drawer.getByText('The deals sum to the figure, to the cent.').waitFor()
  const credited = await drawer.locator('tbody td:last-child').allTextContents()
  expect(credited.reduce((sum, text) => sum + cents(text), 0)).toBe(shown)
  const deal = drawer.locator('tbody a').first()
  expect(await deal.textContent()).not.toMatch(/^opp_/)
  await deal.click()
  await drawer.getByText('Under every model the touches sum to').waitFor()
  const amount = cents(await drawer.getByText(/Under every model/).textContent())
  for (const column of [3, 4, 5, 6, 7]) {
    const cells = await drawer.locator(`tbody tr > :nth-child(${column})`).allTextContents()
    const credits = cells.filter((text) => text !== '—')
    expect(credits.reduce((sum, text) => sum + cents(text), 0)).toBe(amount)
  }
  expect(faults).toEqual([])
  await page.context().close()
})

test('a receipt leads to the records that made its figure, and a deal of it back to the figures that stand on it', async () => {
  const { page, faults, open } = await visit()
  await open(campaign)
  await page
    .getByRole('link', { name: /open the receipt/ })
    .first()
    .click()
  await page.getByRole('dialog').getByRole('link', { name: 'Where it came from' }).click()
  const records = page.getByRole('table', { name: 'Records that made the figure' })
  await records.getByRole('row', { name: /^Cost/ }).waitFor()
  await records
    .getByRole('row', { name: /^Deal/ })
    .first()
    .getByRole('link', { name: /^opp_/ })
    .click()
  const figures = page.getByRole('table', { name: 'Figures that stand on the field' })
  await figures
    .getByRole('row', { name: /Campaign/ })
    .first()
    .waitFor()
  await figures.getByRole('link').first().click()
  await records.waitFor()
  expect(new URL(page.url()).searchParams.get('model')).not.toBeNull()
  expect(faults).toEqual([])
  await page.context().close()
})

test('each level of a receipt can be sent as a link', async () => {
  const { page, open } = await visit()
  await open(`${campaign}?receipt=total&model=first`)
  const drawer = page.getByRole('dialog')
  await drawer.getByText('First touch, 90 days before the close').waitFor()
  await drawer.locator('tbody a').first().click()
  await drawer.getByText('Under every model the touches sum to').waitFor()
  const link = page.url()
  await page.goto('/')
  await page.goto(link)
  await page.getByRole('dialog').getByText('Under every model the touches sum to').waitFor()
  await page.getByRole('link', { name: 'All deals of this receipt' }).click()
  await drawer.getByText('First touch, 90 days before the close').waitFor()
  await page.context().close()
})

test('the chart’s weeks stand in a table too, and each opens its own receipt', async () => {
  const { page, open } = await visit()
  await open(campaign)
  await page.getByText('Table', { exact: true }).click()
  const weeks = page.getByRole('table', { name: 'Credit by week of the close' })
  const week = weeks.getByRole('link', { name: /open the receipt/ }).first()
  const shown = cents(await week.locator('[title]').getAttribute('title'))
  await week.click()
  const drawer = page.getByRole('dialog')
  await drawer.getByText('The deals sum to the figure, to the cent.').waitFor()
  const credited = await drawer.locator('tbody td:last-child').allTextContents()
  expect(credited.reduce((sum, text) => sum + cents(text), 0)).toBe(shown)
  await page.context().close()
})

test('another model changes the figures, the address and the export together', async () => {
  const { page, open } = await visit()
  await open(campaign)
  const figure = page.getByRole('link', { name: /open the receipt/ }).first()
  const linear = await figure.textContent()
  await page.getByLabel('Model', { exact: true }).selectOption('first')
  await expect.poll(() => figure.textContent()).not.toBe(linear)
  await settled(page)
  expect(new URL(page.url()).searchParams.get('model')).toBe('first')
  await page.getByRole('button', { name: 'Export' }).click()
  const json = page.getByRole('menuitem', { name: /JSON/ })
  expect(await json.getAttribute('href')).toContain('model=first')
  await page.context().close()
})
