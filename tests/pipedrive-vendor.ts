import { pipedrive } from '#connectors/pipedrive/index.ts'
import { listOf, objectOf, textOf } from '#sandbox/json.ts'
import { startPipedrive } from '#sandbox/pipedrive/index.ts'
import type { TestAccount, TestVendor } from '#tests/connectors.test.ts'

/** Pipedrive's sandbox as the suite of all connectors drives it. */
export const pipedriveVendor: TestVendor = {
  connector: pipedrive,
  async start(now): Promise<TestAccount> {
    const sandbox = await startPipedrive({
      now,
      limits: { daily: null, tokenBurst: 100_000, searchBurst: 100_000 },
    })
    const address = { baseUrl: sandbox.url, dailyTokens: 1_000_000 }
    const read = (id: string, field: string) => sandbox.read('person', id, field)
    return {
      settings: { ...address, token: sandbox.token },
      wrongSettings: { ...address, token: 'wrong' },
      people: 'persons',
      companies: 'organizations',
      // Pipedrive takes any text as an e-mail address, but no more than 255 characters in a field.
      unfit: { jobTitle: 'nonsense '.repeat(40) },
      addPerson({ email, firstName, lastName }) {
        const person = { name: `${firstName} ${lastName}`, emails: [{ value: email }] }
        return sandbox.seed({ records: { person: [person] } }).ids.person[0]!
      },
      editPerson(id, { firstName, phone }) {
        const name = `${firstName} ${textOf(read(id, 'last_name')) ?? ''}`.trim()
        sandbox.edit('person', id, {
          ...(firstName === undefined ? {} : { name }),
          ...(phone === undefined ? {} : { phones: [{ value: phone }] }),
        })
      },
      readPerson(id, field) {
        if (field === 'firstName') return textOf(read(id, 'first_name'))
        const [first] = listOf(read(id, field === 'email' ? 'emails' : 'phones'))
        return textOf(objectOf(first)['value'])
      },
      removePerson: (id) => sandbox.remove('person', id),
      countPeople: () => sandbox.count('person'),
      addCompany: ({ name }) =>
        sandbox.seed({ records: { organization: [{ name }] } }).ids.organization[0]!,
      addCustomField(personId, value) {
        const field = { field_name: 'Favourite colour', field_type: 'varchar' }
        const [code = ''] = sandbox.seed({ fields: { person: [field] } }).codes.person
        sandbox.edit('person', personId, { custom_fields: { [code]: value } })
        return code
      },
      failNext(fault, times = 1) {
        if (fault === 'drop_after') {
          sandbox.failNext({ kind: 'drop-after', count: times, method: 'POST', path: '*/persons' })
          return
        }
        const status = fault === 'rate_burst' ? 429 : 503
        sandbox.failNext({ kind: 'status', status, count: times })
      },
      stop: () => sandbox.stop(),
    }
  },
}
