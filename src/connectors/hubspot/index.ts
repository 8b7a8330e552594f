import { DAY_MS, MINUTE_MS } from '#core/time.ts'
import type {
  Connector,
  LinkedPage,
  OpenConnection,
  PullPage,
  Session,
  Stream,
} from '#sync/connector.ts'
import { HubspotSettings } from './auth.ts'
import { HubspotClient } from './client.ts'
import { pushContacts } from './contacts.ts'
import { DealReader } from './deals.ts'
import {
  contactDefinitions,
  contactToCandidate,
  LEAD_ID_PROPERTY,
  leadToContact,
  ownerToCandidate,
  pipelineToCandidate,
  propertyGroup,
  stagesToCandidates,
} from './mapping.ts'

const DAILY = DAY_MS / MINUTE_MS
const BATCH = 100

/** HubSpot: leads out as contacts; owners, pipelines, stages and deals in. */
export const hubspot: Connector = {
  vendor: 'hubspot',
  label: 'HubSpot',
  settings: HubspotSettings,
  open: (connection) => openSession(connection),
}

function openSession(connection: OpenConnection): Session {
  const client = new HubspotClient(connection)
  return {
    async test(signal) {
      const account = await client.account(signal)
      return { account: `HubSpot ${account.portalId}` }
    },
    preparation: `contacts:${contactDefinitions.map((definition) => definition.name).join(',')}`,
    prepare: (signal) =>
      client.ensureProperties('contacts', propertyGroup, contactDefinitions, signal),
    streams: [
      ownerStream(client),
      pipelineStream(client),
      stageStream(client),
      contactStream(client),
      dealStream(client, connection),
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
    async pull(_cursor, signal): Promise<PullPage> {
      const pipelines = await client.pipelines(signal)
      return { candidates: pipelines.flatMap(stagesToCandidates), cursor: null, done: true }
    },
  }
}

function contactStream(client: HubspotClient): Stream {
  return {
    name: 'contacts',
    entity: 'lead',
    direction: 'push',
    everyMinutes: DAILY,
    cadenceReason:
      'Sales work on leads of the day before; run it more often for a faster hand-over.',
    batchSize: BATCH,
    toVendor: leadToContact,
    push: (changes, signal) => pushContacts(client, changes, signal),
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

function dealStream(client: HubspotClient, connection: OpenConnection): Stream {
  const deals = new DealReader(client, connection.clock)
  return {
    name: 'deals',
    entity: 'opportunity',
    direction: 'pull',
    everyMinutes: DAILY,
    cadenceReason: 'Attribution and pipeline reports are read by the day.',
    batchSize: BATCH,
    pull: (cursor, signal) => deals.pull(cursor, signal),
    fetch: (ids, signal) => deals.fetch(ids, signal),
  }
}

function readCursor(cursor: unknown): { after: string | null; archived: boolean } {
  if (typeof cursor !== 'object' || cursor === null) return { after: null, archived: false }
  const after = 'after' in cursor && typeof cursor.after === 'string' ? cursor.after : null
  return { after, archived: 'archived' in cursor && cursor.archived === true }
}
