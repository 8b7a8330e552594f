import { sql } from 'kysely'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createSignInLink, createUser } from '#access/bootstrap.ts'
import { newId } from '#core/id.ts'
import { HOUR_MS, ManualClock, MINUTE_MS } from '#core/time.ts'
import { startHubspot, type HubspotSandbox } from '#sandbox/hubspot/index.ts'
import { settled, shoot, useBrowser, wear } from '#tests/e2e/browser.ts'
import { useHub, type TestWorkspace } from '#tests/hub.ts'

const { stage, visit, arrive } = useBrowser()
// By the real time, and ahead of it with each run: what the browser shows is as old as it is.
const clock = new ManualClock(new Date())
const hub = useHub({ clock })
let sandbox: HubspotSandbox
let workspace: TestWorkspace
const PEOPLE = 12

beforeAll(async () => {
  sandbox = await startHubspot({
    now: () => clock.now().getTime(),
    limits: { tenSecondly: null, daily: null, searchSecondly: null },
  })
  workspace = await hub.freshWorkspace()
  const leads = Array.from({ length: PEOPLE }, (_, n) => ({
    email: `person${n}@acme.example`,
    company: 'Acme Corp',
  }))
  await workspace.post('/api/v1/integrations/sales/leads', { leads })
  await hub.settle()
})
afterAll(() => sandbox.stop())

/** Somebody of the workspace, on a page of this hub. */
async function visitHub() {
  const fresh = await visit({ as: null })
  const { store, url } = hub.app
  const now = clock.now()
  const ada = await createUser(store, workspace.id, { name: 'Ada', roles: ['admin'] }, now)
  await fresh.page.goto(await createSignInLink(store, workspace.id, ada, url, now))
  await fresh.page.getByRole('heading', { name: 'Home' }).waitFor()
  const open = (path: string) => fresh.open(`${hub.url}${path}`)
  return { ...fresh, open }
}

async function connectionId(): Promise<string> {
  return (await workspace.get('/api/v1/connections')).body.data[0].id
}

async function run(): Promise<void> {
  clock.advance(10 * MINUTE_MS)
  const asked = await workspace.post(`/api/v1/connections/${await connectionId()}/runs`, {})
  expect(asked.status, asked.text).toBe(202)
  await hub.settle()
}

async function choose(page: Page, label: string, option: string | RegExp): Promise<void> {
  await page.getByRole('dialog').getByRole('combobox', { name: label, exact: true }).click()
  await page.getByRole('option', { name: option }).click()
}

test('a sandbox is connected with its token, which is never shown again, and tested', async () => {
  const { page, faults, open } = await visitHub()
  await open('/connections')
  await page.getByText('No system is connected yet').waitFor()
  await page.getByRole('button', { name: 'Connect HubSpot…' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Name').fill('Sales CRM')
  const submit = dialog.getByRole('button', { name: 'Try and connect' })
  expect(await submit.isDisabled()).toBe(true)
  await dialog.getByRole('textbox', { name: 'Token' }).fill('pat-wrong')
  await dialog.getByText(/More settings/).click()
  await dialog.getByLabel('Base url').fill(sandbox.url)
  await shoot(page, 'connect-light')
  await submit.click()
  await page.getByText(/Correct the settings and try again/).waitFor()
  await dialog.getByRole('textbox', { name: 'Token' }).fill(sandbox.token)
  await submit.click()
  await page.getByRole('heading', { name: 'Sales CRM' }).waitFor()
  await settled(page)
  expect(await page.content()).not.toContain(sandbox.token)
  await page.getByRole('button', { name: 'Test', exact: true }).click()
  await page.getByText(/Sales CRM works: HubSpot \d+ answered/).waitFor()
  // The refused credentials above are the one answer that the browser tells of.
  expect(faults.filter((fault) => !fault.includes('422'))).toEqual([])
  await page.context().close()
})

test('credentials are renewed without a failed run, and a stream is switched off and on', async () => {
  await run()
  const { page, faults, open } = await visitHub()
  await open('/connections')
  await page.getByRole('button', { name: 'New credentials…' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('textbox', { name: 'Token' }).fill(sandbox.token)
  const endOn = new Date(clock.now().getTime() + 5 * 24 * HOUR_MS).toISOString().slice(0, 10)
  await dialog.getByLabel('They end on').fill(endOn)
  await dialog.getByRole('button', { name: 'Try and keep' }).click()
  await page.getByText('The new credentials work and are kept.').waitFor()
  await page.getByText(/Credentials end in \d days/).waitFor()
  await page.getByRole('link', { name: 'Sales CRM' }).click()
  await page.getByRole('button', { name: 'Switch tasks off' }).click()
  await page.getByText('tasks is off.').waitFor()
  await page.getByRole('button', { name: 'Switch tasks on' }).click()
  await page.getByText('tasks runs again.').waitFor()
  await page.getByRole('button', { name: 'Change deals' }).click()
  await page.getByRole('dialog').getByLabel('Runs every so many minutes').fill('30')
  await page.getByRole('dialog').getByRole('button', { name: 'Keep' }).click()
  await page.getByRole('row', { name: /deals.*every 30 minutes/ }).waitFor()
  const { data } = (await workspace.get('/api/v1/sync/runs')).body
  expect(data.every(({ state }: { state: string }) => state !== 'failed')).toBe(true)
  expect(faults).toEqual([])
  await page.context().close()
})

test('a policy is changed after its rehearsal and its preview', async () => {
  await run()
  clock.advance(HOUR_MS)
  const { data: leads } = (await workspace.get('/api/v1/leads?limit=50')).body
  for (const { id } of sandbox.records('contacts'))
    sandbox.edit('contacts', id, { company: 'Acme GmbH' })
  clock.advance(HOUR_MS)
  for (const { id } of leads.slice(0, 4))
    expect((await workspace.patch(`/api/v1/leads/${id}`, { company: 'Acme' })).status).toBe(200)
  await hub.settle()
  await run()
  for (const { id } of sandbox.records('contacts'))
    sandbox.edit('contacts', id, { company: 'Admiral Ltd' })
  const { page, faults, open } = await visitHub()
  await open(`/connections/${await connectionId()}`)
  await page.getByRole('link', { name: 'contacts', exact: true }).click()
  await page.getByRole('heading', { name: 'Mapping of contacts' }).waitFor()
  await page.getByRole('link', { name: 'Company', exact: true }).click()
  const drawer = page.getByRole('dialog')
  await choose(page, 'When both sides changed it', 'A person decides')
  await drawer.getByText(/4 × a question to a person instead of/).waitFor()
  const preview = drawer.getByRole('table', { name: 'Records under this rule' })
  await expect.poll(() => preview.locator('tbody tr').count()).toBe(10)
  await preview.getByText('Admiral Ltd').first().waitFor()
  for (const scheme of ['light', 'dark'] as const) {
    await wear(page, scheme)
    await shoot(page, `mapping-drawer-${scheme}`)
  }
  await drawer.getByRole('button', { name: 'Keep this rule' }).click()
  await page.getByText('company is mapped so from the next run on').waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('row', { name: /Company.*A person decides/s }).waitFor()
  expect(faults).toEqual([])
  await page.context().close()
})

test('a field of the customer’s own is mapped, filled in the records that exist, and seen to end', async () => {
  sandbox.seed({
    properties: {
      contacts: [
        {
          name: 'shoe_size',
          label: 'Shoe size',
          type: 'string',
          fieldType: 'text',
          groupName: 'contactinformation',
        },
      ],
    },
  })
  for (const { id } of sandbox.records('contacts'))
    sandbox.edit('contacts', id, { shoe_size: '44' })
  const { page, faults, open } = await visitHub()
  await open(`/connections/${await connectionId()}/streams/contacts`)
  await page.getByRole('textbox', { name: 'Find a field' }).fill('shoe')
  await page.getByRole('link', { name: 'Map Shoe size' }).click()
  const drawer = page.getByRole('dialog', { name: 'Map a field of Sales CRM' })
  await drawer.getByText('The CRM’s value comes in').first().waitFor()
  await drawer.getByRole('button', { name: 'Keep this rule' }).click()
  await page.getByText('custom.shoe_size is mapped so').waitFor()
  const kept = page.getByRole('dialog', { name: 'custom.shoe_size and Sales CRM' })
  await kept.getByText('Records looked at').first().waitFor()
  expect(await kept.getByRole('region', { name: 'Backfill' }).textContent()).toMatch(
    new RegExp(`Records looked at${PEOPLE}Calls1`),
  )
  await kept.getByRole('button', { name: 'Backfill this field…' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Start the backfill' }).click()
  await page.getByRole('heading', { name: 'Backfills' }).waitFor()
  await page.getByRole('cell', { name: 'Under way' }).waitFor()
  await hub.settle()
  const row = page.getByRole('row', { name: /Shoe size/ })
  await row.getByText('Done').waitFor()
  expect(await row.textContent()).toContain(`${PEOPLE} of ${PEOPLE}`)
  const { data } = (await workspace.get('/api/v1/leads?limit=50')).body
  expect(data).toHaveLength(PEOPLE)
  for (const { id } of data) {
    const lead = (await workspace.get(`/api/v1/leads/${id}`)).body
    expect(lead.custom).toMatchObject({ shoe_size: '44' })
  }
  await row.getByRole('link', { name: 'Shoe size' }).click()
  await page.getByRole('button', { name: 'Remove the mapping…' }).click()
  await page.getByRole('button', { name: 'Remove the mapping', exact: true }).click()
  await page.getByText('custom.shoe_size is not mapped any more.').waitFor()
  expect(faults).toEqual([])
  await page.context().close()
})

test('an allowance that lets nothing through is told of before it is kept, and on the page after', async () => {
  const { page, faults, open } = await visitHub()
  await open(`/connections/${await connectionId()}`)
  const calls = page.getByLabel('Calls a day', { exact: true })
  const warning = page.getByRole('status').filter({ hasText: '3 calls a day are too few' })
  await calls.fill('3')
  await warning.waitFor()
  await page.getByRole('button', { name: 'Keep the settings' }).click()
  await page.getByText('The settings hold from the next run on.').waitFor()
  // Under the head of the page now, not beside the field.
  await expect.poll(() => page.locator('form').getByRole('status').count()).toBe(0)
  const text = (await warning.textContent()) ?? ''
  const least = /Allow at least (\d+)\./.exec(text)?.[1] ?? ''
  for (const scheme of ['light', 'dark'] as const) {
    await wear(page, scheme)
    await shoot(page, `allowance-${scheme}`)
  }
  await page.getByRole('button', { name: 'Calls…' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByText(`${least} calls a day`, { exact: true }).waitFor()
  await dialog.getByRole('columnheader', { name: 'A day' }).waitFor()
  await shoot(page, 'allowance-calls-dark')
  await page.keyboard.press('Escape')
  await calls.fill(least)
  await page.getByRole('button', { name: 'Keep the settings' }).click()
  await warning.waitFor({ state: 'detached' })
  await calls.fill('')
  await page.getByRole('button', { name: 'Keep the settings' }).click()
  await expect
    .poll(
      async () =>
        (await workspace.get(`/api/v1/connections/${await connectionId()}`)).body.dailyCalls,
    )
    .toBeNull()
  expect(faults).toEqual([])
  await page.context().close()
})

test('a connection is deleted only by who types its name', async () => {
  const { page, faults, open } = await visitHub()
  await open(`/connections/${await connectionId()}`)
  await page.getByRole('button', { name: 'Delete…' }).click()
  const dialog = page.getByRole('dialog')
  const submit = dialog.getByRole('button', { name: 'Delete the connection' })
  await dialog.getByLabel(/^Type Sales CRM/).fill('Sales')
  expect(await submit.isDisabled()).toBe(true)
  await dialog.getByLabel(/^Type Sales CRM/).fill('Sales CRM')
  await submit.click()
  await page.getByText('No system is connected yet').waitFor()
  expect((await workspace.get('/api/v1/connections')).body.data).toEqual([])
  expect(faults).toEqual([])
  await page.context().close()
})

test('webhooks that a deleted connection left are listed, and settled once somebody has deleted them', async () => {
  const id = newId('con')
  const address = `https://hub.example/hooks/pipedrive/${id}`
  await hub.app.store.transaction(workspace.id, (tx) =>
    tx.execute(sql`
      insert into sync_disconnections (connection_id, vendor, name, address, state, attempts, next_attempt_at, detail, deleted_at)
      values (${id}, 'pipedrive', 'Old CRM', ${address}, 'by_hand', 1, ${clock.now()}, 'The token lacks the scope admin.',
        ${clock.now()})`),
  )
  const { page, faults, open } = await visitHub()
  await open('/connections')
  const row = page.getByRole('row', { name: /Old CRM/ })
  await settled(page)
  await row.getByText('Delete by hand').waitFor()
  await row.getByText(address).waitFor()
  for (const scheme of ['light', 'dark'] as const) {
    await wear(page, scheme)
    await shoot(page, `disconnections-${scheme}`)
  }
  await row.getByRole('button', { name: 'Settle the webhooks of Old CRM…' }).click()
  const dialog = page.getByRole('dialog', { name: 'Webhooks of Old CRM' })
  await dialog.getByText(address).waitFor()
  await dialog.getByRole('button', { name: 'They are deleted' }).click()
  await page.getByText('Nothing is left of Old CRM.').waitFor()
  await expect.poll(() => page.getByText('Being disconnected').count()).toBe(0)
  expect(faults).toEqual([])
  await page.context().close()
})

test('a domain signs a connection, and refuses it with a reason', async () => {
  const { page, faults, open } = await arrive(['admin', 'marketing-approver'])
  await open(`/connections/${stage.connectionId}`)
  const signatures = page.getByRole('table', { name: 'Signatures of the domains' })
  await page.getByRole('button', { name: 'Sign for marketing' }).click()
  await page.getByText('Signed for marketing.').waitFor()
  await signatures.getByText('Signed', { exact: true }).waitFor()
  await page.getByRole('button', { name: 'Refuse for marketing' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Reason').fill('Not before the audit.')
  await dialog.getByRole('button', { name: 'Refuse', exact: true }).click()
  await signatures.getByText('Not before the audit.').waitFor()
  expect(faults).toEqual([])
  await page.context().close()
})

test('who may not see connections is told which scope that takes', async () => {
  const { page, faults } = await visit({ as: 'viewer' })
  await page.goto(`/connections/${stage.connectionId}`)
  await page.getByText('Connections is locked for you').waitFor()
  await page.getByText('connections:read', { exact: true }).waitFor()
  await page.goto('/sync/backfills')
  await page.getByText('Backfills is locked for you').waitFor()
  expect(faults).toEqual([])
  await page.context().close()
})

test('an error group leads to the mapping of the field that it is about', async () => {
  const { page, faults, open } = await visit()
  await open('/sync')
  const group = page.locator('[data-error-group]').filter({ hasText: 'INVALID_EMAIL' })
  await group.getByRole('link', { name: 'Edit mapping' }).click()
  await page.getByRole('dialog', { name: /^E-?mail.* and HubSpot$/i }).waitFor()
  expect(faults).toEqual([])
  await page.context().close()
})
