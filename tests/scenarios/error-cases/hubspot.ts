import { expect } from 'vitest'
import { HOUR_MS } from '#core/time.ts'
import type { World } from '#tests/scenarios/error-world.ts'
import { casesOf } from './case.ts'

const UPSERT = { path: '*/contacts/batch/upsert' }
const colour = (more: object = {}) => ({
  properties: {
    contacts: [
      {
        name: 'colour',
        label: 'Colour',
        type: 'string',
        fieldType: 'text',
        groupName: 'contactinformation',
        ...more,
      },
    ],
  },
})
const choice = (...values: string[]) =>
  colour({
    type: 'enumeration',
    fieldType: 'select',
    options: values.map((value) => ({ label: value, value })),
  })

/** Deletes the property as an administrator does. */
async function removeColour({ sandbox }: World<'hubspot'>): Promise<void> {
  await fetch(`${sandbox.url}/crm/v3/properties/contacts/colour`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${sandbox.token}` },
  })
}

/** Makes the lead the one person of the deal. */
async function giveRole(world: World<'hubspot'>, role: string | null): Promise<void> {
  const { workspace } = world
  const [{ id }] = (await workspace.get('/api/v1/opportunities')).body.data
  const people = [{ leadId: world.noted('lead'), role }]
  const set = await workspace.put(`/api/v1/opportunities/${id}/people`, { people })
  expect(set.status, set.text).toBe(200)
}

async function redefine(
  world: World<'hubspot'>,
  seed: Parameters<World<'hubspot'>['sandbox']['seed']>[0],
): Promise<void> {
  await removeColour(world)
  world.sandbox.seed(seed)
}

/** What HubSpot refuses of single contacts. */
export const hubspotCases = casesOf('hubspot', [
  {
    code: 'INVALID_EMAIL',
    when: 'HubSpot does not take an address for valid',
    stream: 'contacts',
    detail: /Properties: email\./,
    async breaks(world) {
      await world.capture('ada@example.com')
      const refusal = { kind: 'refuse-rows', everyNth: 1, code: 'INVALID_EMAIL' } as const
      world.lift = world.sandbox.down(UPSERT, { ...refusal, fields: ['email'] })
    },
    mends: async (world) => world.lift(),
    cleared: 'retry',
  },
  {
    code: 'INVALID_OPTION',
    when: 'a mapped property has no such option',
    stream: 'contacts',
    detail: /Properties: colour\./,
    async before(world) {
      world.sandbox.seed(choice('blue'))
      await world.map('contacts', 'custom.colour', 'colour')
    },
    breaks: (world) => world.capture('ada@example.com', { custom: { colour: 'mauve' } }),
    mends: (world) => redefine(world, choice('blue', 'mauve')),
    cleared: 'retry',
  },
  {
    code: 'PROPERTY_DOESNT_EXIST',
    when: 'a mapped property was deleted',
    stream: 'contacts',
    detail: /Properties: colour\./,
    async before(world) {
      world.sandbox.seed(colour())
      await world.map('contacts', 'custom.colour', 'colour')
    },
    async breaks(world) {
      await removeColour(world)
      await world.capture('ada@example.com', { custom: { colour: 'mauve' } })
    },
    mends: async (world) => world.sandbox.seed(colour()),
    cleared: 'retry',
  },
  {
    code: 'READ_ONLY_VALUE',
    when: 'a mapped property became read-only',
    stream: 'contacts',
    detail: /Properties: colour\./,
    async before(world) {
      world.sandbox.seed(colour())
      await world.map('contacts', 'custom.colour', 'colour')
    },
    async breaks(world) {
      await redefine(world, colour({ readOnly: true }))
      await world.capture('ada@example.com', { custom: { colour: 'mauve' } })
    },
    mends: (world) => redefine(world, colour()),
    cleared: 'retry',
  },
  {
    code: 'VALIDATION_ERROR',
    when: 'a validation rule of the account refuses a value, until it is corrected here',
    stream: 'contacts',
    detail: /Properties: company\./,
    async breaks(world) {
      await world.capture('ada@example.com', { company: 'x' })
      const refusal = { kind: 'refuse-rows', everyNth: 1, code: 'VALIDATION_ERROR' } as const
      world.lift = world.sandbox.down(UPSERT, { ...refusal, fields: ['company'] })
    },
    async mends(world) {
      const [item] = await world.items()
      world.lift()
      await world.change(item!.record, { company: 'Analytical Engines' })
    },
    cleared: 'next run',
  },
  {
    code: 'VALIDATION_ERROR',
    when: 'another contact has the value of a unique property',
    stream: 'contacts',
    async before(world) {
      world.sandbox.seed(colour({ hasUniqueValue: true }))
      await world.map('contacts', 'custom.colour', 'colour')
      const [id] = world.sandbox.seedContacts([{ email: 'bob@example.com', colour: 'mauve' }])
      world.people.add('bob@example.com')
      world.note('bob', id!)
    },
    breaks: (world) => world.capture('ada@example.com', { custom: { colour: 'mauve' } }),
    mends: async (world) => world.sandbox.edit('contacts', world.noted('bob'), { colour: 'blue' }),
    cleared: 'retry',
  },
  {
    code: 'CONTACT_CLAIMED',
    when: 'the address was given to the contact of another lead a moment ago',
    stream: 'contacts',
    detail: /belongs to lead_/,
    before: (world) => world.capture('ada@example.com'),
    async breaks(world) {
      world.sandbox.settings.searchLagMs = HOUR_MS
      world.sandbox.edit('contacts', world.onlyPerson(), { email: 'bob@example.com' })
      await world.capture('bob@example.com')
    },
    mends: async (world) =>
      world.sandbox.edit('contacts', world.onlyPerson(), { email: 'ada@example.com' }),
    cleared: 'retry',
  },
  {
    code: 'CONTACT_UNREADABLE',
    when: 'the contact in the way is not given out',
    stream: 'contacts',
    async breaks(world) {
      world.sandbox.settings.searchLagMs = HOUR_MS
      world.sandbox.seedContacts([{ email: 'ada@example.com' }])
      await world.capture('ada@example.com')
      const none = { status: 'COMPLETE', results: [] }
      const read = { path: '*/contacts/batch/read' }
      world.lift = world.sandbox.down(read, { kind: 'status', status: 207, body: none })
    },
    mends: async (world) => world.lift(),
    cleared: 'retry',
  },
  {
    code: 'CONFLICT',
    when: 'two leads have addresses of one contact',
    stream: 'contacts',
    detail: /Contact \d+ is in the way/,
    async breaks(world) {
      world.sandbox.settings.searchLagMs = HOUR_MS
      const emails = { email: 'ada@example.com', hs_additional_emails: 'bob@example.com' }
      const [id] = world.sandbox.seedContacts([emails])
      world.note('ada', id!)
      await world.capture('ada@example.com')
      await world.capture('bob@example.com')
    },
    mends: async (world) =>
      world.sandbox.edit('contacts', world.noted('ada'), { hs_additional_emails: '' }),
    cleared: 'retry',
  },
  {
    code: 'OBJECT_NOT_FOUND',
    when: 'the contact was archived and the list of changes does not say so',
    stream: 'contacts',
    async before(world) {
      world.note('lead', await world.capture('ada@example.com'))
    },
    async breaks(world) {
      world.note('contact', world.onlyPerson())
      world.sandbox.remove('contacts', world.onlyPerson(), 'vanish')
      await world.change(world.noted('lead'), { company: 'Analytical Engines' })
    },
    mends: (world) => world.run({ reconcile: true }),
    cleared: 'retry',
  },
  {
    code: 'ANSWER_INCOMPLETE',
    when: 'an answer leaves a contact out',
    stream: 'contacts',
    async breaks(world) {
      await world.capture('ada@example.com')
      const none = { status: 'COMPLETE', results: [] }
      world.lift = world.sandbox.down(UPSERT, { kind: 'status', status: 200, body: none })
    },
    mends: async (world) => world.lift(),
    cleared: 'next run',
  },
  {
    code: 'ASSOCIATION_LABEL_UNKNOWN',
    when: 'deals there have no label for the role of a person, until they have another role here',
    stream: 'deals',
    detail: /Deals and contacts have /,
    async before(world) {
      world.note('lead', await world.capture('ada@example.com'))
      const deal = { dealname: 'Deal', dealstage: 'appointmentscheduled', pipeline: 'default' }
      world.sandbox.seed({ records: { deals: [{ properties: deal }] } })
    },
    breaks: (world) => giveRole(world, 'Sage'),
    mends: (world) => giveRole(world, null),
    cleared: 'next run',
  },
])
