import { expect, test } from 'vitest'
import { settled, useBrowser } from '#tests/e2e/browser.ts'

const { visit } = useBrowser()

test('an amount under any model opens its deals, and a deal its touches', async () => {
  const { page, faults, open } = await visit()
  await open('/attribution')
  await page.getByText('Recommended').first().waitFor()
  const table = page.getByRole('table', { name: 'Credit by channel under every model' })
  await table
    .getByRole('link', { name: /open the receipt/ })
    .nth(1)
    .click()
  const drawer = page.getByRole('dialog')
  await drawer.getByText('The deals sum to the figure, to the cent.').waitFor()
  await drawer.locator('[data-row-link]').first().click()
  await drawer.getByText(/Under every model the touches sum to EUR/).waitFor()
  const { searchParams } = new URL(page.url())
  expect(searchParams.get('receipt')).toMatch(/^row\./)
  expect(searchParams.get('deal')).toMatch(/^opp_/)
  await page.keyboard.press('Escape')
  await drawer.waitFor({ state: 'detached' })
  expect(faults).toEqual([])
  await page.context().close()
})

test('a change of the rule is previewed, and the address says which', async () => {
  const { page, faults, open } = await visit()
  await open('/attribution?view=preview')
  await page.getByLabel('To', { exact: true }).selectOption('method.w_shaped')
  await settled(page)
  await page.getByRole('table', { name: 'What moves, by channel' }).waitFor()
  expect(new URL(page.url()).searchParams.get('after')).toBe('method.w_shaped')
  await page.getByRole('button', { name: 'Publish W shaped…' }).click()
  await page.getByRole('dialog').getByText('No other model’s figures move').waitFor()
  expect(faults).toEqual([])
  await page.context().close()
})
