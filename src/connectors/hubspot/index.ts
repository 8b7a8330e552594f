import { DAY_MS, MINUTE_MS } from '#core/time.ts'
import type {
  Connector,
  FieldLink,
  LinkedPage,
  OpenConnection,
  PushChange,
  PullPage,
  Session,
  Stream,
} from '#sync/connector.ts'
import type { HubspotRecord } from './answers.ts'
import { HubspotSettings } from './auth.ts'
import { campaignStream } from './campaigns.ts'
import { HubspotClient } from './client.ts'
import { pushDeals } from './deal-people.ts'
import { hubspotHooks } from './hooks.ts'
import { companyFields, contactFields, dealFields, LEAD_ID_PROPERTY, taskFields } from './fields.ts'
import {
  accountToCompany,
  activityToTask,
  companyToCandidate,
  contactDefinitions,
  contactToCandidate,
  dealToCandidate,
  leadToContact,
  opportunityToDeal,
  ownerToCandidate,
  pipelineToCandidate,
  propertyGroup,
  stageEntryProperty,
  stagesToCandidates,
  taskToCandidate,
} from './mapping.ts'
import { pushRecords, type PushType } from './push.ts'
import { RecordReader, type RecordType } from './records.ts'

const DAILY = DAY_MS / MINUTE_MS
const BATCH = 100
const MAX_STAGE_PROPERTIES = 150

/** HubSpot: owners, pipelines and stages in; companies, contacts, deals, tasks and marketing campaigns both ways. */
export const hubspot: Connector = {
  vendor: 'hubspot',
  label: 'HubSpot',
  settings: HubspotSettings,
  logins: [
    { label: 'Service key or private-app token', fields: ['token'] },
    { label: 'OAuth app', fields: ['clientId', 'clientSecret', 'refreshToken'] },
  ],
  open: (connection) => openSession(connection),
  hooks: hubspotHooks,
  lacks: {
    'campaign.channel': 'HubSpot’s campaigns go through any number of channels.',
    'campaign.budgetMinor':
      'HubSpot adds up the budget items of a campaign; the sum is read, and the hub does not change it.',
    campaign_member:
      'HubSpot has no members of campaigns: who belongs to one is told by its reports, by lists and by UTM parameters.',
    'opportunity.primaryLead': 'HubSpot has no main contact of a deal.',
    'opportunity.account': 'The primary company of a deal is read; the hub does not change it.',
    'lead.account': 'The primary company of a contact is read; the hub does not change it.',
  },
}

function openSession(connection: OpenConnection): Session {
  const client = new HubspotClient(connection)
  const types = typesOf(client)
  return {
    async test(signal) {
      const account = await client.account(signal)
      // HubSpot docs: the daily limit starts again at midnight in the account's time zone.
      return { account: `HubSpot ${account.portalId}`, dayZone: account.timeZone ?? null }
    },
    preparation: `contacts:${contactDefinitions.map((definition) => definition.name).join(',')}`,
    // The pipelines, which several streams need; and a token, unless one was given.
    accountCalls: client.hasOwnToken ? 1 : 2,
    // What there is, the groups and ours, and each of our properties on its own.
    preparationCalls: 3 + contactDefinitions.length,
    prepare: (signal) =>
      client.ensureProperties('contacts', propertyGroup, contactDefinitions, signal),
    streams: [
      ownerStream(client),
      pipelineStream(client),
      stageStream(client),
      companyStream(client, connection, types.companies),
      contactStream(client, connection, types.contacts),
      dealStream(client, connection, types.deals),
      taskStream(client, connection, types.tasks),
      // Last: many accounts have none, and nothing else names them.
      campaignStream(client, connection),
    ],
    async identify(entity, externalIds, signal) {
      if (entity !== 'lead') return []
      const properties = [LEAD_ID_PROPERTY, 'email']
      const contacts = []
      for (let from = 0; from < externalIds.length; from += BATCH) {
        const ids = externalIds.slice(from, from + BATCH)
        contacts.push(...(await client.readMany('contacts', ids, properties, signal)))
      }
      return contacts.map(contactToCandidate)
    },
    async erase(_entity, externalId, signal) {
      await client.eraseContact(externalId, signal)
      return null
    },
    close: () => client.close(),
  }
}

/** Owners, then those that left: their deals stay theirs. */
function ownerStream(client: HubspotClient): Stream {
  return {
    name: 'owners',
    entity: 'owner',
    direction: 'pull',
    everyMinutes: DAILY,
    cadenceReason: 'People join and leave sales teams less often than daily.',
    batchSize: BATCH,
    // A page of 500 of those who are there and of those who left.
    sizeUp: async () => ({ records: null, calls: 2 }),
    async pull(cursor, signal): Promise<PullPage> {
      const at = readCursor(cursor)
      const page = await client.owners(at.after, at.archived, signal)
      const isLast = page.after === null && at.archived
      return {
        candidates: page.owners.map(ownerToCandidate),
        cursor: isLast ? null : { after: page.after, archived: at.archived || page.after === null },
        done: isLast,
      }
    },
  }
}

function pipelineStream(client: HubspotClient): Stream {
  return {
    name: 'pipelines',
    entity: 'pipeline',
    direction: 'pull',
    everyMinutes: DAILY,
    cadenceReason: 'Pipelines are reshaped rarely, and deals name them by id.',
    batchSize: BATCH,
    sizeUp: async () => ({ records: null, calls: 0 }),
    async pull(_cursor, signal): Promise<PullPage> {
      const pipelines = await client.pipelines(signal)
      return { candidates: pipelines.map(pipelineToCandidate), cursor: null, done: true }
    },
  }
}

function stageStream(client: HubspotClient): Stream {
  return {
    name: 'stages',
    entity: 'stage',
    direction: 'pull',
    everyMinutes: DAILY,
    cadenceReason: 'Stages are reshaped rarely, and deals name them by id.',
    batchSize: BATCH,
    sizeUp: async () => ({ records: null, calls: 0 }),
    async pull(_cursor, signal): Promise<PullPage> {
      const pipelines = await client.pipelines(signal)
      return { candidates: pipelines.flatMap(stagesToCandidates), cursor: null, done: true }
    },
  }
}

/** What is read of contacts besides what their fields name. */
const contactExtras = [LEAD_ID_PROPERTY]

function typesOf(
  client: HubspotClient,
): Record<'contacts' | 'companies' | 'deals' | 'tasks', RecordType> {
  const plain = (
    type: string,
    fields: readonly FieldLink[],
    candidateOf: RecordType['candidateOf'],
    extras: readonly string[] = [],
  ): RecordType => ({
    type,
    modifiedProperty: type === 'contacts' ? 'lastmodifieddate' : 'hs_lastmodifieddate',
    properties: async () => [...propertyNames(fields), ...extras],
    historyOf: historyOf(fields),
    complete: async (records) => records.map(candidateOf),
    callsToComplete: () => 0,
    candidateOf,
  })
  const alone = (deal: HubspotRecord) => dealToCandidate(deal, null)
  return {
    contacts: plain('contacts', contactFields, contactToCandidate, contactExtras),
    companies: plain('companies', companyFields, companyToCandidate),
    tasks: plain('tasks', taskFields, taskToCandidate),
    deals: {
      ...plain('deals', dealFields, alone),
      async properties(signal) {
        const pipelines = await client.pipelines(signal)
        const stageIds = pipelines.flatMap((pipeline) => pipeline.stages.map((stage) => stage.id))
        const entries = stageIds.slice(0, MAX_STAGE_PROPERTIES).map(stageEntryProperty)
        return [...propertyNames(dealFields), 'hs_is_closed_won', ...entries]
      },
      // The contacts of each page, and the account's currency once.
      callsToComplete: (pages) => pages + 1,
      /** Adds the contacts: search and batch reads come without associations. */
      async complete(deals, signal) {
        const ids = deals.map((deal) => deal.id)
        const contacts = await client.contactsOfDeals(ids, signal)
        const { companyCurrency, timeZone } = await client.account(signal)
        return deals.map((deal) =>
          dealToCandidate(deal, {
            contacts: contacts.get(deal.id) ?? new Map<string, string>(),
            accountCurrency: companyCurrency ?? 'USD',
            accountZone: timeZone ?? 'UTC',
          }),
        )
      },
    },
  }
}

/** HubSpot's properties that fields name; those with a placeholder or an association are read by other means. */
function propertyNames(fields: readonly FieldLink[]): string[] {
  return [...new Set(fields.flatMap((field) => field.properties))].filter(
    (name) => !/[<>/]/.test(name),
  )
}

/** The fields whose changes HubSpot dates one by one. */
function historyOf(fields: readonly FieldLink[]): ReadonlyMap<string, string> {
  return new Map(
    fields.flatMap(({ field, properties: [property], direction }) =>
      direction === 'both' && property !== undefined ? [[field, property] as const] : [],
    ),
  )
}

interface TwoWay {
  name: string
  entity: string
  fields: readonly FieldLink[]
  cadenceReason: string
  toVendor: NonNullable<Stream['toVendor']>
  idProperty?: string
}

/** A stream that pulls and pushes records of a type. */
function twoWayStream(
  client: HubspotClient,
  connection: OpenConnection,
  type: RecordType,
  { name, entity, fields, cadenceReason, toVendor, idProperty }: TwoWay,
): Stream & Required<Pick<Stream, 'push'>> {
  const mapped = (connection.mappings ?? [])
    .filter((mapping) => mapping.entity === entity)
    .map((mapping) => mapping.property)
  const reader = new RecordReader(client, connection.clock, type, mapped)
  const spec: PushType = {
    type: type.type,
    idProperty: idProperty ?? null,
    definitions: type.type === 'contacts' ? contactDefinitions : [],
    properties: propertyNames(fields),
    candidateOf: (record) => type.candidateOf(record),
  }
  return {
    name,
    entity,
    direction: 'both',
    fields,
    onlyLinked: idProperty === undefined,
    ...(idProperty === undefined
      ? {}
      : { recycles: 'HubSpot keeps them in its recycling bin for 90 days.' }),
    everyMinutes: DAILY,
    cadenceReason,
    batchSize: BATCH,
    costs: {
      read: { endpoint: `POST /crm/objects/{version}/${type.type}/batch/read`, records: BATCH },
      update: { endpoint: `POST /crm/objects/{version}/${type.type}/batch/update`, records: BATCH },
    },
    keepsHistory: true,
    sizeUp: (signal) => reader.sizeUp(signal),
    pull: (cursor, signal) => reader.pull(cursor, signal),
    fetch: (ids, signal, need) => reader.fetch(ids, signal, need),
    listDeleted: (ids, signal) => reader.listDeleted(ids, signal),
    listAll: (cursor, signal) => reader.listAll(cursor, signal),
    describe: (signal) => client.describe(type.type, signal),
    toVendor,
    push: (changes, signal) => pushRecords(client, spec, changes, signal),
  }
}

function contactStream(
  client: HubspotClient,
  connection: OpenConnection,
  type: RecordType,
): Stream {
  return {
    ...twoWayStream(client, connection, type, {
      name: 'contacts',
      entity: 'lead',
      fields: contactFields,
      cadenceReason:
        'Sales work on leads of the day before; run it more often for a faster hand-over.',
      toVendor: leadToContact,
      idProperty: LEAD_ID_PROPERTY,
    }),
    async listLinked(cursor, signal): Promise<LinkedPage> {
      const after = typeof cursor === 'string' ? cursor : null
      const page = await client.list('contacts', [LEAD_ID_PROPERTY], after, false, signal)
      const linked = page.records.flatMap((contact) => {
        const localId = contact.properties[LEAD_ID_PROPERTY]
        return localId ? [{ localId, externalId: contact.id }] : []
      })
      return { linked, cursor: page.after, done: page.after === null }
    },
  }
}

function companyStream(client: HubspotClient, connection: OpenConnection, type: RecordType) {
  return twoWayStream(client, connection, type, {
    name: 'companies',
    entity: 'account',
    fields: companyFields,
    cadenceReason: 'Contacts and deals name their company, whose facts change rarely.',
    toVendor: accountToCompany,
  })
}

function dealStream(client: HubspotClient, connection: OpenConnection, type: RecordType) {
  const stream = twoWayStream(client, connection, type, {
    name: 'deals',
    entity: 'opportunity',
    fields: dealFields,
    cadenceReason: 'Attribution and pipeline reports are read by the day.',
    toVendor: opportunityToDeal,
  })
  const { push } = stream
  return {
    ...stream,
    push: (changes: readonly PushChange[], signal: AbortSignal) =>
      pushDeals(client, changes, (rest) => push(rest, signal), signal),
  }
}

function taskStream(client: HubspotClient, connection: OpenConnection, type: RecordType) {
  return twoWayStream(client, connection, type, {
    name: 'tasks',
    entity: 'activity',
    fields: taskFields,
    cadenceReason: 'What sales did is read beside the lead, by the day.',
    toVendor: activityToTask,
  })
}

function readCursor(cursor: unknown): { after: string | null; archived: boolean } {
  if (typeof cursor !== 'object' || cursor === null) return { after: null, archived: false }
  const after = 'after' in cursor && typeof cursor.after === 'string' ? cursor.after : null
  return { after, archived: 'archived' in cursor && cursor.archived === true }
}
