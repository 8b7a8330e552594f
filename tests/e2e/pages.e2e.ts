import { AxeBuilder } from '@axe-core/playwright'
import { expect, test } from 'vitest'
import { type Scheme, shoot, useBrowser, wear } from '#tests/e2e/browser.ts'

const { stage, visit } = useBrowser()

const pages = [
  { name: 'home', path: '/', title: /^Home$/ },
  { name: 'campaigns', path: '/campaigns', title: /^Campaigns$/ },
  { name: 'campaign', path: `/campaigns/${stage.campaignId}`, title: /one view of revenue/ },
  {
    name: 'receipt',
    path: `/campaigns/${stage.campaignId}?receipt=total`,
    title: /one view of revenue/,
  },
  {
    name: 'uncredited',
    path: `/campaigns/${stage.campaignId}?receipt=uncredited`,
    title: /one view of revenue/,
  },
  { name: 'sync', path: '/sync', title: /^Sync health$/ },
  { name: 'run', path: `/sync/runs/${stage.runId}?outcome=refused`, title: /^HubSpot, / },
  { name: 'plan', path: `/sync/plans/${stage.planId}`, title: /^Change plan for HubSpot/ },
  { name: 'record', path: `/sync/records/lead/${stage.refusedLeadId}`, title: /^Lead / },
  { name: 'conflicts', path: '/conflicts', title: /^Conflicts$/ },
  {
    name: 'rehearsal',
    path: `/conflicts?connectionId=${stage.connectionId}&stream=contacts&field=jobTitle&policy=latest`,
    title: /^Conflicts$/,
  },
  { name: 'backfills', path: '/sync/backfills', title: /^Backfills$/ },
  { name: 'connections', path: '/connections', title: /^Connections$/ },
  { name: 'connection', path: `/connections/${stage.connectionId}`, title: /^HubSpot$/ },
  {
    name: 'mapping',
    path: `/connections/${stage.connectionId}/streams/contacts`,
    title: /^Mapping of contacts$/,
  },
  {
    name: 'mapping-rule',
    path: `/connections/${stage.connectionId}/streams/contacts?field=jobTitle`,
    title: /^Mapping of contacts$/,
  },
  { name: 'attribution', path: '/attribution', title: /^Attribution$/ },
  {
    name: 'attribution-receipt',
    path: '/attribution?receipt=uncredited&of=linear',
    title: /^Attribution$/,
  },
  { name: 'attribution-preview', path: '/attribution?view=preview', title: /^Attribution$/ },
  {
    name: 'attribution-disputes',
    path: '/attribution?view=disagreements',
    title: /^Attribution$/,
  },
  {
    name: 'attribution-restatements',
    path: '/attribution?view=restatements',
    title: /^Attribution$/,
  },
  { name: 'scores', path: '/scores', title: /^Learned scores$/ },
  { name: 'scores-leads', path: '/scores?view=leads&target=lead_won', title: /^Learned scores$/ },
  { name: 'pipeline', path: '/pipeline', title: /^Pipeline$/ },
  { name: 'pipeline-slippage', path: '/pipeline?view=slippage', title: /^Pipeline$/ },
  { name: 'pipeline-improvement', path: '/pipeline?view=improvement', title: /^Pipeline$/ },
  {
    name: 'pipeline-records',
    path: '/pipeline?view=improvement&of=cycle&span=current',
    title: /^Pipeline$/,
  },
  { name: 'model', path: `/scores/${stage.candidateId}`, title: /^Lead is won within/ },
  {
    name: 'lead-score',
    path: `/scores/leads/${stage.refusedLeadId}`,
    title: /^Score of lead/,
  },
  { name: 'leads', path: '/leads', title: /^Leads$/ },
  { name: 'leads-overdue', path: '/leads?view=overdue', title: /^Leads$/ },
  { name: 'lead', path: `/leads/${stage.leadId}`, title: /^Ada Lovelace$/ },
  { name: 'lead-refused', path: `/leads/${stage.refusedLeadId}`, title: /^Lead / },
  { name: 'weeklies', path: '/reports/weekly', title: /^Weekly reports$/ },
  { name: 'weekly', path: `/reports/weekly/${stage.weeklyId}`, title: /^Week of / },
  {
    name: 'weekly-receipt',
    path: `/reports/weekly/${stage.weeklyId}?receipt=won`,
    title: /^Week of /,
  },
  { name: 'experiments', path: '/experiments', title: /^Experiments$/ },
  {
    name: 'experiment',
    path: `/experiments/${stage.experimentId}`,
    title: /^Test of Paid search$/,
  },
  {
    name: 'experiment-running',
    path: `/experiments/${stage.runningId}`,
    title: /^Test of Webinar$/,
  },
  { name: 'plans', path: '/reports/plans', title: /^Quarterly plans$/ },
  { name: 'quarter', path: `/reports/plans/${stage.quarter}`, title: /^Plan of Q/ },
  {
    name: 'quarter-needs',
    path: `/reports/plans/${stage.quarter}?view=needs`,
    title: /^Plan of Q/,
  },
  {
    name: 'quarter-versions',
    path: `/reports/plans/${stage.quarter}?view=versions`,
    title: /^Plan of Q/,
  },
  { name: 'quarter-edit', path: `/reports/plans/${stage.quarter}?view=edit`, title: /^Plan of Q/ },
  { name: 'people', path: '/people', title: /^People$/ },
  { name: 'person', path: `/people/${stage.personId}`, title: /^Ada Lovelace$/ },
  {
    name: 'person-leads',
    path: `/people/${stage.personId}?history=leads`,
    title: /^Ada Lovelace$/,
  },
  { name: 'identity', path: '/people/duplicates', title: /^Identity$/ },
  {
    name: 'identity-pair',
    path: `/people/duplicates?one=${stage.personId}&other=${stage.otherPersonId}`,
    title: /^Identity$/,
  },
  {
    name: 'identity-conflicts',
    path: '/people/duplicates?view=conflicts',
    title: /^Identity$/,
  },
  { name: 'identity-log', path: '/people/duplicates?view=log', title: /^Identity$/ },
  { name: 'privacy', path: '/privacy', title: /^Privacy$/ },
  { name: 'privacy-request', path: `/privacy/${stage.erasureId}`, title: /^Erasure / },
  { name: 'privacy-retention', path: '/privacy?view=retention', title: /^Privacy$/ },
  {
    name: 'privacy-rule',
    path: '/privacy?view=retention&rule=touchpoints&days=60',
    title: /^Privacy$/,
  },
  { name: 'privacy-holds', path: '/privacy?view=holds', title: /^Privacy$/ },
  { name: 'privacy-suppressions', path: '/privacy?view=suppressions', title: /^Privacy$/ },
  { name: 'privacy-runs', path: '/privacy?view=runs', title: /^Privacy$/ },
  { name: 'operations', path: '/operations', title: /^Operations$/ },
  { name: 'operations-quotas', path: '/operations?view=quotas', title: /^Operations$/ },
  { name: 'operations-scorecard', path: '/operations?view=scorecard', title: /^Operations$/ },
  { name: 'operations-threats', path: '/operations?view=threats', title: /^Operations$/ },
  {
    name: 'threat',
    path: `/operations?view=threats&threat=${stage.threatId}`,
    title: /^Operations$/,
  },
  {
    name: 'lineage',
    path: `/lineage?record=${stage.refusedLeadId}&field=jobTitle`,
    title: /^Lineage$/,
  },
  {
    name: 'lineage-figure',
    path: `/lineage?campaignId=${stage.campaignId}&model=linear&window=90`,
    title: /^Lineage$/,
  },
  { name: 'alerts', path: '/alerts', title: /^Alerts$/ },
  { name: 'alerts-over', path: '/alerts?status=resolved', title: /^Alerts$/ },
  { name: 'account', path: '/account', title: /^Your sign-in$/ },
  { name: 'users', path: '/users', title: /^Users$/ },
  { name: 'webhooks', path: '/webhooks', title: /^Webhooks$/ },
  { name: 'endpoint', path: `/webhooks/${stage.endpointId}`, title: /^warehouse\.example\.com$/ },
  {
    name: 'delivery',
    path: `/webhooks/${stage.endpointId}?message=${stage.messageId}`,
    title: /^warehouse\.example\.com$/,
  },
  { name: 'audit', path: '/audit', title: /^Audit$/ },
  { name: 'audit-entry', path: `/audit?entry=${stage.auditId}`, title: /^Audit$/ },
  { name: 'audit-proof', path: '/audit?view=proof', title: /^Audit$/ },
  { name: 'access', path: '/access', title: /^Access$/ },
  { name: 'access-grants', path: '/access?view=grants', title: /^Access$/ },
  { name: 'access-teams', path: '/access?view=teams', title: /^Access$/ },
  { name: 'access-rules', path: '/access?view=rules', title: /^Access$/ },
  {
    name: 'access-why',
    path: `/access?view=why&principal=${stage.keyId}&scope=leads:read&record=${stage.refusedLeadId}&team=emea`,
    title: /^Access$/,
  },
  { name: 'access-keys', path: '/access?view=keys', title: /^Access$/ },
  { name: 'access-clients', path: '/access?view=clients', title: /^Access$/ },
  { name: 'imports', path: '/imports', title: /^Imports$/ },
  { name: 'import', path: `/imports/${stage.importId}`, title: /^fair-2026\.csv$/ },
] as const

const schemes: Scheme[] = ['light', 'dark']
/** Runs in the page. */
const SIDEWAYS = 'document.documentElement.scrollWidth - document.documentElement.clientWidth'
const PAINTED =
  'Promise.all(document.getAnimations().map((one) => one.finished.catch(() => null))).then(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))))'
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

test.concurrent.for(pages)(
  'the page $name loads without a fault, meets WCAG 2.2 AA in both themes, and fits a narrow screen',
  async ({ name, path, title }, { expect }) => {
    const { page, faults, open } = await visit()
    await open(path)
    expect(await page.locator('h1').first().textContent()).toMatch(title)
    for (const scheme of schemes) {
      await wear(page, scheme)
      await page.evaluate(PAINTED)
      await shoot(page, `${name}-${scheme}`)
      const axe = new AxeBuilder({ page })
      // Only colours are other ones in the dark.
      const rules = scheme === 'light' ? axe.withTags(RULES) : axe.withRules(['color-contrast'])
      const { violations } = await rules.analyze()
      expect(
        violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join('\n')}`),
      ).toEqual([])
    }
    await page.setViewportSize({ width: 360, height: 740 })
    await shoot(page, `${name}-narrow`)
    expect(await page.evaluate<number>(SIDEWAYS)).toBeLessThanOrEqual(0)
    expect(faults).toEqual([])
    await page.context().close()
  },
)

const emptyPages = [
  { name: 'home', path: '/', says: 'No revenue in this period' },
  { name: 'campaigns', path: '/campaigns', says: 'No campaigns yet' },
  { name: 'sync', path: '/sync', says: 'No system is connected yet' },
  { name: 'alerts', path: '/alerts', says: 'Nothing is wrong' },
  { name: 'connections', path: '/connections', says: 'No system is connected yet' },
  { name: 'backfills', path: '/sync/backfills', says: 'No backfill here' },
  { name: 'conflicts', path: '/conflicts', says: 'No conflict matches' },
  { name: 'attribution', path: '/attribution', says: 'No won deal in this period' },
  { name: 'scores', path: '/scores', says: 'No model was trained yet' },
  { name: 'pipeline', path: '/pipeline', says: 'Nothing to expect yet' },
  {
    name: 'pipeline-slippage',
    path: '/pipeline?view=slippage',
    says: 'No deal here was expected in the quarter',
  },
  {
    name: 'pipeline-records',
    path: '/pipeline?view=improvement&of=quality&span=current',
    says: 'No lead is counted',
  },
  { name: 'privacy', path: '/privacy', says: 'Nobody has asked yet' },
  { name: 'operations-quotas', path: '/operations?view=quotas', says: 'No quota is set' },
  { name: 'operations-threats', path: '/operations?view=threats', says: 'No sign of an attack' },
  { name: 'weeklies', path: '/reports/weekly', says: 'No week was reported yet' },
  { name: 'experiments', path: '/experiments', says: 'No test can be weighed yet' },
  { name: 'plans', path: '/reports/plans', says: 'No quarter is planned yet' },
  { name: 'quarter', path: '/reports/plans/2027-Q1', says: 'Not planned yet' },
  { name: 'people', path: '/people', says: 'Nobody yet' },
  { name: 'identity', path: '/people/duplicates', says: 'No duplicates' },
  {
    name: 'identity-conflicts',
    path: '/people/duplicates?view=conflicts',
    says: 'No identity conflict',
  },
  { name: 'identity-apart', path: '/people/duplicates?view=apart', says: 'No pair was kept apart' },
  { name: 'identity-log', path: '/people/duplicates?view=log', says: 'No merge' },
  { name: 'leads', path: '/leads', says: 'Nothing new' },
  { name: 'leads-unassigned', path: '/leads?view=unassigned', says: 'Every lead has an owner' },
  { name: 'leads-overdue', path: '/leads?view=overdue', says: 'Nothing is overdue' },
  { name: 'leads-all', path: '/leads?view=all', says: 'No leads yet' },
  { name: 'lineage', path: '/lineage', says: 'Name a record and one of its fields' },
  { name: 'webhooks', path: '/webhooks', says: 'No other system is told yet' },
  { name: 'audit-proof', path: '/audit?view=proof', says: 'Nothing is signed yet' },
  { name: 'access', path: '/access', says: 'No role of your own yet' },
  { name: 'access-grants', path: '/access?view=grants', says: 'Roles alone decide' },
  { name: 'access-teams', path: '/access?view=teams', says: 'No team yet' },
  { name: 'access-rules', path: '/access?view=rules', says: 'No circumstance is asked for' },
  { name: 'access-why', path: '/access?view=why', says: 'Nothing is asked yet' },
  { name: 'access-keys', path: '/access?view=keys', says: 'No key yet' },
  { name: 'access-clients', path: '/access?view=clients', says: 'No application is registered' },
  { name: 'imports', path: '/imports', says: 'Nothing was imported yet' },
] as const

test.concurrent.for(emptyPages)(
  'an empty workspace says on $name what to do first',
  async (one) => {
    const { page, faults, open } = await visit({ as: 'empty' })
    await open(one.path)
    for (const scheme of ['light', 'dark'] as const) {
      await wear(page, scheme)
      await shoot(page, `${one.name}-empty-${scheme}`)
    }
    expect(await page.locator('main').textContent()).toContain(one.says)
    expect(faults).toEqual([])
    await page.context().close()
  },
)

const BROKEN = {
  type: '/docs/problems#service.unavailable',
  title: 'The service is not available now',
  status: 503,
  detail: 'The database does not answer.',
  code: 'service.unavailable',
  requestId: 'req_00000000000000000000000000000000',
}
/** Everything but who is signed in. */
const isData = (url: URL) =>
  url.pathname.startsWith('/api/v1/') && url.pathname !== '/api/v1/workspace'

// One view a page: what its other views show comes by the same parts.
test.concurrent.for(pages.filter(({ path }) => !path.includes('?')))(
  'a fault of the hub is told on $name, with a way to try again',
  async ({ name, path }, { expect }) => {
    const { page } = await visit()
    await page.route(isData, (route) =>
      route.fulfill({
        status: BROKEN.status,
        contentType: 'application/problem+json',
        body: JSON.stringify(BROKEN),
      }),
    )
    await page.clock.install()
    await page.goto(path)
    // What is in a drawer lies above the rest.
    const again = page.getByRole('button', { name: 'Try again' }).last()
    const passTime = async () => {
      await page.clock.fastForward(4000) // the console asks twice more by itself first
      return again.isVisible()
    }
    await expect.poll(passTime, { interval: 100 }).toBe(true)
    await shoot(page, `${name}-fault`)
    expect(await page.locator('h1').count()).toBe(1)
    expect(await page.locator('main').textContent()).toContain(BROKEN.detail)
    await page.unroute(isData)
    await again.click()
    await expect.poll(() => page.getByRole('alert').count()).toBe(0)
    await page.context().close()
  },
)

test('every link on every page leads somewhere', async () => {
  const { page, open } = await visit()
  const seen = new Set<string>()
  for (const { path } of pages) {
    await open(path)
    for (const link of await page.locator('a[href]').all()) {
      const href = await link.getAttribute('href')
      if (href !== null && !href.includes('#')) seen.add(new URL(href, page.url()).href)
    }
  }
  const broken: string[] = []
  for (const link of seen) {
    const answer = await page.request.get(link)
    if (!answer.ok()) broken.push(`${answer.status()} ${link}`)
  }
  expect(seen.size).toBeGreaterThan(30)
  expect(broken).toEqual([])
  await page.context().close()
})
