import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ManualClock } from '#core/time.ts'
import {
  VendorFault,
  type Connector,
  type FieldMapping,
  type PushChange,
  type Session,
  type Stream,
  type VendorCall,
} from '#sync/connector.ts'
import type { Candidate, EntityRecord } from '#sync/entity.ts'
import { hubspotVendor } from '#tests/hubspot-vendor.ts'
import { pipedriveVendor } from '#tests/pipedrive-vendor.ts'
import { salesforceVendor } from '#tests/salesforce-vendor.ts'

/** What the suite needs of a vendor's sandbox: the connector's view of it is not trusted. */
export interface TestVendor {
  connector: Connector
  /** Starts an empty account; `nowMs` follows the clock that the connection is given. */
  start(now: () => number): Promise<TestAccount>
}

export interface TestAccount {
  settings: Record<string, unknown>
  wrongSettings: Record<string, unknown>
  /** The stream of people that pushes, and the one of companies; by the connector's names. */
  people: string
  companies: string
  /** Values of a person that the vendor refuses, with the word `nonsense` in them; a malformed address unless given. */
  unfit?: EntityRecord['values']
  /** Adds a person as somebody at the vendor does; answers the vendor's id. */
  addPerson(person: { email: string; firstName: string; lastName: string }): string
  /** Changes a person as somebody at the vendor does. */
  editPerson(id: string, changes: { firstName?: string; phone?: string }): void
  /** A person's value at the vendor now; null when blank. */
  readPerson(id: string, field: 'email' | 'firstName' | 'phone'): string | null
  removePerson(id: string): void
  countPeople(): number
  addCompany(company: { name: string }): string
  /** Makes a text field of the customer's own for people and sets it; answers its name. */
  addCustomField(personId: string, value: string): string
  /** The next call fails so; `times` calls. */
  failNext(fault: 'rate_burst' | 'unavailable' | 'drop_after', times?: number): void
  stop(): Promise<void>
}

/** One line a connector: each passes the same suite. */
const vendors: readonly TestVendor[] = [hubspotVendor, pipedriveVendor, salesforceVendor]

const signal = new AbortController().signal
const start = new Date('2026-11-23T08:00:00Z')

describe.each(vendors.map((vendor) => [vendor.connector.label, vendor] as const))(
  '%s',
  (_label, vendor) => {
    let clock: ManualClock
    let account: TestAccount
    let calls: VendorCall[]
    const sessions: Session[] = []

    beforeEach(async () => {
      clock = new ManualClock(start)
      calls = []
      account = await vendor.start(() => clock.now().getTime())
    })
    afterEach(async () => {
      for (const session of sessions.splice(0)) await session.close()
      await account.stop()
    })

    function open(settings = account.settings, mappings: readonly FieldMapping[] = []): Session {
      const session = vendor.connector.open({
        id: 'con_test',
        settings,
        clock,
        onCall: (call) => calls.push(call),
        saveSettings: async () => undefined,
        wait: async () => undefined,
        mappings,
      })
      sessions.push(session)
      return session
    }

    const streamOf = (session: Session, name: string): Stream => {
      const stream = session.streams.find((one) => one.name === name)
      if (!stream) throw new Error(`no stream ${name}`)
      return stream
    }
    const people = (session = open()) => streamOf(session, account.people)

    /** Pulls to the end of a run. */
    async function pullAll(stream: Stream, from: unknown = null) {
      const found: Candidate[] = []
      let cursor = from
      for (let pages = 0; pages < 1000; pages += 1) {
        const page = await stream.pull!(cursor, signal)
        found.push(...page.candidates)
        // What is kept between pages goes through the database as JSON.
        cursor = JSON.parse(JSON.stringify(page.cursor)) as unknown
        if (page.done) return { found, cursor }
      }
      throw new Error('the stream does not end')
    }

    async function faultOf(work: Promise<unknown>): Promise<VendorFault> {
      const error = await work.then(
        () => null,
        (thrown: unknown) => thrown,
      )
      expect(error).toBeInstanceOf(VendorFault)
      return error as VendorFault
    }

    function changeOf(
      stream: Stream,
      localId: string,
      values: EntityRecord['values'],
      externalId: string | null = null,
    ): PushChange {
      const record = { localId, values }
      return { key: localId, record, externalId, properties: stream.toVendor!(record, {}) }
    }

    const lead = (n: number) => ({
      email: `lead${n}@example.com`,
      firstName: `First${n}`,
      lastName: `Last${n}`,
    })

    describe('the face', () => {
      test('names its account, and asks for a login when the credentials are wrong', async () => {
        expect((await open().test(signal)).account).not.toBe('')
        expect((await faultOf(open(account.wrongSettings).test(signal))).kind).toBe('reauth')
      })

      test('every stream can do what its direction says, under a name of its own', () => {
        const { streams } = open()
        expect(new Set(streams.map((stream) => stream.name)).size).toBe(streams.length)
        for (const stream of streams) {
          const { direction } = stream
          if (direction !== 'push') expect(stream.pull, stream.name).toBeDefined()
          if (direction !== 'pull') expect(stream.push, stream.name).toBeDefined()
          if (direction !== 'pull') expect(stream.toVendor, stream.name).toBeDefined()
          // What is merged field by field is read before it is written, and says which field is where.
          if (direction === 'both') expect(stream.fetch, stream.name).toBeDefined()
          if (direction === 'both') expect(stream.fields?.length, stream.name).toBeGreaterThan(0)
          for (const link of stream.fields ?? []) {
            expect(link.properties.length, `${stream.name}.${link.field}`).toBeGreaterThan(0)
          }
        }
        expect(streams.map((stream) => stream.entity)).toEqual(
          expect.arrayContaining(['owner', 'stage', 'account', 'lead', 'opportunity', 'activity']),
        )
      })

      test('has campaigns, their members and the people of deals, or says why it has not', () => {
        const { streams } = open()
        const { lacks = {} } = vendor.connector
        const fields = streams.flatMap(({ entity, fields: links = [] }) =>
          links.flatMap(({ field, direction }) =>
            direction === 'pull' ? [] : [`${entity}.${field}`],
          ),
        )
        const has = new Set([...streams.map(({ entity }) => entity), ...fields])
        for (const what of [
          'campaign',
          'campaign_member',
          'opportunity.leads',
          'opportunity.primaryLead',
          'opportunity.account',
        ]) {
          expect([what, has.has(what), lacks[what] !== undefined]).toEqual([
            what,
            has.has(what),
            !has.has(what),
          ])
        }
      })

      test('tells the fields that the vendor has, the customer’s own among them', async () => {
        const id = account.addPerson(lead(1))
        const name = account.addCustomField(id, 'blue')
        const fields = await people().describe!(signal)
        expect(fields.length).toBeGreaterThan(5)
        expect(fields.find((field) => field.name === name)).toMatchObject({
          custom: true,
          writable: true,
          type: 'text',
        })
        expect(fields.some((field) => !field.custom)).toBe(true)
        expect(fields.some((field) => !field.writable)).toBe(true)
      })
    })

    describe('pulling', () => {
      test('reads everything once, then only what changed', async () => {
        const ids = Array.from({ length: 250 }, (_, i) => account.addPerson(lead(i)))
        const stream = people()
        clock.advance(60_000)
        const first = await pullAll(stream)
        expect(new Set(first.found.map((one) => one.externalId))).toEqual(new Set(ids))
        expect(first.found).toHaveLength(250)
        clock.advance(3_600_000)
        account.editPerson(ids[7]!, { firstName: 'Grace' })
        clock.advance(60_000)
        const second = await pullAll(stream, first.cursor)
        const changed = second.found.filter((one) => one.values['firstName'] === 'Grace')
        expect(changed.map((one) => one.externalId)).toEqual([ids[7]])
        expect(second.found.length).toBeLessThan(20)
        clock.advance(3_600_000)
        const third = await pullAll(stream, second.cursor)
        expect(third.found.length).toBeLessThan(20)
      })

      test('gives people in our words, with the time of their last change', async () => {
        const id = account.addPerson(lead(1))
        clock.advance(60_000)
        const [found] = (await pullAll(people())).found
        expect(found).toMatchObject({ externalId: id, deleted: false, values: lead(1) })
        expect(Math.abs(found!.modifiedAt!.getTime() - start.getTime())).toBeLessThan(120_000)
      })

      test('a deleted record comes as gone, and only once', async () => {
        const ids = [1, 2, 3].map((n) => account.addPerson(lead(n)))
        const stream = people()
        clock.advance(60_000)
        const first = await pullAll(stream)
        clock.advance(3_600_000)
        account.removePerson(ids[1]!)
        clock.advance(60_000)
        const second = await pullAll(stream, first.cursor)
        const gone = second.found.filter((one) => one.deleted)
        expect(gone.map((one) => one.externalId)).toEqual([ids[1]])
        clock.advance(3_600_000)
        const third = await pullAll(stream, second.cursor)
        expect(third.found.filter((one) => one.deleted)).toEqual([])
      })

      test('keeps the customer’s own values although nothing is mapped to them', async () => {
        const id = account.addPerson(lead(1))
        const name = account.addCustomField(id, 'blue')
        clock.advance(60_000)
        const [found] = (await pullAll(people())).found
        expect(found?.raw?.[name]).toBe('blue')
      })

      test('an unreadable position is named as such and leads to a new beginning', async () => {
        const fault = await faultOf(people().pull!({ not: 'ours' }, signal))
        expect(fault.kind).toBe('cursor_lost')
      })

      test('records asked for by id come as they are; unknown ids do not', async () => {
        const ids = [1, 2].map((n) => account.addPerson(lead(n)))
        const found = await people().fetch!([...ids, '999999999'], signal)
        expect(
          found
            .filter((one) => !one.deleted)
            .map((one) => one.externalId)
            .sort(),
        ).toEqual([...ids].sort())
      })

      test('the list of all ids is complete', async () => {
        const ids = Array.from({ length: 130 }, (_, i) => account.addPerson(lead(i)))
        const stream = people()
        const listed: string[] = []
        for (let cursor: unknown = null; ;) {
          const page = await stream.listAll!(cursor, signal)
          listed.push(...page.records.map((record) => record.externalId))
          if (page.done) break
          cursor = page.cursor
        }
        expect(listed.sort()).toEqual([...ids].sort())
      })

      test('companies come as accounts', async () => {
        const id = account.addCompany({ name: 'Analytical Engines' })
        clock.advance(60_000)
        const { found } = await pullAll(streamOf(open(), account.companies))
        expect(found).toMatchObject([{ externalId: id, values: { name: 'Analytical Engines' } }])
      })
    })

    describe('pushing', () => {
      async function prepared() {
        const session = open()
        await session.prepare(signal)
        return people(session)
      }

      test('creates what is new, and a repeated push creates nothing more', async () => {
        const stream = await prepared()
        const changes = [1, 2, 3].map((n) => changeOf(stream, `lead_${n}`, lead(n)))
        const first = await stream.push!(changes, signal)
        expect(first.map((result) => result.kind)).toEqual(['written', 'written', 'written'])
        expect(account.countPeople()).toBe(3)
        clock.advance(60_000)
        const again = await stream.push!(changes, signal)
        const idsOf = (results: typeof first) =>
          results.map((result) => (result.kind === 'refused' ? null : result.externalId))
        expect(idsOf(again)).toEqual(idsOf(first))
        expect(account.countPeople()).toBe(3)
      })

      test('changes only what it is sent; what is absent stays, what is null is cleared', async () => {
        const stream = await prepared()
        const id = account.addPerson(lead(1))
        account.editPerson(id, { phone: '+49 30 901820' })
        const change = changeOf(stream, 'lead_1', { firstName: 'Augusta' }, id)
        const [result] = await stream.push!([change], signal)
        expect(result).toMatchObject({ kind: 'written', externalId: id, created: false })
        expect(account.readPerson(id, 'firstName')).toBe('Augusta')
        expect(account.readPerson(id, 'phone')).toBe('+49 30 901820')
        await stream.push!([changeOf(stream, 'lead_1', { phone: null }, id)], signal)
        expect(account.readPerson(id, 'phone')).toBeNull()
        expect(account.readPerson(id, 'email')).toBe('lead1@example.com')
      })

      test('one record that is refused is named and stops no other', async () => {
        const stream = await prepared()
        const unfit = account.unfit ?? { email: 'nonsense' }
        const changes = Array.from({ length: 20 }, (_, i) =>
          changeOf(stream, `lead_${i}`, i === 7 ? { ...lead(i), ...unfit } : lead(i)),
        )
        const results = await stream.push!(changes, signal)
        const refused = results.flatMap((result, i) => (result.kind === 'refused' ? [i] : []))
        expect(refused).toEqual([7])
        expect(account.countPeople()).toBe(19)
        const [told] = results.filter((result) => result.kind === 'refused')
        expect(told?.code).not.toBe('')
        expect(JSON.stringify(told)).not.toContain('nonsense')
      })

      test('an answer that was lost after the vendor wrote leads to no second record', async () => {
        const stream = await prepared()
        const change = changeOf(stream, 'lead_1', lead(1))
        account.failNext('drop_after')
        expect((await faultOf(stream.push!([change], signal))).kind).toBe('transient')
        const [result] = await stream.push!([change], signal)
        expect(result?.kind).not.toBe('refused')
        expect(account.countPeople()).toBe(1)
      })

      test('what was written comes back as it was sent', async () => {
        const stream = await prepared()
        await stream.push!([changeOf(stream, 'lead_1', lead(1))], signal)
        clock.advance(60_000)
        const [found] = (await pullAll(stream)).found
        expect(found?.values).toMatchObject(lead(1))
      })
    })

    describe('mappings of the workspace', () => {
      test('a person is erased there, and whoever is not there any more counts as erased', async () => {
        const session = open()
        const stay = account.addPerson({ email: 'b@example.com', firstName: 'B', lastName: 'B' })
        const gone = account.addPerson({ email: 'a@example.com', firstName: 'A', lastName: 'A' })
        await session.erase!('lead', gone, signal)
        expect(account.countPeople()).toBe(1)
        expect(account.readPerson(stay, 'firstName')).toBe('B')
        const again = await session.erase!('lead', gone, signal).catch((error: unknown) => error)
        if (again instanceof VendorFault) expect(again.kind).toBe('gone')
        else expect(again === null || typeof again === 'string').toBe(true)
        expect(account.countPeople()).toBe(1)
      })

      test('a mapped property is read and written beside the connector’s own', async () => {
        const id = account.addPerson(lead(1))
        const property = account.addCustomField(id, 'blue')
        const mapping: FieldMapping = {
          entity: 'lead',
          field: 'custom.colour',
          property,
          direction: 'both',
          policy: null,
          transform: { kind: 'none' },
        }
        const session = open(account.settings, [mapping])
        await session.prepare(signal)
        const stream = people(session)
        const [before] = await stream.fetch!([id], signal)
        expect(before?.raw?.[property]).toBe('blue')
        const record = { localId: 'lead_1', values: {} }
        const change = { key: 'lead_1', record, externalId: id, properties: { [property]: 'red' } }
        expect((await stream.push!([change], signal))[0]?.kind).toBe('written')
        const [after] = await stream.fetch!([id], signal)
        expect(after?.raw?.[property]).toBe('red')
      })
    })

    describe('faults', () => {
      test('too many calls are told apart from a vendor that is down', async () => {
        account.failNext('rate_burst')
        expect((await faultOf(people().pull!(null, signal))).kind).toBe('rate_burst')
        account.failNext('unavailable')
        expect((await faultOf(people().pull!(null, signal))).kind).toBe('transient')
      })

      test('every call is counted, without a query or a secret', async () => {
        await pullAll(people())
        expect(calls.length).toBeGreaterThan(0)
        for (const call of calls) {
          expect(call.path).not.toContain('?')
          expect(JSON.stringify(call)).not.toContain(String(Object.values(account.settings).at(-1)))
        }
      })

      test('a run that is stopped makes no further call', async () => {
        const aborted = AbortSignal.abort()
        const session = open()
        await expect(people(session).pull!(null, aborted)).rejects.toThrow()
        expect(calls.filter((call) => call.status !== 0)).toEqual([])
      })
    })
  },
)
