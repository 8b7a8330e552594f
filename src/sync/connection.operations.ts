import { z } from 'zod'
import { newId } from '#core/id.ts'
import { cutPage, decodeCursor, Page, PageQuery } from '#core/page.ts'
import { Problem } from '#core/problem.ts'
import { findZone } from '#core/zone.ts'
import { defineOperation, type Operation } from '#gateway/operation.ts'
import type { Transaction } from '#store/store.ts'
import {
  Connection,
  ConnectionChange,
  ConnectionId,
  NewConnection,
  TestAnswer,
} from './connection.schema.ts'
import {
  deleteConnection,
  findConnection,
  insertConnection,
  listConnections,
  readSettings,
  updateConnection,
  type ConnectionRow,
} from './connection.store.ts'
import { listConnectors } from './connector-catalogue.ts'
import { insertDisconnection } from './disconnection.store.ts'
import { closeHooks } from './hook-lease.store.ts'
import { connectorOf, tryOut, type Connectors } from './open-session.ts'
import { ensureStreams } from './run.store.ts'
import { hideSecrets, holdsSecret, parseSettings } from './settings.rules.ts'
import { streamOperations } from './stream.operations.ts'

const ConnectionRef = z.object({ connectionId: ConnectionId })
const noConnection = () => new Problem('resource.not_found', 'There is no connection with this id.')

/** The operations on connections and their streams, for the connectors that this hub has. */
export function connectionOperations(connectors: Connectors): readonly Operation[] {
  return [
    createConnection(connectors),
    listConnectors(connectors),
    listAll(connectors),
    getOne(connectors),
    changeConnection(connectors),
    removeConnection(connectors),
    testConnection(connectors),
    ...streamOperations(connectors),
  ]
}

const createConnection = (connectors: Connectors) =>
  defineOperation({
    id: 'createConnection',
    method: 'POST',
    path: '/api/v1/connections',
    scope: 'connections:write',
    tag: 'Connections',
    summary: 'Connect a system',
    description:
      'The credentials are tried at once and kept only when they work; they are sealed and never shown again. The first run starts within a minute.',
    event: 'connection.created',
    subject: (connection) => connection.id,
    location: (connection) => `/api/v1/connections/${connection.id}`,
    version: (connection) => connection.version,
    input: NewConnection,
    output: Connection,
    async perform(input, { tx, now }) {
      const connector = connectorOf(connectors, input.vendor)
      const settings = parseSettings(connector, input.settings)
      const id = newId('con')
      const { account, dayZone, streams } = await tryOut(connector, id, settings, now)
      const row: ConnectionRow = {
        id,
        vendor: connector.vendor,
        name: input.name,
        account,
        state: 'active',
        dailyCalls: null,
        callDayZone: dayZone ?? 'UTC',
        livePercent: input.livePercent,
        planAbove: input.planAbove,
        readBack: input.readBack,
        credentialsAt: now,
        credentialsEndOn: input.credentialsEndOn,
        createdAt: now,
        updatedAt: now,
        version: 1,
      }
      if (!(await insertConnection(tx, row, settings))) throw duplicate(input.name)
      await ensureStreams(tx, id, streams, now)
      return viewOf(connectors, row, settings)
    },
  })

const listAll = (connectors: Connectors) =>
  defineOperation({
    id: 'listConnections',
    method: 'GET',
    path: '/api/v1/connections',
    scope: 'connections:read',
    tag: 'Connections',
    summary: 'List connected systems',
    input: PageQuery,
    output: Page(Connection),
    async perform({ limit, cursor }, { tx }) {
      const after = cursor === undefined ? '' : String(decodeCursor(cursor, 1)[0])
      const page = cutPage(await listConnections(tx, limit, after), limit, (row) => [row.id])
      const data = []
      for (const row of page.data) data.push(await viewWithSettings(tx, connectors, row))
      return { ...page, data }
    },
  })

const getOne = (connectors: Connectors) =>
  defineOperation({
    id: 'getConnection',
    method: 'GET',
    path: '/api/v1/connections/{connectionId}',
    scope: 'connections:read',
    tag: 'Connections',
    summary: 'Show a connected system',
    version: (connection) => connection.version,
    input: ConnectionRef,
    output: Connection,
    async perform({ connectionId }, { tx }) {
      const row = await findConnection(tx, connectionId)
      if (!row) throw noConnection()
      return viewWithSettings(tx, connectors, row)
    },
  })

const changeConnection = (connectors: Connectors) =>
  defineOperation({
    id: 'updateConnection',
    method: 'PATCH',
    path: '/api/v1/connections/{connectionId}',
    scope: 'connections:write',
    tag: 'Connections',
    summary: 'Rename, pause or re-login a connection',
    description:
      'New settings are tried before they are kept; they end the state needs_login. Running syncs go on with the old ones.',
    event: 'connection.updated',
    subject: (connection) => connection.id,
    version: (connection) => connection.version,
    input: ConnectionChange,
    output: Connection,
    async perform(
      { connectionId, name, state, settings: given, callDayZone, ...rest },
      { tx, now, expectedVersion },
    ) {
      const known = await readSettings(tx, connectionId, 'lock')
      const row = await findConnection(tx, connectionId)
      if (!row || !known) throw noConnection()
      if (expectedVersion !== null && expectedVersion !== row.version) {
        throw new Problem(
          'resource.version_mismatch',
          'The connection changed in the meantime: look at it again.',
        )
      }
      const connector = connectorOf(connectors, row.vendor)
      const settings = given && parseSettings(connector, merged(known, given))
      const tried = settings && (await tryOut(connector, connectionId, settings, now))
      const zone = callDayZone === undefined ? tried?.dayZone : zoneOf(callDayZone)
      const active = settings && row.state === 'needs_login' ? 'active' : undefined
      const renewed = given && holdsSecret(connector.settings, given)
      const credentials = renewed ? { credentialsAt: now, credentialsEndOn: null } : {}
      const kept = { name, state: state ?? active, account: tried?.account, settings }
      const changes = { ...credentials, ...kept, callDayZone: zone ?? undefined, ...rest }
      if (!(await updateConnection(tx, connectionId, changes, now))) throw duplicate(name ?? '')
      const changed = await findConnection(tx, connectionId)
      if (!changed) throw noConnection()
      return viewOf(connectors, changed, settings ?? known)
    },
  })

const removeConnection = (connectors: Connectors) =>
  defineOperation({
    id: 'deleteConnection',
    method: 'DELETE',
    path: '/api/v1/connections/{connectionId}',
    scope: 'connections:write',
    tag: 'Connections',
    summary: 'Disconnect a system',
    description:
      'Its runs, links and pending records go with it; no record is deleted in the connected system, and records here stay. Webhooks that the ' +
      'hub made there are taken away after the answer: until then they are among the disconnections.',
    event: 'connection.deleted',
    subject: (connection) => connection.id,
    input: ConnectionRef,
    output: Connection,
    async perform({ connectionId }, { tx, now }) {
      // Where somebody is at its webhooks, what they still make is there once that must have ended.
      const beginsAt = new Date(now.getTime() + (await closeHooks(tx, connectionId)))
      const settings = await readSettings(tx, connectionId, 'lock')
      const row = await findConnection(tx, connectionId)
      if (!row || !settings) throw noConnection()
      const address = connectors.get(row.vendor)?.hooks?.ownAddress?.(settings) ?? null
      if (address !== null) {
        await insertDisconnection(tx, row, address, settings, { now, beginsAt })
      }
      await deleteConnection(tx, connectionId)
      return viewOf(connectors, row, settings)
    },
  })

const testConnection = (connectors: Connectors) =>
  defineOperation({
    id: 'testConnection',
    method: 'POST',
    path: '/api/v1/connections/{connectionId}/test',
    scope: 'connections:write',
    tag: 'Connections',
    summary: 'Try the credentials of a connection',
    status: 200,
    input: ConnectionRef,
    output: TestAnswer,
    async perform({ connectionId }, { tx, now }) {
      const row = await findConnection(tx, connectionId)
      const settings = row && (await readSettings(tx, connectionId))
      if (!row || !settings) throw noConnection()
      const startedAtMs = performance.now()
      const connector = connectorOf(connectors, row.vendor)
      const { account } = await tryOut(connector, connectionId, settings, now)
      return { account, durationMs: Math.round(performance.now() - startedAtMs) }
    },
  })

function merged(
  known: Record<string, unknown>,
  given: Record<string, unknown>,
): Record<string, unknown> {
  const all = Object.entries({ ...known, ...given })
  return Object.fromEntries(all.filter(([, value]) => value !== null))
}

/** @throws Problem `request.invalid` */
function zoneOf(name: string): string {
  const zone = findZone(name)
  if (zone !== null) return zone
  const detail = 'Give an IANA name such as Europe/Amsterdam.'
  throw new Problem('request.invalid', `There is no time zone ${name}.`, {
    errors: [{ pointer: '/callDayZone', detail }],
  })
}

function duplicate(name: string): Problem {
  return new Problem(
    'connection.duplicate',
    `Another connection is called ${name}: take another name.`,
  )
}

async function viewWithSettings(
  tx: Transaction,
  connectors: Connectors,
  row: ConnectionRow,
): Promise<Connection> {
  return viewOf(connectors, row, (await readSettings(tx, row.id)) ?? {})
}

function viewOf(
  connectors: Connectors,
  row: ConnectionRow,
  settings: Record<string, unknown>,
): Connection {
  const connector = connectors.get(row.vendor)
  return {
    ...row,
    id: `con_${row.id.slice(4)}`,
    settings: connector ? hideSecrets(connector.settings, settings) : {},
  }
}
