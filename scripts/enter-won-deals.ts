// Enters won deals of a CSV in a HubSpot (or its sandbox) through its API, each associated with the contact that has the lead's id at its source.
// node scripts/enter-won-deals.ts --file deals.csv --url http://127.0.0.1:4010 --token … --lead-column mql_id --amount-column declared_monthly_revenue --won-column won_date
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { detectDialect, SAMPLE_BYTES } from '#imports/dialect.ts'
import { readRows } from '#imports/reader.ts'

const { values } = parseArgs({
  options: {
    file: { type: 'string' },
    url: { type: 'string', default: 'http://127.0.0.1:4010' },
    token: { type: 'string' },
    'lead-column': { type: 'string' },
    'amount-column': { type: 'string' },
    'won-column': { type: 'string' },
    currency: { type: 'string', default: 'BRL' },
  },
})
const { file, url, token, currency } = values
const [leadColumn, amountColumn, wonColumn] = [
  values['lead-column'],
  values['amount-column'],
  values['won-column'],
]
if (!file || !token || !leadColumn || !amountColumn || !wonColumn) {
  console.error('Give --file, --token, --lead-column, --amount-column and --won-column.')
  process.exit(2)
}

interface Deal {
  lead: string
  amount: string
  wonAt: string
}

interface SearchAnswer {
  results: { id: string; properties: Record<string, string | null> }[]
}

const BATCH = 100
const DEAL_TO_CONTACT = 3

async function readDeals(path: string): Promise<Deal[]> {
  const head = await open(path)
  const { buffer, bytesRead } = await head.read(Buffer.alloc(SAMPLE_BYTES), 0, SAMPLE_BYTES, 0)
  await head.close()
  const dialect = await detectDialect(buffer.subarray(0, bytesRead))
  const deals: Deal[] = []
  for await (const row of readRows(createReadStream(path), dialect)) {
    if (row.kind === 'fault') throw new Error(`line ${row.line}: ${row.reason}`)
    const wonAt = new Date(`${row.cells[wonColumn!]!.replace(' ', 'T')}Z`)
    deals.push({
      lead: row.cells[leadColumn!]!,
      amount: row.cells[amountColumn!]! || '0',
      wonAt: wonAt.toISOString(),
    })
  }
  return deals
}

async function post<T>(path: string, body: unknown): Promise<T> {
  for (;;) {
    const answer = await fetch(url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (answer.status === 429) {
      await new Promise((resolve) => setTimeout(resolve, 1100)) // the vendor's search limit is by the second
      continue
    }
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${text.slice(0, 300)}`)
    return JSON.parse(text) as T
  }
}

async function findContacts(leads: string[]): Promise<Map<string, string>> {
  const { results } = await post<SearchAnswer>('/crm/v3/objects/contacts/search', {
    filterGroups: [
      { filters: [{ propertyName: 'hub_external_id', operator: 'IN', values: leads }] },
    ],
    properties: ['hub_external_id'],
    limit: BATCH,
  })
  return new Map(
    results.map((contact) => [contact.properties['hub_external_id'] ?? '', contact.id]),
  )
}

const deals = await readDeals(file)
let withContact = 0
for (let from = 0; from < deals.length; from += BATCH) {
  const batch = deals.slice(from, from + BATCH)
  const contacts = await findContacts([...new Set(batch.map((deal) => deal.lead))])
  await post('/crm/v3/objects/deals/batch/create', {
    inputs: batch.map((deal) => {
      const contact = contacts.get(deal.lead)
      if (contact !== undefined) withContact += 1
      return {
        properties: {
          dealname: `Seller ${deal.lead.slice(0, 8)}`,
          pipeline: 'default',
          dealstage: 'closedwon',
          amount: deal.amount,
          deal_currency_code: currency,
          closedate: deal.wonAt,
        },
        associations:
          contact === undefined
            ? []
            : [
                {
                  to: { id: contact },
                  types: [
                    { associationCategory: 'HUBSPOT_DEFINED', associationTypeId: DEAL_TO_CONTACT },
                  ],
                },
              ],
      }
    }),
  })
}
console.log(
  JSON.stringify({ deals: deals.length, withContact, withoutContact: deals.length - withContact }),
)
