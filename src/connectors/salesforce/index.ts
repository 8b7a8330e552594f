import { DAY_MS, MINUTE_MS } from '#core/time.ts'
import {
  VendorFault,
  type Connector,
  type OpenConnection,
  type PullPage,
  type Session,
  type Stream,
} from '#sync/connector.ts'
import type { Candidate } from '#sync/entity.ts'
import { SalesforceSettings } from './auth.ts'
import { SalesforceClient } from './client.ts'
import {
  accountFields,
  campaignFields,
  contactFields,
  HUB_ID,
  leadFields,
  memberFields,
  opportunityFields,
  taskFields,
} from './fields.ts'
import {
  accountToCandidate,
  campaignToCandidate,
  contactToCandidate,
  leadToCandidate,
  memberToCandidate,
  opportunityToCandidate,
  queueToCandidate,
  taskToCandidate,
  userToCandidate,
} from './mapping.ts'
import { rolesOf } from './opportunities.ts'
import {
  accountToSalesforce,
  activityToSalesforce,
  campaignToSalesforce,
  contactToSalesforce,
  leadToSalesforce,
  memberToSalesforce,
  opportunityToSalesforce,
} from './outbound.ts'
import { pipelinesOf, stageCalls, stagesOf } from './pipelines.ts'
import { PREPARATION, prepare } from './prepare.ts'
import { isId } from './soql.ts'
import { twoWayStream } from './streams.ts'

const DAILY = DAY_MS / MINUTE_MS
const BATCH = 2000
/** Users who are people, not sites and integrations. */
const PEOPLE = "UserType = 'Standard'"

/**
 * Salesforce: owners, record types and stages in; accounts, campaigns, leads, contacts, opportunities, tasks and campaign
 * members both ways. The hub makes leads, campaigns and memberships; of the others it changes those that are there.
 */
export const salesforce: Connector = {
  vendor: 'salesforce',
  label: 'Salesforce',
  settings: SalesforceSettings,
  logins: [
    { label: 'Client credentials', fields: ['clientId', 'clientSecret'] },
    { label: 'Refresh token', fields: ['clientId', 'clientSecret', 'refreshToken'] },
    { label: 'Certificate (JWT)', fields: ['clientId', 'privateKey', 'username'] },
    { label: 'Session, for a trial', fields: ['accessToken'] },
  ],
  open: (connection) => openSession(connection),
}

function openSession(connection: OpenConnection): Session {
  const client = new SalesforceClient(connection)
  return {
    async test(signal) {
      const { id, name } = await client.organization(signal)
      return { account: `Salesforce ${name} (${id})` }
    },
    preparation: PREPARATION,
    // What its objects are like, in one batch; and a session, unless one was given.
    accountCalls: client.settings.accessToken === undefined ? 2 : 1,
    // Fields; the permission set is looked for and made; its rights, who the login is, its assignment; and what is there afterwards.
    preparationCalls: 7,
    prepare: (signal) => prepare(client, signal),
    streams: streamsOf(client, connection),
    async identify(entity, externalIds, signal) {
      const object = entity === 'lead' ? 'Lead' : entity === 'contact' ? 'Contact' : null
      if (object === null) return []
      const candidates: Candidate[] = []
      const described = await client.describe(object, signal)
      const hasKey = described.fields.some(({ name }) => name === HUB_ID)
      const fields = ['Id', 'Email', 'SystemModstamp', ...(hasKey ? [HUB_ID] : [])]
      const candidateOf = object === 'Lead' ? leadToCandidate : contactToCandidate
      const known = externalIds.filter(isId)
      for (let from = 0; from < known.length; from += BATCH) {
        const ids = known.slice(from, from + BATCH)
        const rows = await client.readMany(object, ids, fields, signal)
        for (const row of rows) if (row) candidates.push(candidateOf(row))
      }
      return candidates
    },
    quota: (signal) => client.quota(signal),
    async erase(_entity, externalId, signal) {
      const [result] = await client.remove([externalId], signal)
      const code = result?.errors[0]?.statusCode
      if (!result?.success && code !== 'ENTITY_IS_DELETED') {
        const kind = code === 'INSUFFICIENT_ACCESS_OR_READONLY' ? 'permission' : 'record'
        throw new VendorFault(kind, `Salesforce did not delete the record: ${code ?? 'no reason'}.`)
      }
      return 'It lies in the recycle bin for 15 days; empty the bin to erase it at once.'
    },
    close: () => client.close(),
  }
}

function streamsOf(client: SalesforceClient, connection: OpenConnection): Stream[] {
  const { currency } = client.settings
  const twoWay = (way: Parameters<typeof twoWayStream>[3]) =>
    twoWayStream(client, connection, DAILY, way)
  return [
    ownerStream(client),
    pipelineStream(client),
    stageStream(client),
    twoWay({
      name: 'accounts',
      entity: 'account',
      object: 'Account',
      fields: accountFields,
      cadenceReason: 'Contacts and opportunities name their account, whose facts change rarely.',
      candidateOf: accountToCandidate,
      toVendor: accountToSalesforce,
    }),
    twoWay({
      name: 'campaigns',
      entity: 'campaign',
      object: 'Campaign',
      fields: campaignFields,
      cadenceReason: 'Campaigns are planned for weeks, and members name them.',
      candidateOf: (row) => campaignToCandidate(row, { currency }),
      toVendor: campaignToSalesforce,
      creates: true,
    }),
    ...personStreams(client, connection),
    twoWay({
      name: 'opportunities',
      entity: 'opportunity',
      object: 'Opportunity',
      fields: opportunityFields,
      cadenceReason: 'Attribution and pipeline reports are read by the day.',
      candidateOf: (row) => opportunityToCandidate(row, { currency }, rolesOf(row)),
      toVendor: opportunityToSalesforce,
      parent: 'AccountId',
    }),
    twoWay({
      name: 'campaign members',
      entity: 'campaign_member',
      object: 'CampaignMember',
      fields: memberFields,
      cadenceReason: 'Responses are read with the leads, by the day.',
      candidateOf: memberToCandidate,
      toVendor: memberToSalesforce,
      creates: true,
      pushesDeletes: true,
      parent: 'CampaignId',
    }),
    twoWay({
      name: 'tasks',
      entity: 'activity',
      object: 'Task',
      fields: taskFields,
      cadenceReason: 'What sales did is read beside the lead, by the day.',
      candidateOf: taskToCandidate,
      toVendor: activityToSalesforce,
    }),
  ]
}

/** The same person twice: a lead until it is converted, a contact afterwards. */
function personStreams(client: SalesforceClient, connection: OpenConnection): Stream[] {
  const converted = [
    'IsConverted',
    'ConvertedContactId',
    'ConvertedAccountId',
    'ConvertedOpportunityId',
  ]
  return [
    twoWayStream(client, connection, DAILY, {
      name: 'leads',
      entity: 'lead',
      object: 'Lead',
      fields: leadFields,
      cadenceReason:
        'Sales work on leads of the day before; run it more often for a faster hand-over.',
      candidateOf: leadToCandidate,
      toVendor: leadToSalesforce,
      extras: converted,
      creates: true,
      required: ['LastName', 'Company'],
    }),
    twoWayStream(client, connection, DAILY, {
      name: 'contacts',
      entity: 'contact',
      object: 'Contact',
      fields: contactFields,
      cadenceReason: 'Converted leads go on as contacts; they change as rarely as leads.',
      candidateOf: contactToCandidate,
      toVendor: contactToSalesforce,
      required: ['LastName'],
      parent: 'AccountId',
    }),
  ]
}

/** Users and queues, those who left among them: their leads stay theirs. */
function ownerStream(client: SalesforceClient): Stream {
  return {
    name: 'owners',
    entity: 'owner',
    direction: 'pull',
    everyMinutes: DAILY,
    cadenceReason: 'People join and leave sales teams less often than daily.',
    batchSize: BATCH,
    async sizeUp(signal) {
      const { totalSize } = await client.query(`SELECT COUNT() FROM User WHERE ${PEOPLE}`, signal)
      return { records: totalSize, calls: Math.max(1, Math.ceil(totalSize / BATCH)) + 1 }
    },
    async pull(_cursor, signal): Promise<PullPage> {
      const users = await client.queryWhole(
        `SELECT Id, Name, Email, IsActive, SystemModstamp FROM User WHERE ${PEOPLE}`,
        signal,
      )
      const queues = await client.queryWhole(
        "SELECT Id, Name, SystemModstamp FROM Group WHERE Type = 'Queue'",
        signal,
      )
      const candidates = [...users.map(userToCandidate), ...queues.map(queueToCandidate)]
      return { candidates, cursor: null, done: true }
    },
  }
}

function pipelineStream(client: SalesforceClient): Stream {
  return {
    name: 'pipelines',
    entity: 'pipeline',
    direction: 'pull',
    everyMinutes: DAILY,
    cadenceReason: 'Record types are reshaped rarely, and opportunities name them by id.',
    batchSize: BATCH,
    // They are part of what the objects are like.
    sizeUp: async () => ({ records: null, calls: 0 }),
    async pull(_cursor, signal): Promise<PullPage> {
      return { candidates: await pipelinesOf(client, signal), cursor: null, done: true }
    },
  }
}

function stageStream(client: SalesforceClient): Stream {
  return {
    name: 'stages',
    entity: 'stage',
    direction: 'pull',
    everyMinutes: DAILY,
    cadenceReason: 'Stages are reshaped rarely, and opportunities name them.',
    batchSize: BATCH,
    sizeUp: async (signal) => ({ records: null, calls: await stageCalls(client, signal) }),
    async pull(_cursor, signal): Promise<PullPage> {
      return { candidates: await stagesOf(client, signal), cursor: null, done: true }
    },
  }
}
