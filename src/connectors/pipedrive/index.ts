import { DAY_MS, MINUTE_MS } from '#core/time.ts'
import {
  type Connector,
  type OpenConnection,
  type PullPage,
  type Session,
  type Stream,
} from '#sync/connector.ts'
import type { Candidate } from '#sync/entity.ts'
import type { PipedriveRecord } from './answers.ts'
import { PipedriveSettings } from './auth.ts'
import { MAX_IDS, PipedriveClient } from './client.ts'
import { DealPeople, pushDeals } from './deal-people.ts'
import { describeField } from './describe.ts'
import { pipedriveHooks } from './hooks.ts'
import {
  activityFields,
  dealFields,
  LEAD_ID_KEY,
  organizationFields,
  personFields,
  personHubFields,
} from './fields.ts'
import { findCalls, PersonFinder } from './finder.ts'
import { HubFields } from './hub-fields.ts'
import {
  activityToCandidate,
  dealToCandidate,
  organizationToCandidate,
  personToCandidate,
  pipelineToCandidate,
  stageToCandidate,
  userToCandidate,
} from './mapping.ts'
import {
  accountToOrganization,
  activityToTask,
  leadToPerson,
  opportunityToDeal,
} from './outbound.ts'
import { OwnHooks } from './own-hooks.ts'
import { Pusher, type PushType } from './push.ts'
import { RecordReader, type RecordType } from './reader.ts'

const DAILY = DAY_MS / MINUTE_MS
/** Persons of a batch: each batch is looked for in what changed since the last one, and that is to fit on one page of 500. */
const BATCH = 400

/** Pipedrive: users, pipelines and stages in; organizations, persons, deals and activities both ways. */
export const pipedrive: Connector = {
  vendor: 'pipedrive',
  label: 'Pipedrive',
  settings: PipedriveSettings,
  logins: [
    { label: 'API token', fields: ['token'] },
    { label: 'OAuth app', fields: ['clientId', 'clientSecret', 'refreshToken'] },
  ],
  open: (connection) => openSession(connection),
  lacks: {
    campaign:
      'Pipedrive has no campaigns: the channel of a record and the hub’s campaign field say where it came from.',
    campaign_member: 'Pipedrive has no campaigns that people could belong to.',
  },
  hooks: pipedriveHooks,
  // At five to ten tokens a call, half of what the smallest plan leaves the hub.
  changeCallsPerDay: 1000,
}

function openSession(connection: OpenConnection): Session {
  const client = new PipedriveClient(connection)
  const fields = new HubFields(client, 'personFields', personHubFields)
  const hooks = new OwnHooks(client, connection.clock)
  return {
    async test(signal) {
      const me = await client.me(signal)
      return { account: `Pipedrive ${me.company_name ?? me.company_domain ?? me.company_id ?? ''}` }
    },
    preparation: `persons:${personHubFields.map(({ key }) => key).join(',')}`,
    // Who the login is; a token, unless one was given; and the webhooks.
    accountCalls: (client.hasOwnToken ? 1 : 2) + hooks.calls,
    // What there is, when persons are read and when they are written, and each field of ours on its own.
    preparationCalls: 2 + personHubFields.length,
    prepare: (signal) => fields.ensure(signal),
    streams: [
      userStream(client),
      pipelineStream(client),
      stageStream(client),
      organizationStream(client, connection),
      personStream(client, connection, fields),
      dealStream(client, connection),
      activityStream(client, connection),
    ],
    async identify(entity, externalIds, signal) {
      if (entity !== 'lead') return []
      const persons: PipedriveRecord[] = []
      for (let from = 0; from < externalIds.length; from += MAX_IDS) {
        const ids = externalIds.slice(from, from + MAX_IDS)
        persons.push(...(await client.readMany('persons', ids, {}, signal)))
      }
      return personsToCandidates(client, fields, persons, signal)
    },
    subscribe: (address, signal) => hooks.subscribe(address, signal),
    quota: async () => [client.quota()],
    async erase(_entity, externalId, signal) {
      await client.remove('persons', externalId, signal)
      return 'Pipedrive keeps it for 30 days before it is gone for good.'
    },
    close: () => client.close(),
  }
}

function userStream(client: PipedriveClient): Stream {
  return listStream(
    'owners',
    'owner',
    'People join and leave sales teams less often than daily.',
    async (signal) => (await client.users(signal)).map(userToCandidate),
  )
}

function pipelineStream(client: PipedriveClient): Stream {
  return listStream(
    'pipelines',
    'pipeline',
    'Pipelines are reshaped rarely, and deals name them by id.',
    async (signal) => (await client.pipelines(signal)).map(pipelineToCandidate),
  )
}

function stageStream(client: PipedriveClient): Stream {
  return listStream(
    'stages',
    'stage',
    'Stages are reshaped rarely, and deals name them by id.',
    async (signal) => (await client.stages(signal)).map(stageToCandidate),
  )
}

/** A stream of records that are few: all of them in one page. */
function listStream(
  name: string,
  entity: string,
  cadenceReason: string,
  list: (signal: AbortSignal) => Promise<Candidate[]>,
): Stream {
  return {
    name,
    entity,
    direction: 'pull',
    everyMinutes: DAILY,
    cadenceReason,
    batchSize: MAX_IDS,
    // More than a page of them is rare.
    sizeUp: async () => ({ records: null, calls: 1 }),
    async pull(_cursor, signal): Promise<PullPage> {
      return { candidates: await list(signal), cursor: null, done: true }
    },
  }
}

/** What the streams of both directions have in common. */
function twoWay(
  client: PipedriveClient,
  { clock }: OpenConnection,
  readType: RecordType,
  pushType: PushType,
): Pick<Stream, 'direction' | 'everyMinutes' | 'batchSize' | 'fetchSize' | 'costs'> &
  Required<
    Pick<Stream, 'sizeUp' | 'pull' | 'fetch' | 'listDeleted' | 'listAll' | 'describe' | 'push'>
  > & {
    reader: RecordReader
  } {
  const reader = new RecordReader(client, clock, readType)
  const pusher = new Pusher(client, pushType)
  return {
    reader,
    direction: 'both',
    everyMinutes: DAILY,
    batchSize: BATCH,
    fetchSize: MAX_IDS,
    costs: {
      read: { endpoint: `GET /api/v2/${pushType.path}`, records: MAX_IDS },
      update: { endpoint: `PATCH /api/v2/${pushType.path}/{id}`, records: 1 },
    },
    sizeUp: (signal) => reader.sizeUp(signal),
    pull: (cursor, signal) => reader.pull(cursor, signal),
    fetch: (ids, signal) => reader.fetch(ids, signal),
    listDeleted: (ids, signal) => reader.listDeleted(ids, signal),
    listAll: (cursor, signal) => reader.listAll(cursor, signal),
    describe: async (signal) => (await pushType.fields.all(signal)).map(describeField),
    push: (changes, signal) => pusher.push(changes, signal),
  }
}

/** The reader and writer of a kind that the hub only changes. */
function simple(
  client: PipedriveClient,
  connection: OpenConnection,
  path: 'organizations' | 'activities',
  candidateOf: (record: PipedriveRecord) => Candidate,
) {
  const fieldPath = path === 'organizations' ? 'organizationFields' : 'activityFields'
  return twoWay(
    client,
    connection,
    {
      path,
      query: {},
      hasArchive: false,
      recents: path === 'organizations' ? 'organization' : 'activity',
      complete: async (records) => records.map(candidateOf),
    },
    {
      path,
      fields: new HubFields(client, fieldPath, []),
      candidateOf: async (record) => candidateOf(record),
    },
  )
}

function organizationStream(client: PipedriveClient, connection: OpenConnection): Stream {
  const { reader: _reader, ...ways } = simple(
    client,
    connection,
    'organizations',
    organizationToCandidate,
  )
  return {
    ...ways,
    name: 'organizations',
    entity: 'account',
    fields: organizationFields,
    onlyLinked: true,
    cadenceReason: 'Companies change slowly, and persons and deals name them by id.',
    toVendor: accountToOrganization,
  }
}

async function personsToCandidates(
  client: PipedriveClient,
  fields: HubFields,
  persons: readonly PipedriveRecord[],
  signal: AbortSignal,
): Promise<Candidate[]> {
  const codes = await fields.knownCodes(signal)
  const { id } = await client.me(signal)
  return persons.map((person) => personToCandidate(person, codes, id))
}

function personStream(
  client: PipedriveClient,
  connection: OpenConnection,
  fields: HubFields,
): Stream {
  const { reader, ...ways } = twoWay(
    client,
    connection,
    {
      path: 'persons',
      query: {},
      hasArchive: false,
      recents: 'person',
      complete: (persons, signal) => personsToCandidates(client, fields, persons, signal),
    },
    {
      path: 'persons',
      fields,
      async candidateOf(person, signal) {
        return (await personsToCandidates(client, fields, [person], signal))[0]!
      },
      finder: new PersonFinder(client, fields, connection.clock),
    },
  )
  return {
    ...ways,
    name: 'persons',
    entity: 'lead',
    recycles: 'Pipedrive keeps them as deleted for 30 days.',
    fields: personFields,
    cadenceReason:
      'Sales work on leads of the day before; run it more often for a faster hand-over.',
    toVendor: leadToPerson,
    lookCalls: (made, there) => findCalls(made, there, BATCH),
    async listLinked(cursor, signal) {
      const code = (await fields.codes(signal)).get(LEAD_ID_KEY) ?? ''
      const localIdOf = (person: PipedriveRecord) => {
        const value = person.custom_fields?.[code]
        return typeof value === 'string' && value !== '' ? value : null
      }
      return reader.listLinked(cursor, localIdOf, signal)
    },
  }
}

function dealStream(client: PipedriveClient, connection: OpenConnection): Stream {
  const people = new DealPeople(client)
  const currency = async (signal: AbortSignal) =>
    (await client.me(signal)).default_currency ?? 'USD'
  const { reader: _reader, ...ways } = twoWay(
    client,
    connection,
    {
      path: 'deals',
      query: { status: 'open,won,lost,deleted', includeFields: 'participants_count' },
      hasArchive: true,
      async complete(deals, signal) {
        const personIds = await people.of(deals, signal)
        const usual = await currency(signal)
        return deals.map((deal) => dealToCandidate(deal, personIds.get(deal.id) ?? [], usual))
      },
    },
    {
      path: 'deals',
      fields: new HubFields(client, 'dealFields', []),
      candidateOf: async (deal, signal) => dealToCandidate(deal, null, await currency(signal)),
    },
  )
  return {
    ...ways,
    name: 'deals',
    entity: 'opportunity',
    fields: dealFields,
    onlyLinked: true,
    cadenceReason: 'Attribution and pipeline reports are read by the day.',
    toVendor: opportunityToDeal,
    push: (changes, signal) =>
      pushDeals(client, changes, (rest) => ways.push(rest, signal), signal),
  }
}

function activityStream(client: PipedriveClient, connection: OpenConnection): Stream {
  const { reader: _reader, ...ways } = simple(client, connection, 'activities', activityToCandidate)
  return {
    ...ways,
    name: 'activities',
    entity: 'activity',
    fields: activityFields,
    onlyLinked: true,
    cadenceReason: 'What was done is counted by the day.',
    toVendor: activityToTask,
  }
}
