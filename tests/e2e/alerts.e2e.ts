import { expect, test } from 'vitest'
import { settled, useBrowser } from '#tests/e2e/browser.ts'

const { visit } = useBrowser()

test('an alert is taken on with a note, and what did not arrive shows on it', async () => {
  const { page, faults, open } = await visit()
  await open('/alerts')
  const login = page.locator('[data-alert]').filter({ hasText: 'HubSpot Iberia' })
  expect(await login.textContent()).toMatch(/Critical.*1 not delivered.*It answered 500/s)
  const errors = page.locator('[data-alert]').filter({ hasText: 'INVALID_EMAIL' })
  await errors.getByRole('button', { name: 'Acknowledge…' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Note').fill('The form is fixed tomorrow.')
  await dialog.getByRole('button', { name: 'Acknowledge', exact: true }).click()
  await errors.getByText('Somebody is at it').waitFor()
  expect(await errors.textContent()).toContain('The form is fixed tomorrow.')
  expect(await errors.getByRole('button', { name: 'Acknowledge…' }).count()).toBe(0)
  expect(faults).toEqual([])
  await page.context().close()
})

test('what is over stands behind its tab, and the tab in the address', async () => {
  const { page, faults, open } = await visit()
  await open('/alerts')
  expect(await page.locator('[data-alert]').count()).toBe(2)
  await page.getByRole('tab', { name: 'Over' }).click()
  await settled(page)
  await page.locator('[data-alert]').filter({ hasText: '31 hours' }).waitFor()
  expect(new URL(page.url()).search).toBe('?status=resolved')
  expect(await page.locator('[data-alert]').count()).toBe(1)
  expect(faults).toEqual([])
  await page.context().close()
})

test('who may not see alerts is told which scope it takes', async () => {
  const { page } = await visit({ as: 'viewer' })
  await page.goto('/alerts')
  await page.locator('main').getByText('alerts:read').waitFor()
  expect(await page.locator('[data-alert]').count()).toBe(0)
  await page.context().close()
})
