import { expect, test } from 'vitest'
import { type Scheme, shoot, useBrowser, wear } from '#tests/e2e/browser.ts'

const { stage, visit, arrive, signInLink } = useBrowser()

test('a sign-in link opens the console once, and its token leaves the address', async () => {
  const link = await signInLink()
  const { page, faults } = await visit({ as: null })
  await page.goto(link)
  await page.getByRole('heading', { name: 'Home' }).waitFor()
  expect(page.url()).not.toContain('#')
  expect(faults).toEqual([])
  const { page: other } = await visit({ as: null })
  await other.goto(link)
  await other.getByText('This link does not sign you in').waitFor()
  await other.getByText('npm run throughline -- keys sign-in').waitFor()
  await page.context().close()
  await other.context().close()
})

test('a link that is pasted over the sign-in page signs in too', async () => {
  const link = await signInLink()
  const { page, faults } = await visit({ as: null })
  await page.goto('/sign-in')
  await page.getByText('This address holds no sign-in link.').waitFor()
  await page.goto(link)
  await page.getByRole('heading', { name: 'Home' }).waitFor()
  expect(page.url()).not.toContain('#')
  expect(faults).toEqual([])
  await page.context().close()
})

test('who is not signed in learns how to get a link, wherever they wanted to go', async () => {
  const { page } = await visit({ as: null })
  await page.goto('/campaigns?model=first')
  await page.getByRole('heading', { name: 'You are signed out' }).waitFor()
  await page.getByText('npm run throughline -- keys sign-in').waitFor()
  await page.context().close()
})

test('signing out ends the session on the hub', async () => {
  const link = await signInLink()
  const { page } = await visit({ as: null })
  await page.goto(link)
  await page.getByRole('button', { name: /^Workspace/ }).click()
  await page.getByRole('menuitem', { name: 'Sign out' }).click()
  await page.getByRole('heading', { name: 'You are signed out' }).waitFor()
  await page.goto('/')
  await page.getByRole('heading', { name: 'You are signed out' }).waitFor()
  await page.context().close()
})

test('a session that ends while a page is open leads to the sign-in page', async () => {
  const { page, open } = await visit()
  await open('/campaigns')
  await page.context().clearCookies()
  await page.getByLabel('Model', { exact: true }).selectOption('last')
  await page.getByRole('heading', { name: 'You are signed out' }).waitFor()
  await page.context().close()
})

test('a viewer is told what is locked and by which scope', async () => {
  const { page, faults, open } = await visit({ as: 'viewer' })
  await open('/')
  await page.getByText(/Not shown, as your roles lack the scope.*sync:read/).waitFor()
  await page.getByRole('link', { name: /Sync health.*locked/ }).click()
  await page.getByText('Sync health is locked for you').waitFor()
  expect(faults).toEqual([])
  await page.context().close()
})

test('an unknown campaign says so with the request id', async () => {
  const { page } = await visit()
  await page.goto('/campaigns/cmp_01a20992c2c9703f8e24bc16f18d8654')
  const alert = page.getByRole('alert')
  await alert.getByText('There is no campaign with this id.').waitFor()
  expect(await alert.textContent()).toMatch(/Request id\s*req_/)
  await page.context().close()
})

test.each(['light', 'dark'] as Scheme[])(
  'a key of one’s own is made, shown once, works, and ends when it is revoked (%s)',
  async (scheme) => {
    const { page, faults, open } = await arrive()
    await wear(page, scheme)
    const name = `Spreadsheet, ${scheme}`
    await open('/account')
    await page.getByLabel('What the key is for').fill(name)
    await page.getByRole('button', { name: 'Make a key' }).click()
    const shown = page.getByRole('region', { name: 'Your new key' })
    await shown.waitFor()
    const key = (await shown.locator('code').textContent()) ?? ''
    await shoot(page, `own-key-${scheme}`)
    const call = async (path: string, method = 'GET') =>
      (await fetch(stage.url + path, { method, headers: { authorization: `Bearer ${key}` } }))
        .status
    expect(await call('/api/v1/workspace')).toBe(200)
    expect(await call('/api/v1/campaigns', 'POST')).toBe(403)
    await shown.getByRole('button', { name: 'I have it' }).click()
    await shown.waitFor({ state: 'detached' })
    expect(await page.content()).not.toContain(key)
    await page.getByRole('button', { name: `Revoke the key ${name}` }).click()
    await page.getByRole('row', { name }).getByText('revoked').waitFor()
    await expect.poll(() => call('/api/v1/workspace')).toBe(401)
    expect(faults).toEqual([])
    await page.context().close()
  },
)
