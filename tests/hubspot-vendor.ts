import { hubspot } from '#connectors/hubspot/index.ts'
import { startHubspot } from '#sandbox/hubspot/index.ts'
import type { TestAccount, TestVendor } from '#tests/connectors.test.ts'

const properties = { email: 'email', firstName: 'firstname', lastName: 'lastname', phone: 'phone' }

/** HubSpot's sandbox as the suite of all connectors drives it. */
export const hubspotVendor: TestVendor = {
  connector: hubspot,
  async start(now): Promise<TestAccount> {
    const sandbox = await startHubspot({
      now,
      limits: { tenSecondly: null, daily: null, searchSecondly: null },
    })
    const named = (values: Partial<Record<keyof typeof properties, string>>) =>
      Object.fromEntries(
        Object.entries(values).map(([field, value]) => [
          properties[field as keyof typeof properties],
          value,
        ]),
      )
    return {
      settings: { baseUrl: sandbox.url, token: sandbox.token },
      wrongSettings: { baseUrl: sandbox.url, token: 'pat-wrong' },
      people: 'contacts',
      companies: 'companies',
      addPerson: (person) => sandbox.seedContacts([named(person)])[0]!,
      editPerson: (id, changes) => sandbox.edit('contacts', id, named(changes)),
      readPerson: (id, field) => sandbox.read('contacts', id, properties[field]),
      removePerson: (id) => sandbox.remove('contacts', id),
      countPeople: () => sandbox.count('contacts'),
      addCompany: (company) =>
        sandbox.seed({ records: { companies: [{ properties: company }] } }).companies[0]!,
      addCustomField(personId, value) {
        const name = 'favourite_colour'
        const definition = {
          name,
          label: 'Favourite colour',
          type: 'string',
          fieldType: 'text',
          groupName: 'contactinformation',
        }
        sandbox.seed({ properties: { contacts: [definition] } })
        sandbox.edit('contacts', personId, { [name]: value })
        return name
      },
      failNext(fault, times = 1) {
        if (fault === 'drop_after') sandbox.failNext({ kind: 'drop-after', count: times })
        else {
          const status = fault === 'rate_burst' ? 429 : 503
          sandbox.failNext({ kind: 'status', status, count: times })
        }
      },
      stop: () => sandbox.stop(),
    }
  },
}
