import type { Locator, Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { expectFocus, settled, useBrowser } from '#tests/e2e/browser.ts'

const { stage, visit } = useBrowser()
const MOST_ROWS = 50
const SLOW = { timeout: 15_000 }

/** Presses j until the row has the keyboard. */
async function goTo(page: Page, row: Locator): Promise<void> {
  for (let i = 0; i < MOST_ROWS; i += 1) {
    await page.keyboard.press('j')
    if ((await row.locator('a:focus').count()) === 1) return
  }
  throw new Error('no key leads to the row')
}

test('two people are merged after a look at both, and are two again after the merge is undone', async () => {
  const { page, faults, open } = await visit()
  await open('/people/duplicates')
  await page.getByRole('link', { name: /Mary Shelley/ }).click()
  const drawer = page.getByRole('dialog', { name: 'Are they one?' })
  const values = drawer.getByRole('region', { name: 'Values of both, and after a merge' })
  const email = values.getByRole('row', { name: /^E-mail|^Email/ })
  const before = (await email.getByRole('cell').first().textContent()) ?? ''
  await drawer.getByRole('button', { name: 'Swap' }).click()
  await expect.poll(() => email.getByRole('cell').nth(1).textContent(), SLOW).toBe(before)
  await drawer.getByRole('button', { name: 'Merge…' }).click()
  const confirm = page.getByRole('dialog', { name: /^Merge Mary Shelley/ })
  await confirm.getByText('1 identifier of Mary Shelley go').waitFor()
  await confirm.getByRole('button', { name: 'Merge them' }).click()
  await page.getByText('Mary Shelley stands for both now').waitFor()
  await expect.poll(() => page.getByRole('link', { name: /Mary Shelley/ }).count(), SLOW).toBe(0)
  await page.getByRole('tab', { name: 'Merge log' }).click()
  await page
    .getByRole('button', { name: 'Undo the merge of Mary Shelley into Mary Shelley' })
    .click()
  const undo = page.getByRole('dialog', { name: 'Undo the merge' })
  await undo.getByText('Mary Shelley gets back: 1 identifier').waitFor()
  await undo.getByRole('button', { name: 'Make them two again' }).click()
  await page.getByText('Mary Shelley and Mary Shelley are two people again.').waitFor()
  const row = page.getByRole('row', { name: /Mary Shelley/ })
  await row.getByText('Undone').waitFor()
  await row.getByRole('link', { name: 'Mary Shelley' }).first().click()
  await page
    .getByText('maryshelley@geneva.example')
    .or(page.getByText('mary.shelley@geneva.example'))
    .first()
    .waitFor()
  await page.getByText(/^Undone /).waitFor()
  expect(faults).toEqual([])
  await page.context().close()
})

test('keys go through pairs and select them; those that are not the same are kept apart with the reason', async () => {
  const { page, faults, open } = await visit()
  await open('/people/duplicates')
  const row = page.getByRole('row', { name: /Bob/ })
  await goTo(page, row)
  await page.keyboard.press('x')
  await page.getByText('1 selected').waitFor()
  await page.keyboard.press('d')
  const dialog = page.getByRole('dialog', { name: 'Not the same' })
  await dialog.getByRole('combobox', { name: 'Reason' }).click()
  await page.getByRole('option', { name: 'They share a phone' }).click()
  await dialog.getByRole('button', { name: 'Keep the pair apart' }).click()
  await page.getByText('1 kept apart.').waitFor()
  await expect.poll(() => row.count(), SLOW).toBe(0)
  await page.getByRole('tab', { name: 'Kept apart' }).click()
  await row.getByText('They share a phone').waitFor()
  await row.getByText('by you').waitFor()
  expect(faults).toEqual([])
  await page.context().close()
})

test('an identity conflict opens to both people', async () => {
  const { page, faults, open } = await visit()
  await open('/people/duplicates?view=conflicts')
  await page.getByRole('link', { name: /Linus Bergqvist/ }).click()
  const drawer = page.getByRole('dialog', { name: 'Are they one?' })
  await drawer.getByText('Identifiers of both came together').waitFor()
  await drawer.getByText('katherine@orbit.example').first().waitFor()
  expect(faults).toEqual([])
  await page.context().close()
})

test('a consent is recorded with its proof, and a person is found by the whole address', async () => {
  const { page, faults, open } = await visit()
  await open('/people')
  await page
    .getByRole('textbox', { name: 'Look for an e-mail address' })
    .fill('ADA.Lovelace@northwind.example')
  await page.keyboard.press('Enter')
  await expect.poll(() => page.getByRole('row').count(), SLOW).toBe(2)
  expect(page.url()).not.toContain('northwind')
  await page.getByRole('link', { name: 'Ada Lovelace' }).click()
  await page.getByRole('button', { name: 'Record a consent…' }).click()
  const dialog = page.getByRole('dialog', { name: 'Record a consent' })
  await dialog.getByLabel('Channel').fill('phone')
  await dialog.getByRole('combobox', { name: 'Decision' }).click()
  await page.getByRole('option', { name: 'Withdrawn' }).click()
  await dialog.getByLabel('Proof').fill('Said so on the phone.')
  await dialog.getByRole('button', { name: 'Record it' }).click()
  await page.getByText('It is recorded').waitFor()
  const holds = page.getByRole('region', { name: 'Consents that hold now' })
  await holds.getByRole('row', { name: /Phone Withdrawn/ }).waitFor()
  const records = page.getByRole('region', { name: 'Records of consent with their proof' })
  await records.getByText('Said so on the phone.').waitFor()
  expect(faults).toEqual([])
  await page.context().close()
})

test('a lead is rejected with a reason by keys, and accepted again from its page', async () => {
  const { page, faults, open } = await visit()
  await open('/leads')
  const row = page.getByRole('row', { name: /Linus Bergqvist/ })
  await goTo(page, row)
  await page.keyboard.press('r')
  const dialog = page.getByRole('dialog', { name: 'Reject Linus Bergqvist' })
  expect(await dialog.getByRole('button', { name: 'Reject the lead' }).isDisabled()).toBe(true)
  await dialog.getByRole('combobox', { name: 'Reason' }).click()
  await page.getByRole('option', { name: 'No budget' }).click()
  await dialog.getByRole('button', { name: 'Reject the lead' }).click()
  await page.getByText('Linus Bergqvist is rejected.').waitFor()
  await expect.poll(() => row.count(), SLOW).toBe(0)
  await page.getByRole('tab', { name: 'All', exact: true }).click()
  await row.getByRole('link').click()
  await page.getByText('Rejected: no budget').waitFor()
  await page.getByRole('button', { name: 'Accept…' }).click()
  const accept = page.getByRole('dialog', { name: 'Accept Linus Bergqvist' })
  await accept.getByRole('combobox', { name: 'Reason' }).click()
  await page.getByRole('option', { name: 'Good fit' }).click()
  await accept.getByRole('button', { name: 'Accept the lead' }).click()
  await page.getByText('Accepted: good fit').waitFor()
  expect(faults).toEqual([])
  await page.context().close()
})

test('a score is set by hand with its reason and given back to the rules, and its points sum to the computed one', async () => {
  const { page, faults, open } = await visit()
  await open('/leads')
  await page.getByRole('link', { name: 'Katherine Johnson' }).click()
  const panel = page.getByRole('region', { name: 'Score', exact: true })
  await panel.getByRole('button', { name: 'Set by hand…' }).click()
  const dialog = page.getByRole('dialog', { name: 'Set the score by hand' })
  await dialog.getByLabel('Score').fill('88')
  await dialog.getByLabel('Reason').fill('Met at the fair, decides alone.')
  await dialog.getByRole('button', { name: 'Set the score' }).click()
  await panel.getByText(/Set to 88 by you/).waitFor()
  expect(await panel.getByText('“Met at the fair, decides alone.”').count()).toBe(1)
  await panel.getByRole('button', { name: 'Remove the override' }).click()
  await page.getByText('The computed score counts again.').waitFor()
  await panel.getByRole('button', { name: 'Set by hand…' }).waitFor()
  const points = await panel.locator('tbody td:last-child').allTextContents()
  const sum = await panel.locator('tfoot td').last().textContent()
  const total = points.reduce((all, text) => all + Number(text.replace('−', '-')), 0)
  expect(points.length).toBeGreaterThan(0)
  expect(String(total)).toBe(sum)
  expect(faults).toEqual([])
  await page.context().close()
})

test('a lead goes to another owner and says why, and its page tells where it stands at the CRM', async () => {
  const { page, faults, open } = await visit()
  await open(`/leads/${stage.leadId}`)
  const panel = page.getByRole('region', { name: 'Owner', exact: true })
  await panel.getByText('dach, version 1').waitFor()
  await panel.getByRole('button', { name: 'Re-route…' }).click()
  const dialog = page.getByRole('dialog', { name: 'Who works Ada Lovelace?' })
  await dialog.getByRole('combobox', { name: 'Owner' }).click()
  await page.getByRole('option', { name: /Grace Hopper/ }).click()
  await dialog.getByRole('button', { name: 'Give it to them' }).click()
  await panel.getByText(/Assigned by hand/).waitFor()
  await panel.getByText('Grace Hopper').waitFor()
  await open(`/leads/${stage.refusedLeadId}`)
  const crms = page.getByRole('region', { name: 'The lead at connected systems' })
  await crms
    .getByRole('row', { name: /HubSpot/ })
    .getByText('Refused')
    .waitFor()
  expect(faults).toEqual([])
  await page.context().close()
})

const locked = [
  ['/people', 'People'],
  [`/people/${stage.personId}`, 'People'],
  ['/people/duplicates', 'Identity'],
  ['/leads', 'Leads'],
  [`/leads/${stage.leadId}`, 'Leads'],
] as const

test('who may not see personal values is shown that they are masked, and what is locked says by which scope', async () => {
  const { page, faults, open } = await visit({ as: 'reader' })
  await open(`/people/${stage.personId}`)
  expect(await page.locator('h1').textContent()).toMatch(/^Person …/)
  await page
    .getByRole('region', { name: 'Records of consent with their proof' })
    .getByText('masked')
    .first()
    .waitFor()
  const known = page.getByRole('region', { name: 'What is known' })
  expect(await known.getByText('masked').count()).toBeGreaterThan(3)
  expect(await page.locator('main').textContent()).not.toMatch(/Lovelace|Head of Marketing|5550199/)
  expect(await page.getByRole('button', { name: 'Record a consent…' }).isDisabled()).toBe(true)
  await open('/people')
  expect(await page.getByRole('textbox', { name: 'Look for an e-mail address' }).isDisabled()).toBe(
    true,
  )
  await open('/leads')
  expect(await page.locator('main').textContent()).not.toMatch(/Lovelace|Bergqvist|fjord\.example/)
  expect(await page.getByRole('button', { name: /^Reject/ }).count()).toBe(0)
  await page.context().close()
  const viewer = await visit({ as: 'viewer' })
  for (const [path, what] of locked) {
    await viewer.page.goto(path)
    await viewer.page.getByText(`${what} is locked for you`).waitFor()
  }
  await viewer.page.context().close()
  expect([...faults, ...viewer.faults]).toEqual([])
})

test('keys lead to the pages of people, and a row opens with Enter', async () => {
  const { page, faults, open } = await visit()
  await open('/')
  for (const key of ['g', 'b']) await page.keyboard.press(key)
  await page.getByRole('heading', { name: 'Leads', level: 1 }).waitFor()
  await settled(page)
  await page.keyboard.press('j')
  await expectFocus(page, /Katherine|Linus|Ada|Lead/)
  await page.keyboard.press('Enter')
  await page.getByRole('navigation', { name: 'Breadcrumb' }).getByText('Leads').waitFor()
  for (const key of ['g', 'd']) await page.keyboard.press(key)
  await page.getByRole('heading', { name: 'Identity', level: 1 }).waitFor()
  expect(await page.locator('nav a[aria-current="page"]').allTextContents()).toEqual(['Identity'])
  expect(faults).toEqual([])
  await page.context().close()
})
