import { pushBeside, type BesideFaults } from '#connectors/beside.ts'
import type { PushChange, PushResult, VendorProperties } from '#sync/connector.ts'
import type { SaveResult } from './answers.ts'
import { MOST_WRITTEN, type SalesforceClient } from './client.ts'
import { codeOf, refusedRow } from './errors.ts'
import { list } from './soql.ts'

/** Stand among the properties of an opportunity for rows of their own: who its people are, and who is the main one. */
export const PEOPLE = 'OpportunityContactRoles'
export const MAIN = 'OpportunityContactRoles.IsPrimary'

const OPPORTUNITIES_A_QUERY = 400

/** A row that is to be written, and the opportunity that it is of. */
interface Step {
  change: PushChange
  row: VendorProperties
}

interface Row {
  id: string
  contactId: string
  role: string
  isPrimary: boolean
}

/**
 * Writes opportunities, then their people: each becomes a contact role, whose rows are made, changed and deleted until they are as
 * sent, 200 a call. What is there is read first, so that a write that is repeated, or was cut off half-way, adds nothing twice.
 */
export function pushOpportunities(
  client: SalesforceClient,
  changes: readonly PushChange[],
  push: (rest: readonly PushChange[]) => Promise<PushResult[]>,
  signal: AbortSignal,
): Promise<PushResult[]> {
  return pushBeside(changes, [PEOPLE, MAIN], push, (beside) => writePeople(client, beside, signal))
}

/** @returns by opportunity the first fault of its rows. */
async function writePeople(
  client: SalesforceClient,
  changes: readonly PushChange[],
  signal: AbortSignal,
): Promise<BesideFaults> {
  const there = await rowsOf(client, changes, signal)
  const [made, changed, gone]: [Step[], Step[], Step[]] = [[], [], []]
  for (const change of changes) {
    const rows = there.get(change.externalId ?? '') ?? []
    const steps = stepsFor(change, rows)
    made.push(...steps.made)
    changed.push(...steps.changed)
    gone.push(...steps.gone)
  }
  const faults = new Map<PushChange, PushResult>()
  const write = async (
    steps: readonly Step[],
    send: (rows: VendorProperties[]) => Promise<SaveResult[]>,
  ) => {
    for (let from = 0; from < steps.length; from += MOST_WRITTEN) {
      const part = steps.slice(from, from + MOST_WRITTEN)
      const saved = await send(part.map(({ row }) => row))
      part.forEach(({ change }, i) => {
        const result = saved[i]
        const [error = { statusCode: 'ANSWER_INCOMPLETE', message: '' }] = result?.errors ?? []
        const isGone = codeOf(error) === 'ENTITY_IS_DELETED'
        if (result?.success !== true && !isGone && !faults.has(change))
          faults.set(change, refusedRow(error))
      })
    }
  }
  await write(gone, (rows) =>
    client.remove(
      rows.map(({ id }) => String(id)),
      signal,
    ),
  )
  await write(made, (rows) => client.insert('OpportunityContactRole', rows, signal))
  await write(changed, (rows) => client.update('OpportunityContactRole', rows, signal))
  return faults
}

async function rowsOf(
  client: SalesforceClient,
  changes: readonly PushChange[],
  signal: AbortSignal,
): Promise<Map<string, Row[]>> {
  const ids = changes.map(({ externalId }) => externalId ?? '')
  const there = new Map<string, Row[]>()
  for (let from = 0; from < ids.length; from += OPPORTUNITIES_A_QUERY) {
    const part = list(ids.slice(from, from + OPPORTUNITIES_A_QUERY))
    const soql = `SELECT Id, OpportunityId, ContactId, Role, IsPrimary FROM OpportunityContactRole WHERE OpportunityId IN (${part})`
    for (const row of await client.queryWhole(soql, signal)) {
      const id = String(row['OpportunityId'])
      const rows = there.get(id) ?? []
      rows.push({
        id: row.Id,
        contactId: String(row['ContactId']),
        role: typeof row['Role'] === 'string' ? row['Role'] : '',
        isPrimary: row['IsPrimary'] === true,
      })
      there.set(id, rows)
    }
  }
  return there
}

/** What is to be done to the rows of one opportunity. Pure. */
function stepsFor(
  change: PushChange,
  rows: readonly Row[],
): { made: Step[]; changed: Step[]; gone: Step[] } {
  const { [PEOPLE]: people, [MAIN]: main } = change.properties
  const wanted = new Map(
    Array.isArray(people)
      ? people.map((text) => {
          const [contactId = ''] = text.split(' ', 1)
          return [contactId, text.slice(contactId.length + 1)] as const
        })
      : rows.map(({ contactId, role }) => [contactId, role] as const),
  )
  const isMain = (contactId: string, isNow: boolean) =>
    main === undefined ? isNow : main === contactId
  const steps = { made: [] as Step[], changed: [] as Step[], gone: [] as Step[] }
  const seen = new Set<string>()
  for (const { id, contactId, role, isPrimary } of rows) {
    const next = wanted.get(contactId)
    // Salesforce lets a contact have several rows of one opportunity; the hub knows the person once.
    if (next === undefined) steps.gone.push({ change, row: { id } })
    else if (!seen.has(contactId)) {
      const row: VendorProperties = {}
      if (next !== role) row['Role'] = next === '' ? null : next
      if (isMain(contactId, isPrimary) !== isPrimary) row['IsPrimary'] = !isPrimary
      if (Object.keys(row).length > 0) steps.changed.push({ change, row: { id, ...row } })
    }
    seen.add(contactId)
  }
  for (const [contactId, role] of wanted) {
    if (seen.has(contactId)) continue
    const row = { OpportunityId: change.externalId, ContactId: contactId, Role: role || null }
    steps.made.push({ change, row: { ...row, IsPrimary: isMain(contactId, false) } })
  }
  return steps
}
