import { expect, test } from 'vitest'
import { settled, useBrowser } from '#tests/e2e/browser.ts'

const { stage, visit } = useBrowser()

test('a figure of a frozen week opens to its deals, and the agenda and the comments are kept', async () => {
  const { page, faults, open } = await visit()
  await open('/reports/weekly')
  await page.locator('[data-row-link]').first().click()
  await page.getByRole('heading', { name: /^Week of / }).waitFor()
  await settled(page)
  const credit = page.getByRole('table', { name: 'Credit of the week by channel' })
  await credit
    .getByRole('link', { name: /open the receipt/ })
    .first()
    .click()
  const drawer = page.getByRole('dialog')
  await drawer.getByText('The deals sum to the figure, to the cent.').waitFor()
  expect(new URL(page.url()).searchParams.get('receipt')).toMatch(/^channel\./)
  await page.keyboard.press('Escape')
  await drawer.waitFor({ state: 'detached' })
  await page.getByLabel('To be decided').fill('Meet the partners?')
  await page.getByRole('button', { name: 'Add to the agenda' }).click()
  const box = page.getByRole('checkbox', { name: 'Done: Meet the partners?' })
  await box.waitFor()
  await page.getByRole('button', { name: 'Assign: Meet the partners?' }).click()
  await drawer.getByLabel('Owner').click()
  await page.getByRole('option', { name: 'Grace Hopper' }).click()
  await drawer.getByRole('button', { name: 'Assign', exact: true }).click()
  const row = page.getByRole('row', { name: /Meet the partners/ })
  await row.getByText('Grace Hopper').waitFor()
  await box.click()
  await page.getByLabel('Show', { exact: true }).selectOption('done')
  await row.waitFor()
  expect(await box.isChecked()).toBe(true)
  await page.getByLabel('Your comment').fill('The webinar paid off.')
  await page.getByRole('button', { name: 'Comment', exact: true }).click()
  await page.getByRole('listitem').getByText('The webinar paid off.').waitFor()
  await page.reload()
  await row.waitFor()
  await page.getByRole('listitem').getByText('The webinar paid off.').waitFor()
  expect(faults).toEqual([])
  await page.context().close()
})

test('a changed plan is a new version, and what differs from the one before is shown', async () => {
  const { page, faults, open } = await visit()
  await open(`/reports/plans/${stage.quarter}?view=edit`)
  const target = page.getByRole('textbox', { name: /^Target/ }).first()
  await target.fill('250000')
  await page.getByRole('button', { name: 'Save as a new version' }).click()
  const diff = page.getByRole('table', {
    name: /^What differs between version \d+ and version \d+$/,
  })
  const row = diff.getByRole('row', { name: /Email Target/ })
  await row.waitFor()
  expect(await row.textContent()).toMatch(/200,000.*250,000.*\+.*50,000/)
  const { searchParams } = new URL(page.url())
  expect(Number(searchParams.get('to'))).toBe(Number(searchParams.get('from')) + 1)
  expect(faults).toEqual([])
  await page.context().close()
})

test('an experiment is planned, and its result is recorded with its interval', async () => {
  const { page, faults, open } = await visit()
  await open('/experiments')
  await page.getByRole('button', { name: 'Plan the test of Email' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Left out, of all people').fill('20')
  await dialog.getByLabel('Weeks').fill('6')
  await dialog.getByRole('button', { name: 'Plan it', exact: true }).click()
  // The dialog has a heading of this name too, and the list behind it names other plans alike.
  await page.getByRole('heading', { name: 'Test of Email', level: 1 }).waitFor()
  await page.getByText('20% left out for 6 weeks').waitFor()
  await page.getByRole('button', { name: 'Record the result…' }).click()
  const counted = [
    ['People left out', '1000'],
    ['Conversions of those left out', '40'],
    ['People of the others', '2000'],
    ['Conversions of the others', '160'],
  ] as const
  for (const [label, count] of counted) await dialog.getByLabel(label).fill(count)
  await dialog.getByText('50% is missing without it.').waitFor()
  await dialog.getByRole('button', { name: 'Record it', exact: true }).click()
  await page.getByText('It brings something').waitFor()
  await page.getByText('35.5% to 64.5%, 90 % interval').waitFor()
  await page.getByText('Waits for the next fit').waitFor()
  expect(faults).toEqual([])
  await page.context().close()
})

test('a figure of the comparison of two quarters opens to as many deals as it counts', async () => {
  const { page, faults, open } = await visit()
  await open('/pipeline?view=improvement')
  const figure = page
    .getByRole('row', { name: /Sales cycle/ })
    .getByRole('link')
    .first()
  const [, counted] = /(\d+) deals/.exec((await figure.textContent()) ?? '') ?? []
  await figure.click()
  const deals = page.getByRole('table', { name: 'Deals of the figure' })
  await deals.waitFor()
  expect(String(await deals.locator('tbody tr').count())).toBe(counted)
  expect(new URL(page.url()).searchParams.get('of')).toBe('cycle')
  expect(faults).toEqual([])
  await page.context().close()
})
