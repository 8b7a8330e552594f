import { Secret, TOTP } from 'otpauth'
import { beforeAll, expect, test } from 'vitest'
import { createSignInLink, createUser } from '#access/bootstrap.ts'
import { MINUTE_MS } from '#core/time.ts'
import { shoot, useBrowser, type Visit, wear } from '#tests/e2e/browser.ts'
import { ManualClock, useHub, type TestWorkspace } from '#tests/hub.ts'

const { visit } = useBrowser()
const clock = new ManualClock(new Date())
/** A hub of its own, whose clock waits: a code of an authenticator app counts once in its half minute. */
const hub = useHub({ clock })
let workspace: TestWorkspace

beforeAll(async () => {
  workspace = await hub.freshWorkspace()
})

async function newPerson(): Promise<string> {
  const person = { name: 'Grace', roles: ['admin'] }
  return createUser(hub.app.store, workspace.id, person, clock.now())
}

async function come(userId: string): Promise<Visit> {
  const { store } = hub.app
  const link = await createSignInLink(store, workspace.id, userId, hub.url, clock.now())
  const one = await visit({ as: null })
  await one.page.goto(link)
  await one.page.getByRole('heading', { name: 'Home' }).waitFor()
  return { ...one, open: (path) => one.open(hub.url + path) }
}

async function shootBoth({ page }: Visit, name: string): Promise<void> {
  for (const scheme of ['light', 'dark'] as const) {
    await wear(page, scheme)
    await shoot(page, `${name}-${scheme}`)
  }
}

/** Sets an authenticator app up in this browser. @returns its code of now. */
async function withApp({ page }: Visit): Promise<() => string> {
  const post = async (path: string, data: object) => {
    const answer = await page.request.post(hub.url + path, { data, headers: { origin: hub.url } })
    expect(answer.ok()).toBe(true)
    return (await answer.json()) as { secret: string }
  }
  const { secret } = await post('/api/v1/account/totp', {})
  const codeNow = () =>
    new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: clock.now().getTime() })
  await post('/api/v1/account/totp/confirm', { code: codeNow() })
  clock.advance(MINUTE_MS)
  return codeNow
}

const REFUSED = /status of 401/

test('a rule on devices asks for a second factor on the spot, which opens the page and confirms the device', async () => {
  const one = await come(await newPerson())
  const { page, faults, open } = one
  const codeNow = await withApp(one)
  const made = await workspace.post('/api/v1/access/rules', {
    name: 'Webhooks on own devices',
    effect: 'step_up',
    scopes: ['webhooks:read'],
    devices: 'confirmed',
  })
  expect(made.status).toBe(201)
  await expect
    .poll(async () => (await page.request.get(`${hub.url}/api/v1/webhooks`)).status())
    .toBe(401)
  await page.goto(`${hub.url}/webhooks`)
  await page.getByText('on a device that is not confirmed').first().waitFor()
  await page.getByRole('button', { name: 'Confirm that it is you…' }).first().click()
  const dialog = page.getByRole('dialog', { name: 'Confirm that it is you' })
  await dialog.getByLabel('Code from your authenticator app').waitFor()
  await shootBoth(one, 'device-confirm')
  await dialog.getByLabel('Code from your authenticator app').fill(codeNow())
  await dialog.getByRole('button', { name: 'Confirm' }).click()
  await page.getByText('No other system is told yet').waitFor()
  await open('/account')
  const table = page.getByRole('table', { name: 'Browsers that you signed in from' })
  await table.getByRole('row', { name: /Chrome on Linux.*this one.*confirmed/ }).waitFor()
  expect(faults.filter((fault) => !REFUSED.test(fault))).toEqual([])
  await workspace.delete(`/api/v1/access/rules/${made.body.id}`)
  await page.context().close()
})

test('devices stand under one’s sign-in; another one is forgotten, and whoever sits there is signed out', async () => {
  const userId = await newPerson()
  const there = await come(userId)
  const here = await come(userId)
  const { page, faults, open } = here
  await open('/account')
  const table = page.getByRole('table', { name: 'Browsers that you signed in from' })
  await table.getByRole('row', { name: /this one.*new/ }).waitFor()
  await shootBoth(here, 'account-devices')
  await table.getByRole('button', { name: 'Confirm…' }).click()
  await page.getByText('You have no second factor yet').waitFor()
  await shootBoth(here, 'account-no-second-factor')
  await page.getByRole('button', { name: 'Close' }).click()
  await table.getByRole('button', { name: 'Forget Chrome on Linux' }).click()
  await page.getByText('The device is forgotten').waitFor()
  await expect.poll(() => table.getByRole('row').count()).toBe(2)
  await there.page.goto(`${hub.url}/campaigns`)
  await there.page.getByRole('heading', { name: 'You are signed out' }).waitFor()
  expect(faults).toEqual([])
  await there.page.context().close()
  await page.context().close()
})
