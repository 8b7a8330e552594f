import { v1, v2 } from 'pipedrive'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

import { startPipedrive } from './index.ts'
import type { PipedriveSandbox } from './index.ts'

let sandbox: PipedriveSandbox
let old: v1.Configuration
let now: v2.Configuration

beforeAll(async () => {
  sandbox = await startPipedrive({ limits: { tokenBurst: null, searchBurst: null } })
  old = new v1.Configuration({ apiKey: sandbox.token, basePath: `${sandbox.url}/v1` })
  now = new v2.Configuration({ apiKey: sandbox.token, basePath: `${sandbox.url}/api/v2` })
})
beforeEach(() => sandbox.reset())
afterAll(() => sandbox.stop())

test('the official client adds, reads, changes, lists, finds and deletes a person', async () => {
  const persons = new v2.PersonsApi(now)
  const emails = [{ value: 'Ada@example.com', primary: true, label: 'work' }]
  const made = await persons.addPerson({ AddPersonRequest: { name: 'Ada Lovelace', emails } })
  const id = made.data?.id ?? 0
  expect(made.data).toMatchObject({ first_name: 'Ada', last_name: 'Lovelace', emails })
  await persons.updatePerson({ id, UpdatePersonRequest: { name: 'Ada King' } })
  const read = await persons.getPerson({ id })
  expect(read.data).toMatchObject({ last_name: 'King', emails })
  const found = await persons.searchPersons({
    term: 'ada@EXAMPLE.com',
    fields: 'email',
    exact_match: true,
  })
  expect(found.data?.items?.map(({ item }) => item?.id)).toEqual([id])
  await persons.deletePerson({ id })
  expect((await persons.getPersons()).data).toEqual([])
})

test('the official client walks a list by its cursor', async () => {
  const names = Array.from({ length: 7 }, (_, i) => ({ name: `Org ${i}` }))
  sandbox.seed({ records: { organization: names } })
  const organizations = new v2.OrganizationsApi(now)
  const seen: (string | undefined)[] = []
  for (let cursor: string | undefined; ;) {
    const page = await organizations.getOrganizations({
      limit: 3,
      sort_by: 'update_time',
      ...(cursor === undefined ? {} : { cursor }),
    })
    seen.push(...(page.data ?? []).map(({ name }) => name))
    cursor = page.additional_data?.next_cursor
    if (!cursor) break
  }
  expect(seen).toEqual(names.map(({ name }) => name))
})

test('the official client takes a deal through its stages, adds people to it and closes it', async () => {
  const { ids } = sandbox.seed({ records: { person: [{ name: 'Ada' }, { name: 'Bob' }] } })
  const [ada, bob] = ids.person.map(Number)
  const deals = new v2.DealsApi(now)
  const oldDeals = new v1.DealsApi(old)
  const stages = (await new v2.StagesApi(now).getStages({ pipeline_id: 1 })).data ?? []
  const made = await deals.addDeal({
    AddDealRequest: { title: 'D', value: 10, currency: 'EUR', ...(ada ? { person_id: ada } : {}) },
  })
  const id = made.data?.id ?? 0
  expect(made.data).toMatchObject({ stage_id: stages[0]?.id, status: 'open', person_id: ada })
  await deals.updateDeal({ id, UpdateDealRequest: { stage_id: stages[2]?.id ?? 0 } })
  await oldDeals.addDealParticipant({ id, AddDealParticipantRequest: { person_id: bob ?? 0 } })
  const participants = await oldDeals.getDealParticipants({ id })
  expect(participants.data?.map(({ person_id }) => person_id?.value)).toEqual([ada, bob])
  const counted = await deals.getDeal({ id, include_fields: 'participants_count' })
  expect(counted.data).toMatchObject({ participants_count: 2 })
  await deals.addDealFollower({ id, AddDealFollowerRequest: { user_id: 1 } })
  expect((await deals.getDealFollowers({ id })).data).toMatchObject([{ user_id: 1 }])
  const won = await deals.updateDeal({ id, UpdateDealRequest: { status: 'won' } })
  expect(won.data).toMatchObject({ status: 'won', close_time: won.data?.won_time })
  const changes = await oldDeals.getDealChangelog({ id })
  expect(changes.data?.map(({ field_key }) => field_key)).toContain('stage_id')
  await deals.deleteDeal({ id })
  expect((await deals.getDeals()).data).toEqual([])
  const deleted = await deals.getDeals({ status: 'deleted' })
  expect(deleted.data).toMatchObject([{ id, status: 'deleted', is_deleted: true }])
})

test('the official client makes a lead of a person and a deal of the lead', async () => {
  const { ids, codes } = sandbox.seed({
    records: { person: [{ name: 'Ada' }] },
    fields: { deal: [{ field_name: 'Hub ID', field_type: 'varchar' }] },
  })
  const person_id = Number(ids.person[0])
  const leads = new v1.LeadsApi(old)
  const value = { amount: 9, currency: 'EUR' }
  const made = await leads.addLead({ AddLeadRequest: { title: 'L', person_id, value } })
  const id = made.data?.id ?? ''
  sandbox.edit('lead', id, { [codes.deal[0] ?? '']: 'hub-1' })
  await leads.updateLead({ id, UpdateLeadRequest: { title: 'M' } })
  expect((await leads.getLeads()).data?.map(({ title }) => title)).toEqual(['M'])
  const { data: job } = await new v2.LeadsApi(now).convertLeadToDeal({ id })
  const conversion_id = job?.conversion_id ?? ''
  const done = await new v2.LeadsApi(now).getLeadConversionStatus({ id, conversion_id })
  expect(done.data.status).toBe('completed')
  const deal = await new v2.DealsApi(now).getDeal({ id: done.data.deal_id ?? 0 })
  expect(deal.data).toMatchObject({ title: 'M', value: 9, source_lead_id: id, person_id })
  expect(deal.data?.custom_fields).toEqual({ [codes.deal[0] ?? '']: 'hub-1' })
  expect((await leads.getLeads()).data).toEqual([])
})

test('the official client keeps custom fields by a code that a new name does not change', async () => {
  const fields = new v2.PersonFieldsApi(now)
  const made = await fields.addPersonField({
    AddPersonFieldRequest: { field_name: 'Hub ID', field_type: 'varchar' },
  })
  const code = made.data?.field_code ?? ''
  expect(code).toMatch(/^[0-9a-f]{40}$/)
  const persons = new v2.PersonsApi(now)
  await persons.addPerson({ AddPersonRequest: { name: 'A', custom_fields: { [code]: 'lead_1' } } })
  await fields.updatePersonField({
    field_code: code,
    UpdatePersonFieldRequest: { field_name: 'X' },
  })
  const all = await fields.getPersonFields({ limit: 500 })
  expect(all.data?.find((field) => field.field_code === code)?.field_name).toBe('X')
  const hits = await new v2.ItemSearchApi(now).searchItemByField({
    term: 'lead_1',
    entity_type: 'person',
    field: code,
  })
  expect(hits.data).toMatchObject([{ id: 1 }])
})

test('the official client adds activities and products, and reads users', async () => {
  sandbox.putUser({ id: 7, email: 'olive@example.com', name: 'Olive' })
  const activities = new v2.ActivitiesApi(now)
  const made = await activities.addActivity({
    AddActivityRequest: { subject: 'Call', type: 'call', owner_id: 7, due_date: '2026-11-30' },
  })
  const id = made.data?.id ?? 0
  await activities.updateActivity({ id, AddActivityRequest: { done: true } })
  expect((await activities.getActivities({ owner_id: 7 })).data).toMatchObject([{ done: true }])
  await new v2.ProductsApi(now).addProduct({ AddProductRequest: { name: 'P', code: 'p-1' } })
  expect((await new v2.ProductsApi(now).getProducts()).data).toMatchObject([{ code: 'p-1' }])
  const users = new v1.UsersApi(old)
  expect((await users.getUsers()).data?.map(({ name }) => name)).toEqual(['Admin', 'Olive'])
  expect((await users.getCurrentUser()).data).toMatchObject({ company_domain: 'example' })
})

test('the official client merges persons and organizations', async () => {
  const { ids } = sandbox.seed({
    records: {
      organization: [{ name: 'X' }, { name: 'Y', website: 'https://y.example' }],
      person: [{ name: 'Ada', emails: [{ value: 'a@x.com' }] }, { name: 'Ada L' }],
    },
  })
  const [one = '', other = ''] = ids.person
  await new v1.PersonsApi(old).mergePersons({
    id: Number(one),
    MergePersonsRequest: { merge_with_id: Number(other) },
  })
  const left = await new v2.PersonsApi(now).getPersons()
  expect(left.data).toMatchObject([{ id: Number(other), emails: [{ value: 'a@x.com' }] }])
  const [x = '', y = ''] = ids.organization
  await new v1.OrganizationsApi(old).mergeOrganizations({
    id: Number(y),
    MergeOrganizationsRequest: { merge_with_id: Number(x) },
  })
  expect(sandbox.read('organization', x, 'website')).toBe('https://y.example')
})

test('the official client subscribes to webhooks and ends the subscription', async () => {
  const webhooks = new v1.WebhooksApi(old)
  const made = await webhooks.addWebhook({
    AddWebhookRequest: {
      subscription_url: 'https://hub.example/hooks',
      event_action: 'change',
      event_object: 'deal',
      name: 'Hub',
      version: '2.0',
    },
  })
  const id = made.data?.id ?? 0
  expect((await webhooks.getWebhooks()).data).toMatchObject([{ id, event_object: 'deal' }])
  await webhooks.deleteWebhook({ id })
  expect((await webhooks.getWebhooks()).data).toEqual([])
})

test('the official client logs in with a code, renews its access and works with it', async () => {
  const { clientId, clientSecret, redirectUris } = sandbox.oauthApp
  const settings = { clientId, clientSecret, redirectUri: redirectUris[0] ?? '', host: sandbox.url }
  const oauth = new v2.OAuth2Configuration(settings)
  const first = await oauth.authorize(sandbox.authorize())
  expect(first).toMatchObject({ token_type: 'bearer', api_domain: sandbox.url })
  await oauth.tokenRefresh()
  const configuration = new v2.Configuration({
    accessToken: oauth.getAccessToken,
    basePath: oauth.basePath,
  })
  expect((await new v2.DealsApi(configuration).getDeals()).data).toEqual([])
})
