import { salesforce } from '#connectors/salesforce/index.ts'
import { startSalesforce } from '#sandbox/salesforce/index.ts'
import type { TestVendor } from '#tests/connectors.test.ts'

const FIELDS = { email: 'Email', firstName: 'FirstName', phone: 'Phone' } as const

/** Salesforce, where a person of the funnel is a lead. */
export const salesforceVendor: TestVendor = {
  connector: salesforce,
  async start(now) {
    const sandbox = await startSalesforce({ now })
    return {
      settings: { baseUrl: sandbox.url, accessToken: sandbox.token },
      wrongSettings: { baseUrl: sandbox.url, accessToken: 'wrong' },
      people: 'leads',
      companies: 'accounts',
      addPerson: ({ email, firstName, lastName }) =>
        sandbox.add('Lead', {
          Email: email,
          FirstName: firstName,
          LastName: lastName,
          Company: 'Analytical Engines',
        }),
      editPerson(id, changes) {
        const values = Object.entries(changes).map(([field, value]) => [
          FIELDS[field as keyof typeof FIELDS],
          value,
        ])
        sandbox.edit('Lead', id, Object.fromEntries(values) as Record<string, string>)
      },
      readPerson(id, field) {
        const value = sandbox.read('Lead', id, FIELDS[field])
        return typeof value === 'string' ? value : null
      },
      removePerson: (id) => sandbox.remove('Lead', id),
      countPeople: () => sandbox.count('Lead'),
      addCompany: ({ name }) => sandbox.add('Account', { Name: name }),
      addCustomField(personId, value) {
        const name = 'Favourite_Colour__c'
        const definition = { name, label: 'Favourite colour', type: 'Text', length: 50 }
        sandbox.seed({ fields: { Lead: [definition] } })
        sandbox.edit('Lead', personId, { [name]: value })
        return name
      },
      failNext(fault, times = 1) {
        if (fault === 'drop_after') sandbox.failNext({ kind: 'drop-after', count: times })
        else if (fault === 'unavailable') {
          sandbox.failNext({ kind: 'status', status: 503, count: times })
        } else {
          const policy = 'ConcurrentRequests'
          sandbox.failNext({ kind: 'status', status: 403, policy, count: times })
        }
      },
      stop: () => sandbox.stop(),
    }
  },
}
