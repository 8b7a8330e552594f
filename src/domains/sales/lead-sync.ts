import { captureAll } from '#people/capture.store.ts'
import type { Capture, ConsentCapture, Personal } from '#people/capture.ts'
import { editLayers, findOwnValues } from '#people/layer.store.ts'
import { openPersonal, updatePeople } from '#people/person.store.ts'
import type { EventDraft } from '#jobs/job.ts'
import type { Transaction } from '#store/store.ts'
import type { EntityWrite, EntityWritten } from '#sync/entity.ts'
import { captureLeads, jobTitlesOf } from './capture-leads.ts'
import { pickGiven } from './fields.ts'
import { saveAccountsOf } from './kept-record.store.ts'
import { canMove, isChanged, withChange, type LeadState } from './lead.rules.ts'
import { LeadStatus, NewLead } from './lead.schema.ts'
import { findLeads, findPersonals, lockLeads } from './lead.store.ts'
import { progressLeads } from './progress.ts'
import { findSettings } from './score.store.ts'
import { flagOf, referenceOf, textOf } from './sync-values.ts'

const SOURCE = 'crm'
const personalFields = ['firstName', 'lastName', 'phone', 'jobTitle'] as const
const CUSTOM = 'custom.'

/** Takes in what a CRM says of leads: new ones like any submission, known ones field by field. */
export async function writeLeads(
  tx: Transaction,
  writes: readonly EntityWrite[],
  now: Date,
): Promise<{ written: EntityWritten[]; events: EventDraft[] }> {
  const events: EventDraft[] = []
  const written: EntityWritten[] = []
  const created = writes.filter((write) => write.localId === null)
  const createdIds = await createLeads(tx, created, now, events)
  const known = writes.filter((write) => write.localId !== null && !write.deleted)
  await updateLeads(tx, known, now, events)
  for (const write of writes) {
    if (write.localId === null) {
      written.push({ localId: createdIds.get(write)!, outcome: 'created' })
    } else {
      // Deleted in the CRM only ends its link: the person and what they did stay.
      written.push({ localId: write.localId, outcome: write.deleted ? 'deleted' : 'updated' })
    }
  }
  await saveAccounts(tx, writes, written)
  return { written, events }
}

async function createLeads(
  tx: Transaction,
  writes: readonly EntityWrite[],
  now: Date,
  events: EventDraft[],
): Promise<Map<EntityWrite, string>> {
  if (writes.length === 0) return new Map()
  const inputs = writes.map(inputOf)
  const settled = await captureLeads(inputs, { tx, now, emit: (event) => events.push(event) })
  const ids = new Map<EntityWrite, string>()
  settled.forEach((one, i) => {
    if (one.kind === 'refused') throw one.problem
    ids.set(writes[i]!, one.output.id)
  })
  // What a submission does not carry: who works on it, and how far it is.
  const rest = writes.map((write) => ({ ...write, localId: ids.get(write)! }))
  await updateLeads(tx, rest, now, events)
  return ids
}

/** A CRM's record as a submission that is no touch: a list that is loaded is no interaction. */
function inputOf({ externalId, values }: EntityWrite): NewLead {
  const email = textOf(values, 'email')
  const named = Object.fromEntries(
    [...personalFields, 'company' as const, 'country' as const].map((field) => [
      field,
      textOf(values, field) ?? undefined,
    ]),
  )
  return NewLead.parse({
    source: SOURCE,
    event: 'import',
    // Without an address the CRM's own id names the person.
    ...(email === null ? { externalId } : { email }),
    ...pickGiven(named),
  })
}

async function updateLeads(
  tx: Transaction,
  writes: readonly EntityWrite[],
  now: Date,
  events: EventDraft[],
): Promise<void> {
  if (writes.length === 0) return
  await lockLeads(tx)
  const leads = new Map<string, LeadState>(
    (await findLeads(tx, { ids: writes.map((write) => write.localId!) })).map((lead) => [
      lead.id,
      lead,
    ]),
  )
  const due = writes.flatMap((write) => {
    const lead = leads.get(write.localId!)
    return lead ? [{ write, lead }] : []
  })
  const personIds = due.map(({ lead }) => lead.personId)
  const personals = await findPersonals(tx, personIds)
  const held = new Map(
    personals.map(({ personId, personal }) => [personId, openPersonal(tx, personId, personal)]),
  )
  await capture(tx, due, held, now, events)
  const after = new Map<string, Personal>()
  for (const { write, lead } of due) {
    const before = after.get(lead.personId) ?? held.get(lead.personId) ?? {}
    const personal = personalAfter(before, write)
    if (personal !== before) after.set(lead.personId, personal)
  }
  const changed = [...after].map(([id, personal]) => ({ id, identified: false, personal }))
  if (changed.length > 0) await updatePeople(tx, changed, now)
  await editLayers(
    tx,
    due.map(({ write, lead: { personId, homeId } }) => ({
      personId,
      homeId: homeId ?? personId,
      change: (own) => personalAfter(own, write),
    })),
  )
  const drafts = due.map(({ write, lead }) => ({ before: lead, after: leadAfter(lead, write) }))
  const settings = await findSettings(tx)
  const jobTitles = jobTitlesOf(tx, await findPersonals(tx, personIds))
  const moved = drafts.filter(({ before, after }) => before !== after)
  const progressed = await progressLeads(tx, moved, { settings, jobTitles, cause: 'change', now })
  const isNew = new Set<string>(after.keys())
  const told = new Set<string>()
  for (const { before, after } of progressed.drafts) {
    if (before !== null && isChanged({ before, after })) told.add(after.id)
  }
  for (const { lead } of due) if (isNew.has(lead.personId)) told.add(lead.id)
  for (const { lead, write } of due) {
    if (!told.has(lead.id)) continue
    const fields = [...Object.keys(write.values), ...Object.keys(write.references)]
    events.push({
      event: 'lead.updated',
      subjectId: lead.id,
      data: { personId: lead.personId, fields },
    })
  }
  events.push(...progressed.events)
}

/** Another address and consents go through the people engine, which knows whom an address names. */
async function capture(
  tx: Transaction,
  due: readonly { write: EntityWrite; lead: LeadState }[],
  held: ReadonlyMap<string, Personal>,
  now: Date,
  events: EventDraft[],
): Promise<void> {
  const own = await findOwnValues(
    tx,
    due.map(({ lead }) => lead.homeId ?? lead.personId),
  )
  const captures = due.flatMap(({ write, lead }): Capture[] => {
    const { email } = own.get(lead.homeId ?? lead.personId) ?? {}
    const next = textOf(write.values, 'email')
    const optOut = flagOf(write.values, 'emailOptOut')
    const isOther = next !== null && next.toLowerCase() !== email?.toLowerCase()
    if (email === undefined || (!isOther && optOut === null)) return []
    const consents: ConsentCapture[] =
      optOut === null
        ? []
        : [{ purpose: 'marketing', channel: 'email', status: optOut ? 'withdrawn' : 'granted' }]
    const identities: Capture['identities'] = [{ kind: 'email', value: email }]
    if (isOther) identities.push({ kind: 'email', value: next })
    const personal: Personal = isOther ? { email: next } : {}
    return [{ source: SOURCE, identities, personal, consents, touch: null }]
  })
  const captured = await captureAll(tx, captures, now)
  events.push(...captured.events)
  // The people engine has just written the address: what is written next must not put the old one back.
  const ids = due.map(({ lead }) => lead.personId)
  if (captures.length === 0) return
  for (const { personId, personal } of await findPersonals(tx, ids)) {
    Object.assign(held.get(personId) ?? {}, openPersonal(tx, personId, personal))
  }
}

/** The same object when nothing differs. */
function personalAfter(held: Personal, { values }: EntityWrite): Personal {
  const personal: Personal = { ...held }
  let isOther = false
  for (const field of personalFields) {
    if (values[field] === undefined) continue
    const text = textOf(values, field)
    if ((personal[field] ?? null) === text) continue
    isOther = true
    if (text === null) delete personal[field]
    else personal[field] = text
  }
  return isOther ? personal : held
}

function leadAfter(lead: LeadState, write: EntityWrite): LeadState {
  const { values } = write
  const facts = pickGiven({
    company: values['company'] === undefined ? undefined : textOf(values, 'company'),
    country: values['country'] === undefined ? undefined : textOf(values, 'country'),
  })
  let after = Object.keys(facts).length > 0 ? withChange(lead, facts) : lead
  const status = LeadStatus.safeParse(values['status']).data
  if (status !== undefined && status !== after.status && canMove(after.status, status)) {
    after = { ...after, status }
  }
  const ownerId = referenceOf(write, 'owner', after.ownerId) as LeadState['ownerId']
  if (ownerId !== after.ownerId) after = { ...after, ownerId, routing: null }
  const custom = Object.entries(values).filter(([field]) => field.startsWith(CUSTOM))
  if (custom.length > 0) {
    const own = custom.map(([field, value]) => [field.slice(CUSTOM.length), value] as const)
    after = { ...after, custom: { ...after.custom, ...Object.fromEntries(own) } }
  }
  return after
}

async function saveAccounts(
  tx: Transaction,
  writes: readonly EntityWrite[],
  written: readonly EntityWritten[],
): Promise<void> {
  const accounts = new Map<string, string | null>()
  writes.forEach(({ references }, i) => {
    const named = references['account']
    if (!named) return
    const [first] = named
    if (!first) accounts.set(written[i]!.localId, null)
    else if (first.localId) accounts.set(written[i]!.localId, first.localId)
  })
  await saveAccountsOf(tx, accounts)
}
