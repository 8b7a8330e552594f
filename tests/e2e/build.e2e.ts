import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { linkAudit } from '#access/audit-chain.ts'
import { createSignInLink, createUser } from '#access/bootstrap.ts'
import { auditFiles } from '#app.ts'
import { settled, shoot, useBrowser, type Visit, wear } from '#tests/e2e/browser.ts'
import { useHub, type TestWorkspace } from '#tests/hub.ts'
import { startReceiver } from '#tests/receiver.ts'

const { visit } = useBrowser()
const receiver = await startReceiver()
/** A hub of its own: what it is told, it does, while nothing moves on the one whose pages are looked at. */
const hub = useHub({ config: { egressAllow: [receiver.host] } })
let workspace: TestWorkspace
let folder: string

beforeAll(async () => {
  workspace = await hub.freshWorkspace()
  folder = await mkdtemp(join(tmpdir(), 'throughline-build-'))
})

afterAll(async () => {
  await receiver.close()
  await rm(folder, { recursive: true, force: true })
})

/** Somebody who came in just now, so that grave acts are open to them. */
async function come(path: string, roles = ['admin']): Promise<Visit> {
  const { store, clock } = hub.app
  const userId = await createUser(store, workspace.id, { name: 'Grace', roles }, clock.now())
  const link = await createSignInLink(store, workspace.id, userId, hub.url, clock.now())
  const one = await visit({ as: null })
  await one.page.goto(link)
  await one.page.getByRole('heading', { name: 'Home' }).waitFor()
  const open = (to: string) => one.open(hub.url + to)
  await open(path)
  return { ...one, open }
}

/** Lets everything happen that is due. */
async function pass(): Promise<void> {
  await hub.app.jobs.tick()
  await hub.settle()
}

/** The same until so many posts came: an event waits for every older transaction of the server. */
async function passUntil(posts: number): Promise<void> {
  const come = async () => {
    await pass()
    return receiver.posts.length
  }
  await expect.poll(come).toBe(posts)
}

async function shootBoth({ page }: Visit, name: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await wear(page, colorScheme)
    await shoot(page, `${name}-${colorScheme}`)
  }
}

test('an endpoint is made, its secret shown once, a test delivered, and a message that failed sent again', async () => {
  const one = await come('/webhooks')
  const { page, faults } = one
  await page.getByRole('button', { name: 'Make an endpoint…' }).click()
  const dialog = page.getByRole('dialog', { name: 'Make an endpoint' })
  await dialog.getByLabel('Address').fill(receiver.url('/hook'))
  await dialog.getByLabel('All of campaign', { exact: true }).check()
  await dialog.getByLabel(/^lead\.created/).check()
  await shootBoth(one, 'endpoint-new')
  await dialog.getByRole('button', { name: 'Make the endpoint' }).click()
  const shown = page.getByRole('dialog', { name: 'The secret for checking signatures' })
  const secret = (await shown.locator('code').textContent()) ?? ''
  expect(secret).toMatch(/^whsec_/)
  await shown.getByRole('button', { name: 'I have it' }).click()
  await page.waitForURL(/\/webhooks\/whe_/)
  await page.getByText('It was told nothing yet').waitFor()
  expect(await page.content()).not.toContain(secret)

  await page.getByRole('button', { name: 'Send a test' }).click()
  await page.getByText('A test goes out within seconds.').waitFor()
  await passUntil(1)
  const table = page.getByRole('table', { name: 'Deliveries, the newest first' })
  await table.getByRole('row', { name: /webhook\.test.*Delivered.*HTTP 204/ }).waitFor()
  expect(receiver.posts.map(({ path }) => path)).toEqual(['/hook'])

  receiver.answer = (_post, response) => response.writeHead(410).end()
  await workspace.post('/api/v1/campaigns', { key: 'spring', name: 'Spring', channel: 'email' })
  await passUntil(2)
  const failed = table.getByRole('row', { name: /campaign\.created/ })
  await failed.getByText('HTTP 410').waitFor()
  await page.getByText(/^Off: /).waitFor()
  await page.getByRole('button', { name: 'Switch on' }).click()
  await page.getByText('It is told again').waitFor()
  receiver.answer = (_post, response) => response.writeHead(204).end()
  await failed.getByRole('link').click()
  const drawer = page.getByRole('dialog', { name: 'Delivery' })
  await drawer.getByText('"campaign.created"').waitFor()
  await shootBoth(one, 'delivery-failed')
  // What waited while it was off goes out by itself.
  await passUntil(3)
  await page.reload()
  await drawer.getByText('HTTP 204').waitFor()
  await drawer.getByRole('button', { name: 'Send it again' }).click()
  await page.getByText('It goes out again').waitFor()
  await passUntil(4)
  await drawer.getByRole('button', { name: 'Close the delivery' }).click()

  await page.getByRole('button', { name: 'Another secret…' }).click()
  await page.getByRole('button', { name: 'Make another secret' }).click()
  const other = page.getByRole('dialog', { name: 'The new secret for checking signatures' })
  expect(await other.locator('code').textContent()).not.toBe(secret)
  await other.getByRole('button', { name: 'I have it' }).click()
  await page.getByRole('button', { name: 'Delete…' }).click()
  await page.getByRole('button', { name: 'Delete the endpoint' }).click()
  await page.getByText('No other system is told yet').waitFor()
  expect(faults).toEqual([])
  await page.context().close()
})

test('the chain is verified, and a changed entry is found where it stands', async () => {
  const made = await workspace.post('/api/v1/campaigns', {
    key: 'autumn',
    name: 'Autumn',
    channel: 'email',
  })
  await workspace.patch(`/api/v1/campaigns/${made.body.id}`, { name: 'Late autumn' })
  const files = auditFiles(hub.app.config)
  const unlinked = async () => {
    await linkAudit(hub.app.store, files, hub.app.clock.now())
    return (await workspace.get('/api/v1/audit/verification')).body.unlinked as number
  }
  const one = await come('/audit?action=changeCampaign')
  const { page, faults, open } = one
  await page.getByRole('link', { name: 'changeCampaign' }).click()
  const entry = page.getByRole('dialog', { name: 'Audit entry' })
  await entry.getByRole('row', { name: /Name.*Autumn.*Late autumn/ }).waitFor()
  expect(await entry.textContent()).toMatch(/Requestreq_/)
  await entry.getByRole('link', { name: 'All that was done to it' }).click()
  await page.getByRole('link', { name: 'createCampaign' }).waitFor()
  expect(new URL(page.url()).search).toBe(`?subject=${made.body.id}`)

  await hub.app.accessLog.flush()
  await expect.poll(unlinked).toBe(0)
  await open('/audit?view=proof')
  await page.getByRole('button', { name: 'Verify' }).click()
  await page.getByText('Whole', { exact: true }).waitFor()
  const { data } = (await workspace.get('/api/v1/audit?action=changeCampaign')).body
  await hub.app.store.system((tx) =>
    tx.execute(sql`update audit_log set action = 'changeNothing' where id = ${data[0].id}`),
  )
  await page.getByRole('button', { name: 'Verify' }).click()
  await page.getByText(/^Broken at position \d+$/).waitFor()
  await shootBoth(one, 'audit-broken')
  await page.getByRole('button', { name: 'Open the entry' }).click()
  await entry.getByText('changeNothing').waitFor()
  expect(faults).toEqual([])
  await page.context().close()
})

test('a role is made and given to a key, a denial at a team stands above it, and why says so', async () => {
  const one = await come('/access')
  const { page, faults, open } = one
  await page.getByRole('button', { name: 'Make a role…' }).click()
  const dialog = page.getByRole('dialog', { name: 'Make a role' })
  await dialog.getByLabel('Label').fill('Lead reader')
  await dialog.getByLabel('Name').fill('lead-reader')
  await choose(one, 'Scopes', 'leads:read')
  await dialog.getByRole('button', { name: 'Make the role' }).click()
  const roles = page.getByRole('table', { name: 'Roles of your own' })
  await roles.getByRole('row', { name: /Lead reader.*leads:read/ }).waitFor()

  await open('/access?view=keys')
  await page.getByRole('button', { name: 'Make a key…' }).click()
  await page.getByLabel('What the key is for').fill('Reader')
  await choose(one, 'Roles', 'Lead reader')
  await page.getByRole('button', { name: 'Make the key', exact: true }).click()
  const shown = page.getByRole('dialog', { name: 'Your new key' })
  const key = (await shown.locator('code').textContent()) ?? ''
  await shown.getByRole('button', { name: 'I have it' }).click()
  expect(await statusOf('/api/v1/leads', key)).toBe(200)
  expect(await statusOf('/api/v1/webhooks', key)).toBe(403)

  await open('/access?view=teams')
  await page.getByRole('button', { name: 'Make a team…' }).click()
  await page.getByLabel('Name').fill('emea')
  await page.getByRole('button', { name: 'Make the team' }).click()
  await page.getByRole('row', { name: /emea.*Nobody/ }).waitFor()
  await open('/access?view=grants')
  await page.getByRole('button', { name: 'Give or deny…' }).click()
  const grant = page.getByRole('dialog', { name: 'Give or deny at a place' })
  await inputOf(grant, 'For').fill('Reader')
  await page.getByRole('option', { name: /^Reader \(key_/ }).click()
  await grant.getByText('Deny', { exact: true }).click()
  await inputOf(grant, 'Scope').fill('leads:*')
  await pick(one, 'Where', 'Team')
  await pick(one, 'Team', 'emea')
  await shootBoth(one, 'grant-new')
  await grant.getByRole('button', { name: 'Deny it' }).click()
  await page.getByRole('row', { name: /Team emea.*Denies.*leads:\*.*Reader/ }).waitFor()

  await open('/access?view=why')
  await inputOf(page, 'Who').fill('Reader')
  await page.getByRole('option', { name: /^Reader \(key_/ }).click()
  await inputOf(page, 'Scope').fill('leads:read')
  await page.getByRole('button', { name: 'Ask' }).click()
  await page.getByRole('heading', { name: 'Reader may', exact: true }).waitFor()
  expect(await page.locator('main').textContent()).toContain(
    'Roles that give this scopelead-reader',
  )
  await page.getByLabel('Record').fill('lead_0')
  await pick(one, 'Team', 'emea')
  await page.getByRole('button', { name: 'Ask' }).click()
  await page.getByRole('heading', { name: 'Reader may not' }).waitFor()
  await page.getByText('team:emea decided').waitFor()
  expect(new URL(page.url()).searchParams.get('team')).toBe('emea')

  await open('/access?view=keys')
  await page.getByRole('button', { name: 'Revoke the key Reader' }).click()
  await page.getByRole('button', { name: 'Revoke the key', exact: true }).click()
  await expect.poll(() => statusOf('/api/v1/leads', key)).toBe(401)
  expect(faults).toEqual([])
  await page.context().close()
})

test('a client is registered and its secret replaced; a rule on circumstances is made and removed', async () => {
  const one = await come('/access?view=clients')
  const { page, faults, open } = one
  await page.getByRole('button', { name: 'Register a client…' }).click()
  await page.getByLabel('Name').fill('Warehouse')
  await choose(one, 'Scopes', 'leads:read')
  await page.getByRole('button', { name: 'Register the client' }).click()
  await page.getByRole('button', { name: 'I have it' }).click()
  await page.getByRole('button', { name: 'Give Warehouse a new secret' }).click()
  await page.getByRole('button', { name: 'Make a new secret' }).click()
  await page.getByRole('dialog', { name: 'The new secret of Warehouse' }).waitFor()
  await page.getByRole('button', { name: 'I have it' }).click()
  await page.getByRole('button', { name: 'Revoke Warehouse' }).click()
  await page.getByRole('button', { name: 'Revoke the client' }).click()
  await page.getByRole('row', { name: /Warehouse.*Revoked/ }).waitFor()

  await open('/access?view=rules')
  await page.getByRole('button', { name: 'Make a rule…' }).click()
  const dialog = page.getByRole('dialog', { name: 'Tie scopes to circumstances' })
  await dialog.getByLabel('Name').fill('Holds by day')
  await inputOf(dialog, 'Scopes').fill('holds:write')
  await page.keyboard.press('Enter')
  await dialog.getByLabel('Only at certain times').check()
  await inputOf(dialog, 'Only on these devices').click()
  await page.getByRole('option', { name: 'Confirmed by a second factor', exact: true }).click()
  await shootBoth(one, 'access-rule')
  await dialog.getByRole('button', { name: 'Make the rule' }).click()
  const row = page.getByRole('row', { name: /Holds by day.*Refused.*Mon.*08:00–18:00/ })
  await row.getByText('on a confirmed device').waitFor()
  await page.getByRole('button', { name: 'Remove Holds by day' }).click()
  await page.getByRole('button', { name: 'Remove the rule' }).click()
  await page.getByText('No circumstance is asked for').waitFor()
  expect(faults).toEqual([])
  await page.context().close()
})

test('a file is uploaded, its mapping changed, checked, imported, and its rejected rows come back', async () => {
  const file = join(folder, 'fair.csv')
  const rows = [
    'Lead ID,E-Mail,Created,Shoe size',
    'a1,ada@fair.example,2026-03-01,38',
    'a2,not an address,2026-03-02,44',
    'a3,cleo@fair.example,2026-03-03,41',
    'a4,dan@fair.example,2026-03-05,43',
  ]
  await writeFile(file, rows.join('\n'))
  const one = await come('/imports')
  const { page, faults } = one
  await page.getByText(/at most 64 MB/).waitFor()
  await page.locator('input[type=file]').setInputFiles(file)
  await page.getByRole('button', { name: 'Upload' }).click()
  await page.waitForURL(/\/imports\/imp_/)
  await page.getByRole('heading', { name: 'fair.csv' }).waitFor()
  await page.reload()
  const where = page.getByLabel('Where Shoe size goes')
  await where.selectOption({ label: 'Leave out' })
  await page.getByText('Shoe size goes there.').waitFor()
  await page.reload()
  expect(await where.locator('option:checked').textContent()).toBe('Leave out')
  await page.getByRole('button', { name: 'Check' }).click()
  const check = page.getByRole('dialog', { name: 'What the import would do' })
  await check.getByRole('table', { name: 'Rejected rows by cause' }).waitFor()
  expect(await check.textContent()).toMatch(/Rows read4Would be taken3/)
  await shootBoth(one, 'import-check')
  await check.getByRole('button', { name: 'Close' }).last().click()
  await page.getByRole('button', { name: 'Start' }).click()
  await page.getByText('Queued').first().waitFor()
  await pass()
  await page.getByText('Done', { exact: true }).waitFor()
  const rejects = page.getByRole('table', { name: 'Rejected rows' })
  await rejects.getByRole('row', { name: /not an address/ }).waitFor()
  await settled(page)
  await shootBoth(one, 'import-done')
  const link = page.getByRole('link', { name: 'Download as a file' })
  const download = await page.request.get(hub.url + ((await link.getAttribute('href')) ?? ''))
  expect(await download.text()).toContain('a2,not an address,2026-03-02,44')
  expect((await workspace.get('/api/v1/people')).body.data).toHaveLength(3)
  expect(faults).toEqual([])
  await page.context().close()
})

test.each(['/webhooks', '/audit', '/access', '/imports'])(
  'who may not see %s is told which scope it takes',
  async (path) => {
    const { page } = await come('/', ['viewer'])
    await page.goto(hub.url + path)
    await page
      .locator('main')
      .getByText(/locked for you/)
      .first()
      .waitFor()
    expect(await page.locator('main table').count()).toBe(0)
    await page.context().close()
  },
)

/** Chooses one of many in a field that is searched. */
async function choose({ page }: Visit, label: string, option: string): Promise<void> {
  const dialog = page.getByRole('dialog')
  await inputOf(dialog, label).fill(option)
  await page.getByRole('option', { name: option, exact: true }).click()
  // Leaves the field, which closes its list.
  await dialog.getByRole('heading').first().click()
}

/** A field with a list, whichever of both roles it has. */
function inputOf(root: Page | Locator, name: string): Locator {
  const asked = { name, exact: true }
  return root.getByRole('combobox', asked).or(root.getByRole('textbox', asked))
}

async function pick({ page }: Visit, label: string, option: string): Promise<void> {
  await inputOf(page, label).click()
  await page.getByRole('option', { name: option, exact: true }).click()
}

async function statusOf(path: string, key: string): Promise<number> {
  return (await fetch(hub.url + path, { headers: { authorization: `Bearer ${key}` } })).status
}
