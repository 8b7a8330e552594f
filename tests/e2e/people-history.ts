import assert from 'node:assert/strict'
import { sql } from 'kysely'
import { saveRole } from '#access/permissions/permission.store.ts'
import { silentLog } from '#core/log.ts'
import { DAY_MS } from '#core/time.ts'
import { captureLeads } from '#domains/sales/capture-leads.ts'
import { NewLead } from '#domains/sales/lead.schema.ts'
import { insertRouting } from '#domains/sales/routing.store.ts'
import type { EventDraft } from '#jobs/job.ts'
import { captureAll } from '#people/capture.store.ts'
import type { Capture } from '#people/capture.ts'
import { duplicatesJob } from '#people/duplicate.jobs.ts'
import { mergeByHand } from '#people/merge.ts'
import type { Store, Transaction } from '#store/store.ts'

/** What the tests of the pages for people and leads look for. */
export interface PeopleHistory {
  /** Ada Lovelace, who may be one with another Ada. */
  personId: string
  otherPersonId: string
  leadId: string
}

const ada = { firstName: 'Ada', lastName: 'Lovelace', company: 'Northwind' }
const firm = { country: 'DE', industry: 'Software', employees: 300 }

/** Leads as people send them in: two Adas who may be one, one to reject, one whose score is set by hand. */
const submissions = [
  {
    ...ada,
    ...firm,
    email: 'ada.lovelace@northwind.example',
    phone: '030 5550199',
    jobTitle: 'Head of Marketing',
    event: 'demo_request',
    form: 'demo',
    pageUrl: 'https://www.example.com/demo',
    consents: [{ purpose: 'marketing', text: 'Yes, send me the newsletter.' }],
    custom: { plan: 'team' },
  },
  { ...ada, email: 'adalovelace+news@northwind.example', phone: '+49 30 5550199' },
  { ...firm, email: 'linus@fjord.example', firstName: 'Linus', lastName: 'Bergqvist' },
  { ...firm, email: 'katherine@orbit.example', firstName: 'Katherine', lastName: 'Johnson' },
] as const

/** Pairs by a shared phone or a spelling: the two Nils are merged, the Ines are three, and the Ottos two, to be merged at once. */
const others = [
  { email: 'bob.stone@quarry.example', firstName: 'Bob', phone: '040 7770123' },
  { email: 'robert@stone.example', firstName: 'Robert', phone: '040 7770123' },
  { email: 'mary.shelley@geneva.example', firstName: 'Mary', lastName: 'Shelley' },
  { email: 'maryshelley@geneva.example', firstName: 'Mary', lastName: 'Shelley' },
  { email: 'nils.holm@birch.example', firstName: 'Nils', lastName: 'Holm' },
  { email: 'n.holm@birch.example', firstName: 'Nils', jobTitle: 'CTO' },
  { email: 'ines.prado@lisbon.example', firstName: 'Ines', lastName: 'Prado', jobTitle: 'Buyer' },
  { email: 'inesprado@lisbon.example', firstName: 'Ines', lastName: 'Prado', jobTitle: 'CPO' },
  { email: 'ines.prado+x@lisbon.example', firstName: 'Ines', country: 'PT' },
  { email: 'otto.frank@tower.example', firstName: 'Otto', jobTitle: 'Analyst' },
  { email: 'ottofrank@tower.example', firstName: 'Otto', jobTitle: 'Head of Data' },
] as const

/** Sees people and leads, and their personal values only masked. */
const reader = {
  name: 'reader',
  label: 'Reads people',
  scopes: ['workspace:read', 'people:read', 'leads:read', 'tasks:read', 'opportunities:read'],
}

/** People who have names, pairs of them that may be one, an identity conflict, and a merge. */
export async function seedPeople(
  store: Store,
  workspaceId: string,
  now: Date,
): Promise<PeopleHistory> {
  const history = await store.transaction(workspaceId, async (tx) => {
    await saveRole(tx, reader, now)
    const lead = await seedLeads(tx, now)
    const { outcomes } = await captureAll(tx, others.map(known), now)
    const [, , , , into, from] = outcomes.map(({ personId }) => personId as `per_${string}`)
    await mergeByHand(tx, { into: into!, from: from!, by: 'usr_ada' }, now)
    await captureAll(tx, [meeting(now)], now)
    return lead
  })
  const context = { store, clock: { now: () => now }, log: silentLog }
  const { signal } = new AbortController()
  await duplicatesJob.run({ workspaceId }, { ...context, signal, enqueue: () => Promise.resolve() })
  return history
}

async function seedLeads(tx: Transaction, now: Date): Promise<PeopleHistory> {
  const owners = await tx.query(sql<{ id: `own_${string}` }>`select id from owners`)
  const shared = { strategy: 'round_robin', slaMinutes: 1440, followUp: 'mql' } as const
  const ownerIds = owners.map(({ id }) => id)
  const dach = { countries: ['DE', 'AT', 'CH'] }
  const rule = { id: 'dach', name: 'German-speaking countries', when: dach, ownerIds, ...shared }
  await insertRouting(tx, { rules: [rule], fallback: { ownerIds, ...shared } }, 'usr_ada', now)
  const events: EventDraft[] = []
  const emit = (event: EventDraft) => void events.push(event)
  const inputs = submissions.map((input) => NewLead.parse(input))
  const [first, second] = await captureLeads(inputs, { tx, now, emit })
  assert(first?.kind === 'done' && second?.kind === 'done')
  const { id: leadId, personId } = first.output
  return { leadId, personId, otherPersonId: second.output.personId }
}

function known({ email, ...personal }: (typeof others)[number]): Capture {
  return {
    source: 'api',
    identities: [{ kind: 'email', value: email }],
    personal: { email, ...personal },
    consents: [],
    touch: null,
  }
}

/** Katherine’s product account is used with Linus’s address. */
function meeting(now: Date): Capture {
  return {
    source: 'api',
    identities: [
      { kind: 'email', value: 'linus@fjord.example' },
      { kind: 'email', value: 'katherine@orbit.example' },
    ],
    personal: {},
    consents: [],
    touch: { kind: 'page_view', channel: 'direct', occurredAt: new Date(now.getTime() - DAY_MS) },
  }
}
