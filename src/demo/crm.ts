import { formatMinor } from '#core/money.ts'
import { DAY_MS } from '#core/time.ts'
import type { Progress } from '#demo/load.ts'
import type { DealStage } from '#worlds/deals.ts'
import type { World } from '#worlds/world.ts'

/** HubSpot's default deal pipeline, for the stages of the simulated company. */
const stageIds: Readonly<Record<DealStage, string>> = {
  qualification: 'appointmentscheduled',
  discovery: 'qualifiedtobuy',
  proposal: 'presentationscheduled',
  negotiation: 'contractsent',
  won: 'closedwon',
  lost: 'closedlost',
}
const DEAL_TO_CONTACT = 3
const BATCH = 100

interface CrmAccount {
  url: string
  token: string
}

interface BatchAnswer {
  results: { id: string; properties: Record<string, string | null> }[]
}

/** Enters the world's deals in the CRM as its salespeople would, for the contacts that the hub has brought there. */
export async function enterDeals(
  crm: CrmAccount,
  world: World,
  ownerIds: ReadonlyMap<string, string>,
  progress: Progress,
): Promise<number> {
  const leads = new Set(world.leads.map((lead) => lead.personId))
  const emails = new Map(world.people.map((person) => [person.id, person.email.toLowerCase()]))
  const contacts = await findContacts(
    crm,
    world.leads.map((lead) => emails.get(lead.personId)!),
  )
  const inputs = world.deals.map((deal) => ({
    properties: {
      dealname: deal.name,
      pipeline: 'default',
      dealstage: stageIds[deal.stages.at(-1)!.stage],
      amount: formatMinor(deal.amountMinor, deal.currency),
      deal_currency_code: deal.currency,
      createdate: deal.createdAt.toISOString(),
      closedate: (deal.closedAt ?? expectedClose(deal.createdAt)).toISOString(),
      ...(ownerIds.has(deal.ownerId) ? { hubspot_owner_id: ownerIds.get(deal.ownerId)! } : {}),
    },
    associations: deal.personIds
      .filter((personId) => leads.has(personId))
      .flatMap((personId) => contacts.get(emails.get(personId)!) ?? [])
      .map((id) => ({
        to: { id },
        types: [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId: DEAL_TO_CONTACT }],
      })),
  }))
  for (let from = 0; from < inputs.length; from += BATCH) {
    await post(crm, '/crm/v3/objects/deals/batch/create', {
      inputs: inputs.slice(from, from + BATCH),
    })
    progress('deals', Math.min(from + BATCH, inputs.length), inputs.length)
  }
  return inputs.length
}

/** When sales expects an open deal to close: some eleven weeks after it was opened. */
function expectedClose(openedAt: Date): Date {
  return new Date(openedAt.getTime() + 77 * DAY_MS)
}

/** Contact ids by e-mail. */
async function findContacts(
  crm: CrmAccount,
  emails: readonly string[],
): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  const unique = [...new Set(emails)]
  for (let from = 0; from < unique.length; from += BATCH) {
    const inputs = unique.slice(from, from + BATCH).map((id) => ({ id }))
    const answer = await post<BatchAnswer>(crm, '/crm/v3/objects/contacts/batch/read', {
      idProperty: 'email',
      properties: ['email'],
      inputs,
    })
    for (const contact of answer.results)
      if (contact.properties['email']) found.set(contact.properties['email'], contact.id)
  }
  return found
}

async function post<T>(crm: CrmAccount, path: string, body: unknown): Promise<T> {
  const answer = await fetch(crm.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${crm.token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const text = await answer.text()
  if (!answer.ok)
    throw new Error(`the CRM answered ${answer.status} to ${path}: ${text.slice(0, 300)}`)
  return JSON.parse(text) as T
}
