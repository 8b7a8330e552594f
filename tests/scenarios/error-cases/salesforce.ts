import { expect } from 'vitest'
import { HOUR_MS } from '#core/time.ts'
import type { World } from '#tests/scenarios/error-world.ts'
import { casesOf } from './case.ts'

type Org = World<'salesforce'>

const colour = (more: object = {}) => ({
  fields: {
    Lead: [{ name: 'Colour__c', label: 'Colour', type: 'Text', length: 50, ...more }],
  },
})
const choice = (...values: string[]) =>
  colour({
    type: 'Picklist',
    valueSet: {
      restricted: true,
      valueSetDefinition: { value: values.map((fullName) => ({ fullName })) },
    },
  })

async function mapColour(world: Org): Promise<void> {
  world.sandbox.seed(colour())
  await world.map('leads', 'custom.colour', 'Colour__c')
}

const withColour = (world: Org, email = 'ada@example.com') =>
  world.capture(email, { custom: { colour: 'mauve' } })

/** Rows are refused with the code, as the org does when other work of it stands in the way. */
function refuseWith(world: Org, code: string, fields: string[] = []): void {
  const refusal = { kind: 'refuse-rows', everyNth: 1, code, fields } as const
  world.lift = world.sandbox.down({ method: 'PATCH', path: '*/composite/sobjects*' }, refusal)
}

/** A lead and a campaign that both sides know. */
async function knownCampaign(world: Org): Promise<void> {
  world.note('lead', await world.capture('ada@example.com'))
  const body = { key: 'fair', name: 'Fair', channel: 'event' }
  const made = await world.workspace.post('/api/v1/campaigns', body)
  expect(made.status, made.text).toBe(201)
  world.note('campaign', made.body.id)
}

async function joinCampaign(world: Org, status: string): Promise<void> {
  const path = `/api/v1/campaigns/${world.noted('campaign')}/members`
  const made = await world.workspace.post(path, { leadId: world.noted('lead'), status })
  expect(made.status, made.text).toBe(201)
}

/** The codes of single rows. */
export const salesforceCases = casesOf('salesforce', [
  {
    code: 'MEMBER_STATUS_UNKNOWN',
    when: 'a campaign does not have the status of a member',
    stream: 'campaign members',
    detail: /has the statuses Sent, Responded\./,
    before: knownCampaign,
    breaks: (world) => joinCampaign(world, 'Attended'),
    async mends(world) {
      const [row] = [...world.sandbox.records('Campaign')]
      const status = { CampaignId: row?.id ?? '', Label: 'Attended', HasResponded: true }
      world.sandbox.add('CampaignMemberStatus', status)
    },
    cleared: 'retry',
    ends: async (world) => expect(world.sandbox.count('CampaignMember')).toBe(1),
  },
  {
    code: 'member.opted_out',
    when: 'somebody who opted out there is put into a campaign here',
    stream: 'campaign members',
    seen: 'record',
    detail: /It was not made there\./,
    before: knownCampaign,
    async breaks(world) {
      world.clock.advance(HOUR_MS)
      world.sandbox.edit('Lead', world.onlyPerson(), { HasOptedOutOfEmail: true })
      await joinCampaign(world, 'Sent')
    },
    mends: async () => undefined,
    cleared: 'nothing to do',
    ends: async (world) => expect(world.sandbox.count('CampaignMember')).toBe(0),
  },
  {
    code: 'REQUIRED_FIELD_MISSING',
    when: 'a field that the hub knows nothing of became required',
    stream: 'leads',
    detail: /Fields: Colour__c\./,
    async breaks(world) {
      world.sandbox.seed(colour({ required: true }))
      await world.capture('ada@example.com')
    },
    mends: async (world) => world.sandbox.seed(colour()),
    cleared: 'retry',
  },
  {
    code: 'INVALID_EMAIL_ADDRESS',
    when: 'an address is longer before its @ than Salesforce takes, until it is corrected here',
    stream: 'leads',
    detail: /Fields: Email\./,
    async breaks(world) {
      const long = `${'ada'.repeat(22)}@example.com`
      await world.capture(long, { externalId: 'ada' })
      world.people.delete(long)
    },
    mends: (world) => world.capture('ada@example.com', { externalId: 'ada' }),
    cleared: 'next run',
  },
  {
    code: 'STRING_TOO_LONG',
    when: 'a name is longer than its field, until it is shortened here',
    stream: 'leads',
    detail: /Fields: FirstName\./,
    breaks: (world) => world.capture('ada@example.com', { firstName: 'A'.repeat(41) }),
    mends: (world) => world.capture('ada@example.com', { firstName: 'Ada' }),
    cleared: 'next run',
  },
  {
    code: 'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST',
    when: 'a mapped picklist has no such value',
    stream: 'leads',
    detail: /Fields: Colour__c\./,
    async before(world) {
      await mapColour(world)
      world.sandbox.seed(choice('blue'))
    },
    breaks: withColour,
    mends: async (world) => world.sandbox.seed(choice('blue', 'mauve')),
    cleared: 'retry',
  },
  {
    code: 'FIELD_CUSTOM_VALIDATION_EXCEPTION',
    when: 'a validation rule refuses the company, until it is corrected here',
    stream: 'leads',
    detail: /Rule: No budget/,
    async breaks(world) {
      world.sandbox.addValidationRule({
        object: 'Lead',
        name: 'Budget',
        refuses: "Company = 'Broke'",
        message: 'No budget',
        field: 'Company',
      })
      world.note('lead', await world.capture('ada@example.com', { company: 'Broke' }))
    },
    mends: (world) => world.change(world.noted('lead'), { company: 'Analytical Engines' }),
    cleared: 'next run',
  },
  {
    code: 'CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY',
    when: 'a trigger of the customer fails',
    stream: 'leads',
    async breaks(world) {
      await world.capture('ada@example.com')
      refuseWith(world, 'CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY')
    },
    mends: async (world) => world.lift(),
    cleared: 'retry',
  },
  {
    code: 'DUPLICATES_DETECTED',
    when: 'a duplicate rule blocks a change',
    stream: 'leads',
    detail: /Record \w+ is in the way/,
    async before(world) {
      world.note('lead', await world.capture('ada@example.com', { company: 'Ada Ltd' }))
      await world.capture('bob@example.com', { company: 'Acme' })
    },
    async breaks(world) {
      const rule = { object: 'Lead', name: 'Company', matchesOn: ['Company'] }
      world.sandbox.addDuplicateRule({ ...rule, action: 'block' })
      await world.change(world.noted('lead'), { company: 'Acme' })
    },
    mends: (world) => world.control('PUT', 'duplicate-rules', { rules: [] }),
    cleared: 'retry',
  },
  {
    code: 'DUPLICATE_VALUE',
    when: 'another lead has the value of a unique field',
    stream: 'leads',
    detail: /Record \w+ is in the way/,
    async before(world) {
      await mapColour(world)
      world.sandbox.seed(colour({ unique: true }))
      await world.capture('ada@example.com')
      const bob = { LastName: 'Bob', Company: 'C', Email: 'bob@example.com', Colour__c: 'mauve' }
      world.note('bob', world.sandbox.add('Lead', bob))
      world.people.add('bob@example.com')
    },
    breaks: (world) => withColour(world),
    mends: async (world) => world.sandbox.edit('Lead', world.noted('bob'), { Colour__c: 'blue' }),
    cleared: 'retry',
  },
  {
    code: 'DUPLICATE_EXTERNAL_ID',
    when: 'several rows carry one id of the hub',
    stream: 'leads',
    async breaks(world) {
      await world.capture('ada@example.com')
      refuseWith(world, 'DUPLICATE_EXTERNAL_ID', ['Hub_Id__c'])
    },
    mends: async (world) => world.lift(),
    cleared: 'retry',
  },
  {
    code: 'RECORD_CLAIMED',
    when: 'a duplicate rule finds the row of another lead of the hub',
    stream: 'leads',
    detail: /belongs to lead_/,
    async before(world) {
      await world.capture('ada@example.com', { phone: '+49 30 901820' })
    },
    async breaks(world) {
      const rule = { object: 'Lead', name: 'Phone', matchesOn: ['Phone'] }
      world.sandbox.addDuplicateRule({ ...rule, action: 'block' })
      await world.capture('bob@example.com', { phone: '+49 30 901820' })
    },
    mends: (world) => world.control('PUT', 'duplicate-rules', { rules: [] }),
    cleared: 'retry',
  },
  {
    code: 'CANNOT_UPDATE_CONVERTED_LEAD',
    when: 'the lead is converted while a change of it is on its way',
    stream: 'leads',
    async before(world) {
      world.note('lead', await world.capture('ada@example.com'))
    },
    async breaks(world) {
      await world.change(world.noted('lead'), { company: 'Analytical Engines' })
      refuseWith(world, 'CANNOT_UPDATE_CONVERTED_LEAD')
    },
    async mends(world) {
      world.lift()
      world.sandbox.convert(world.onlyPerson())
    },
    cleared: 'next run',
  },
  {
    code: 'ENTITY_IS_DELETED',
    when: 'the lead goes into the recycle bin while a change of it is on its way',
    stream: 'leads',
    async before(world) {
      world.note('lead', await world.capture('ada@example.com'))
    },
    async breaks(world) {
      await world.change(world.noted('lead'), { company: 'Analytical Engines' })
      refuseWith(world, 'ENTITY_IS_DELETED')
    },
    async mends(world) {
      world.lift()
      world.note('row', world.onlyPerson())
      world.sandbox.remove('Lead', world.noted('row'))
      await world.run()
      world.sandbox.undelete('Lead', world.noted('row'))
    },
    cleared: 'next run',
    ends: async (world) => {
      const company = world.sandbox.read('Lead', world.noted('row'), 'Company')
      expect(company).toBe('Analytical Engines')
    },
  },
  {
    code: 'MALFORMED_ID',
    when: 'a lookup is mapped to a field that holds no id',
    stream: 'leads',
    detail: /Fields: OwnerId\./,
    before: (world) => world.map('leads', 'custom.rep', 'OwnerId'),
    breaks: (world) => world.capture('ada@example.com', { custom: { rep: 'Bob' } }),
    async mends(world) {
      world.sandbox.seed({ fields: { Lead: [{ name: 'Rep__c', label: 'Rep', type: 'Text' }] } })
      await world.map('leads', 'custom.rep', 'Rep__c')
    },
    cleared: 'retry',
  },
  {
    code: 'INVALID_CROSS_REFERENCE_KEY',
    when: 'a lookup names a row that is not there, until it names another here',
    stream: 'leads',
    detail: /Fields: OwnerId\./,
    before: (world) => world.map('leads', 'custom.rep', 'OwnerId'),
    breaks: (world) => world.capture('ada@example.com', { custom: { rep: '005SB0000000zzz' } }),
    mends: (world) => world.capture('ada@example.com', { custom: { rep: world.sandbox.userId } }),
    cleared: 'next run',
  },
  {
    code: 'INACTIVE_OWNER_OR_USER',
    when: 'the owner was deactivated after the hub chose them, until another is chosen',
    stream: 'leads',
    detail: /Fields: OwnerId\./,
    async before(world) {
      world.note('lead', await world.capture('ada@example.com'))
      const users = ['rep@example.com', 'other@example.com'].map((email) => ({
        LastName: email,
        Username: email,
        Email: email,
      }))
      world.note('rep', world.sandbox.seed({ records: { User: users } })['User']![0]!)
    },
    async breaks(world) {
      await world.giveTo(world.noted('lead'), 'rep@example.com')
      world.sandbox.edit('User', world.noted('rep'), { IsActive: false })
    },
    mends: (world) => world.giveTo(world.noted('lead'), 'other@example.com'),
    cleared: 'next run',
  },
  {
    code: 'INVALID_FIELD',
    when: 'the right to see a mapped field was taken away',
    stream: 'leads',
    detail: /Fields: Colour__c\./,
    before: mapColour,
    async breaks(world) {
      world.sandbox.seed(colour({ hidden: true }))
      await withColour(world)
    },
    mends: async (world) => world.sandbox.seed(colour()),
    cleared: 'retry',
  },
  {
    code: 'INVALID_FIELD_FOR_INSERT_UPDATE',
    when: 'the right to edit a mapped field was taken away',
    stream: 'leads',
    detail: /Fields: Colour__c\./,
    before: mapColour,
    async breaks(world) {
      world.sandbox.seed(colour({ readOnly: true }))
      await withColour(world)
    },
    mends: async (world) => world.sandbox.seed(colour()),
    cleared: 'retry',
  },
  {
    code: 'UNABLE_TO_LOCK_ROW',
    when: 'an automation holds the row',
    stream: 'leads',
    async breaks(world) {
      await world.capture('ada@example.com')
      refuseWith(world, 'UNABLE_TO_LOCK_ROW')
    },
    mends: async (world) => world.lift(),
    cleared: 'next run',
  },
])
