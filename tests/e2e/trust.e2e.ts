import { AxeBuilder } from '@axe-core/playwright'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { shoot, useBrowser, wear } from '#tests/e2e/browser.ts'

const { stage, visit, arrive } = useBrowser()

test('a request for access is approved by another person, and its file can be read', async () => {
  const { page, faults, open } = await arrive()
  await open('/privacy?kind=access')
  await page.getByRole('link', { name: /^Access prq_/ }).click()
  await page.getByRole('button', { name: 'Approve…' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Approve', exact: true }).click()
  const file = page.getByRole('link', { name: 'Download the file' })
  await file.waitFor()
  const answer = await page.request.get((await file.getAttribute('href')) ?? '')
  expect(answer.status()).toBe(200)
  expect(faults).toEqual([])
  await page.context().close()
})

test('who takes an erasure cannot approve it', async () => {
  const { page, faults, open } = await visit()
  const { data } = (await (await page.request.get('/api/v1/people?limit=1')).json()) as {
    data: { id: string }[]
  }
  await open('/privacy')
  await page.getByRole('button', { name: 'Take a request…' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('radio', { name: 'Erasure' }).check()
  await dialog.getByLabel('Person').fill(data[0]?.id ?? '')
  await dialog.getByLabel('Note').fill('By letter; identity proved by passport.')
  await dialog.getByRole('button', { name: 'Take the request' }).click()
  await page.getByText('The request is taken').waitFor()
  await open('/privacy?kind=erasure')
  await page
    .getByRole('link', { name: /^Erasure/ })
    .first()
    .click()
  await page.getByText('it has to be approved by another person').waitFor()
  expect(await page.getByRole('button', { name: 'Approve…' }).isDisabled()).toBe(true)
  expect(faults).toEqual([])
  await page.context().close()
})

test('a correction is taken with its fields, approved, and shows before and after', async () => {
  const { page, faults, open } = await arrive()
  const { data } = (await (await page.request.get('/api/v1/people?limit=1')).json()) as {
    data: { id: string }[]
  }
  await takeCorrection(data[0]?.id ?? '')
  await open('/privacy?kind=rectification')
  await page
    .getByRole('link', { name: /^Correction/ })
    .first()
    .click()
  const fields = page.getByRole('table', { name: 'Fields that are put right' })
  await fields.getByText('Seen once it is approved').first().waitFor()
  await page.getByRole('button', { name: 'Approve…' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Put it right' }).click()
  await fields.getByText('Seen once it is approved').first().waitFor({ state: 'detached' })
  expect(await fields.textContent()).toContain('Quagga')
  await look(page, 'privacy-correction')
  expect(faults).toEqual([])
  await page.context().close()
})

/** A picture in either theme and narrow; what stands there meets WCAG 2.2 AA. */
async function look(page: Page, name: string) {
  for (const colorScheme of ['light', 'dark'] as const) {
    await wear(page, colorScheme)
    await shoot(page, `${name}-${colorScheme}`)
    const { violations } = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa']).analyze()
    expect(
      violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join()}`),
    ).toEqual([])
  }
  const size = page.viewportSize()
  await page.setViewportSize({ width: 390, height: 800 })
  await shoot(page, `${name}-narrow`)
  if (size) await page.setViewportSize(size)
}

/** Somebody else takes it than who approves. */
async function takeCorrection(personId: string) {
  const { page, faults, open } = await arrive(['admin', 'marketing-approver'])
  await open('/privacy')
  await page.getByRole('button', { name: 'Take a request…' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('radio', { name: 'Correction' }).check()
  await dialog.getByLabel('Person').fill(personId)
  await dialog.getByLabel('Note').fill('By letter; identity proved by passport.')
  expect(await dialog.getByRole('button', { name: 'Take the request' }).isDisabled()).toBe(true)
  await dialog.getByLabel('Last name').and(dialog.getByRole('textbox')).fill('Quagga')
  await dialog.getByRole('checkbox', { name: 'Phone' }).check()
  await look(page, 'privacy-take-correction')
  await dialog.getByRole('button', { name: 'Take the request' }).click()
  await page.getByText('The request is taken').waitFor()
  expect(faults).toEqual([])
  await page.context().close()
}

test('an erased address is kept out until somebody lets it in again, by giving it', async () => {
  const { page, faults, open } = await arrive()
  await open('/privacy?view=suppressions')
  const table = page.getByRole('table', { name: /^Suppressed addresses/ })
  await table.getByText('Kept out').waitFor()
  await page.getByRole('button', { name: 'Lift one…' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Address').fill('gone@erased.example')
  await dialog.getByLabel('Reason').fill('Became a customer and agreed anew.')
  await dialog.getByRole('button', { name: 'Let it in again' }).click()
  await page.getByText('may bring the address again').waitFor()
  await table.getByText('Became a customer').waitFor()
  expect(faults).toEqual([])
  await page.context().close()
})

test('a retention rule is previewed before it is made', async () => {
  const { page, faults, open } = await visit()
  await open('/privacy?view=retention&rule=touchpoints&days=90')
  const drawer = page.getByRole('dialog')
  expect(await drawer.textContent()).toMatch(/[1-9][\d,]* would go/)
  expect(await drawer.getByRole('table', { name: 'What would go, by month' }).count()).toBe(1)
  expect(faults).toEqual([])
  await page.context().close()
})

test('a sign of an attack is looked at, and what was held back is undone', async () => {
  const { page, faults, open } = await arrive()
  await open('/operations?view=threats')
  await page.getByRole('link', { name: 'Quarantined' }).click()
  const drawer = page.getByRole('dialog', { name: 'Sign of an attack' })
  await drawer.getByText('48,200').waitFor()
  await drawer.getByRole('button', { name: 'Undo what is held back…' }).click()
  await page.getByRole('button', { name: 'Undo', exact: true }).click()
  await page.getByText('Undone.').waitFor()
  await drawer.getByText('Was none').waitFor()
  expect(faults).toEqual([])
  await page.context().close()
})

test('a quota warns from 80 % on, and is changed', async () => {
  const { page, faults, open } = await visit()
  await open('/operations?view=quotas')
  await page.getByText(/Above 80 %/).waitFor()
  await page.getByRole('button', { name: 'Change the quota of workspace' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Requests a day').fill('100000')
  await dialog.getByRole('button', { name: 'Set the quota' }).click()
  await page.getByText('The quota holds').waitFor()
  await page.getByText(/of 100,000/).waitFor()
  expect(faults).toEqual([])
  await page.context().close()
})

test('a candidate is put into use by a person, after its back-test', async () => {
  const { page, faults, open } = await visit()
  await open(`/scores/${stage.candidateId}`)
  await page.getByText('Leak, left out').waitFor()
  await page.getByRole('button', { name: 'Put into use…' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Put into use' }).click()
  await page.getByText('The model is in use').waitFor()
  await page.locator('main').getByText('In use', { exact: true }).waitFor()
  expect(faults).toEqual([])
  await page.context().close()
})

test('a lead shows its reasons and the smallest change that flips it', async () => {
  const { page, faults, open } = await visit()
  await open(`/scores/leads/${stage.refusedLeadId}`)
  const main = page.locator('main')
  expect(await main.textContent()).toMatch(/It would be qualified with \d+ points/)
  await main.getByRole('table', { name: 'Reasons: Lead is won' }).waitFor()
  expect(faults).toEqual([])
  await page.context().close()
})

test.each(['/conflicts', '/privacy', '/operations?view=threats', '/lineage'])(
  'who may not see %s is told which scope it takes',
  async (path) => {
    const { page } = await visit({ as: 'viewer' })
    await page.goto(path)
    await page
      .locator('main')
      .getByText(/locked for you/)
      .first()
      .waitFor()
    expect(await page.locator('main table').count()).toBe(0)
    await page.context().close()
  },
)
