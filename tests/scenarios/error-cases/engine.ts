import { expect } from 'vitest'
import { HOUR_MS, MINUTE_MS } from '#core/time.ts'
import type { World } from '#tests/scenarios/error-world.ts'
import { casesOf } from './case.ts'

const UPSERT = '*/contacts/batch/upsert'

/** A lead that both sides know; its id here is noted as `lead`, that there as `there`. */
async function known(world: World): Promise<void> {
  world.note('lead', await world.capture('ada@example.com'))
  await world.run()
  world.note('there', world.onlyPerson())
}

/** A lead there as a person makes one. */
function addLead(world: World<'salesforce'>, name: string, email: string, more: object = {}) {
  const id = world.sandbox.add('Lead', { LastName: name, Company: 'C', Email: email, ...more })
  world.note(name, id)
}

/** What the engine itself finds, whatever the vendor. */
export const engineCases = [
  ...casesOf('hubspot', [
    {
      code: 'merge.both_changed',
      when: 'the status was changed on both sides',
      stream: 'contacts',
      detail: /Changed on both sides: status\./,
      before: known,
      async breaks(world) {
        await world.change(world.noted('lead'), { status: 'qualified' })
        world.sandbox.edit('contacts', world.noted('there'), { hub_lead_status: 'working' })
      },
      async mends(world) {
        const { data } = (await world.workspace.get('/api/v1/sync/conflicts')).body
        const path = `/api/v1/sync/conflicts/${data[0].id}/resolve`
        const decided = await world.workspace.post(path, { decision: { choice: 'hub' } })
        expect(decided.status, decided.text).toBe(200)
      },
      cleared: 'next run',
      ends: async (world) => {
        const status = world.sandbox.read('contacts', world.noted('there'), 'hub_lead_status')
        expect(status).toBe('qualified')
      },
    },
    {
      code: 'certificate.missing',
      when: 'it says that it made a contact, and did not',
      stream: 'contacts',
      async breaks(world) {
        await world.capture('ada@example.com')
        const loss = { kind: 'drop-writes', share: 1, seed: 1, path: UPSERT } as const
        world.lift = world.sandbox.failNext({ ...loss, count: 1 })
      },
      mends: async (world) => world.lift(),
      cleared: 'next run',
    },
    {
      code: 'certificate.lost',
      when: 'it says that it took a change, and did not',
      stream: 'contacts',
      detail: /Not there: company[,.]/,
      before: known,
      async breaks(world) {
        await world.change(world.noted('lead'), { company: 'Analytical Engines' })
        const loss = { kind: 'drop-writes', share: 1, seed: 1, of: 'updates' } as const
        world.lift = world.sandbox.failNext({ ...loss, path: '*/contacts/batch/update', count: 1 })
      },
      mends: async (world) => world.lift(),
      cleared: 'next run',
      ends: async (world) => {
        const company = world.sandbox.read('contacts', world.noted('there'), 'company')
        expect(company).toBe('Analytical Engines')
      },
    },
    {
      code: 'certificate.unread',
      when: 'it stops answering while what was written is read back',
      stream: 'contacts',
      seen: 'stream',
      async breaks(world) {
        await world.capture('ada@example.com')
        world.lift = world.sandbox.failNext({
          kind: 'status',
          status: 503,
          path: '*/contacts/batch/read',
          count: 'until-lifted',
        })
      },
      mends: async (world) => world.lift(),
      cleared: 'next run',
    },
    {
      code: 'plan.waiting',
      when: 'more is due than goes without an approved plan',
      stream: 'contacts',
      seen: 'stream',
      async breaks(world) {
        await world.capture('ada@example.com')
        const path = `/api/v1/connections/${world.connectionId}`
        const limited = await world.workspace.patch(path, { planAbove: 0 })
        expect(limited.status, limited.text).toBe(200)
      },
      async mends(world) {
        const { data } = (await world.workspace.get('/api/v1/sync/plans?state=proposed')).body
        const path = `/api/v1/sync/plans/${data[0].id}/approval`
        const approved = await world.workspace.post(path, {})
        expect(approved.status, approved.text).toBe(200)
      },
      cleared: 'next run',
    },
    {
      code: 'record.suppressed',
      when: 'it has somebody whose address was erased on request',
      stream: 'contacts',
      async before(world) {
        const { body } = await world.workspace.post('/api/v1/people', { email: 'ada@example.com' })
        const asked = { kind: 'erasure', personId: body.id, note: 'By letter.' }
        const request = await world.workspace.post('/api/v1/privacy/requests', asked)
        const officer = await world.workspace.withKey({ roles: ['privacy'] })
        const path = `/api/v1/privacy/requests/${request.body.id}/approve`
        const approved = await officer.post(path, {})
        expect(approved.status, approved.text).toBe(200)
      },
      async breaks(world) {
        world.sandbox.seedContacts([{ email: 'ada@example.com', firstname: 'Ada' }])
        world.people.add('ada@example.com')
        world.clock.advance(MINUTE_MS)
      },
      async mends(world) {
        const officer = await world.workspace.withKey({ roles: ['privacy'] })
        const lifted = await officer.post('/api/v1/privacy/suppressions/lift', {
          email: 'ada@example.com',
          reason: 'Asked to be kept again.',
        })
        expect(lifted.status, lifted.text).toBe(200)
      },
      cleared: 'retry',
    },
    {
      code: 'field.not_taken',
      when: 'the status there is one that the hub does not have',
      stream: 'contacts',
      seen: 'record',
      detail: /Not taken over here: status\./,
      before: known,
      async breaks(world) {
        world.sandbox.edit('contacts', world.noted('there'), { hub_lead_status: 'dreaming' })
        world.clock.advance(MINUTE_MS)
      },
      mends: async (world) =>
        world.sandbox.edit('contacts', world.noted('there'), { hub_lead_status: 'new' }),
      cleared: 'nothing to do',
    },
    {
      code: 'record.gone',
      when: 'two leads turned out to be one person here',
      stream: 'contacts',
      seen: 'record',
      async before(world) {
        await world.capture('ada@example.com')
        await world.captureUnnamed('bob')
      },
      // One submission names both: whoever was two is one from now on.
      breaks: (world) => world.capture('ada@example.com', { anonymousId: 'bob' }),
      mends: async () => undefined,
      cleared: 'nothing to do',
    },
    {
      code: 'record.stale',
      when: 'its index shows a contact as it was before the hub’s last write',
      stream: 'contacts',
      seen: 'record',
      before: known,
      async breaks(world) {
        const { sandbox, clock } = world
        sandbox.settings.searchLagMs = 30 * MINUTE_MS
        sandbox.edit('contacts', world.noted('there'), { jobtitle: 'Countess' })
        clock.advance(10 * MINUTE_MS)
        await world.change(world.noted('lead'), { company: 'Analytical Engines' })
        await world.run()
        clock.advance(20 * MINUTE_MS)
      },
      mends: async (world) => world.clock.advance(HOUR_MS),
      cleared: 'nothing to do',
      ends: async (world) => {
        const there = world.noted('there')
        expect(world.sandbox.read('contacts', there, 'jobtitle')).toBe('Countess')
        expect(world.sandbox.read('contacts', there, 'company')).toBe('Analytical Engines')
      },
    },
    {
      code: 'record.not_writable',
      when: 'a contact has an address that the hub takes for none',
      stream: 'contacts',
      detail: /Writing it here failed with \w*Error/,
      async breaks(world) {
        const [id = ''] = world.sandbox.seedContacts([{ email: 'ada@exämple.com' }])
        world.note('there', id)
        world.sandbox.seedContacts([{ email: 'bob@example.com' }])
        world.clock.advance(MINUTE_MS)
      },
      async mends(world) {
        world.sandbox.edit('contacts', world.noted('there'), { email: 'ada@example.com' })
        world.clock.advance(MINUTE_MS)
        world.people.add('ada@example.com').add('bob@example.com')
      },
      cleared: 'next run',
      ends: async (world) => expect(await world.leadsHere()).toBe(2),
    },
    {
      code: 'delivery.failing',
      when: 'it fails whenever it is given this contact',
      stream: 'contacts',
      async breaks(world) {
        await world.capture('ada@example.com')
        world.lift = world.sandbox.down({ path: UPSERT }, { kind: 'status', status: 500 })
      },
      mends: async (world) => world.lift(),
      cleared: 'next run',
    },
    {
      code: 'delivery.failing',
      when: 'it failed five times on this contact, which is held then',
      stream: 'contacts',
      async breaks(world) {
        await world.capture('ada@example.com')
        world.lift = world.sandbox.down({ path: UPSERT }, { kind: 'status', status: 500 })
        for (let tries = 1; tries < 5; tries += 1) {
          await world.run()
          world.clock.advance(HOUR_MS)
        }
      },
      mends: async (world) => world.lift(),
      cleared: 'retry',
    },
    {
      code: 'reference.unknown',
      when: 'the owner whom the hub chose is not there',
      stream: 'contacts',
      seen: 'record',
      detail: /owner/,
      async before(world) {
        await known(world)
        const owner = { name: 'Grace', email: 'grace@example.com' }
        const made = await world.workspace.post('/api/v1/owners', owner)
        expect(made.status, made.text).toBe(201)
      },
      breaks: (world) => world.giveTo(world.noted('lead'), 'grace@example.com'),
      mends: async (world) => world.sandbox.putOwner({ id: '77', email: 'grace@example.com' }),
      cleared: 'nothing to do',
    },
    {
      code: 'reconcile.missing',
      when: 'it lost a contact of the hub without a trace',
      stream: 'contacts.reconciled',
      seen: 'record',
      before: known,
      breaks: async (world) => world.sandbox.remove('contacts', world.noted('there'), 'vanish'),
      run: { reconcile: true },
      mends: async () => undefined,
      cleared: 'nothing to do',
      ends: async (world) => expect(world.onlyPerson()).not.toBe(world.noted('there')),
    },
    {
      code: 'reconcile.moved',
      when: 'the contact that carries the hub’s id is another one now',
      stream: 'contacts.reconciled',
      seen: 'record',
      before: known,
      async breaks(world) {
        const { sandbox } = world
        sandbox.settings.searchLagMs = HOUR_MS
        sandbox.remove('contacts', world.noted('there'), 'vanish')
        const email = 'ada@example.com'
        sandbox.seedContacts([{ email, hub_lead_id: world.noted('lead') }])
      },
      run: { reconcile: true },
      mends: async () => undefined,
      cleared: 'nothing to do',
    },
  ]),
  ...casesOf('salesforce', [
    {
      code: 'record.deleted_there',
      when: 'a lead was deleted there and changed here',
      stream: 'leads',
      seen: 'record',
      before: known,
      async breaks(world) {
        world.sandbox.remove('Lead', world.noted('there'))
        await world.change(world.noted('lead'), { company: 'Analytical Engines' })
      },
      mends: async (world) => world.sandbox.undelete('Lead', world.noted('there')),
      cleared: 'nothing to do',
      ends: async (world) => {
        const company = world.sandbox.read('Lead', world.noted('there'), 'Company')
        expect(company).toBe('Analytical Engines')
      },
    },
    {
      code: 'record.merged_there',
      when: 'a lead was merged into another one there and changed here',
      stream: 'leads',
      seen: 'record',
      async before(world) {
        await known(world)
        addLead(world, 'bob', 'bob@example.com')
        world.people.add('bob@example.com')
      },
      async breaks(world) {
        world.sandbox.merge('Lead', world.noted('bob'), [world.noted('there')])
        world.people.delete('ada@example.com')
        await world.change(world.noted('lead'), { company: 'Analytical Engines' })
      },
      mends: async () => undefined,
      cleared: 'nothing to do',
    },
    {
      code: 'record.never_known',
      when: 'a lead came and went there between two runs',
      stream: 'leads',
      seen: 'record',
      async breaks(world) {
        addLead(world, 'bob', 'bob@example.com')
        world.sandbox.remove('Lead', world.noted('bob'))
      },
      mends: async () => undefined,
      cleared: 'nothing to do',
    },
    {
      code: 'match.already_linked',
      when: 'two leads there have one address',
      stream: 'leads',
      detail: /linked with \w+ already/,
      async before(world) {
        addLead(world, 'ada', 'ada@example.com')
        world.people.add('ada@example.com')
      },
      breaks: async (world) => addLead(world, 'twin', 'ada@example.com'),
      mends: async (world) =>
        world.sandbox.merge('Lead', world.noted('ada'), [world.noted('twin')]),
      cleared: 'next run',
    },
    {
      code: 'stream.approval',
      when: 'the connection changed after it was signed',
      stream: 'owners',
      seen: 'run',
      isSigned: true,
      detail: /Not signed yet for/,
      async breaks(world) {
        await world.capture('ada@example.com')
        await world.map('leads', 'custom.colour', 'Colour__c')
        world.sandbox.seed({ fields: { Lead: [{ name: 'Colour__c', label: 'C', type: 'Text' }] } })
      },
      mends: (world) => world.sign(),
      cleared: 'next run',
    },
  ]),
]
