import { queryOptions } from '@tanstack/react-query'
import { z } from 'zod'
import { Page } from '#core/page.ts'
import { MINUTE_MS, SECOND_MS } from '#core/time.ts'
import { ApprovalState } from '#sync/approval.schema.ts'
import { Connection as ConnectionAnswer, StreamView, TestAnswer } from '#sync/connection.schema.ts'
import { ConnectorView } from '#sync/connector.schema.ts'
import {
  Disconnections,
  type Disconnection as DisconnectionAnswer,
} from '#sync/disconnection.schema.ts'
import { act, read } from '#console/api.ts'
import { listQuery } from '#console/list-query.ts'

export type Connection = z.output<typeof ConnectionAnswer>
export type StreamRow = z.output<typeof StreamView>
export type Connector = z.output<typeof ConnectorView>
export type Setting = Connector['settings'][number]
export type Disconnection = DisconnectionAnswer
export type Approval = z.output<typeof ApprovalState>
export type Signature = Approval['signatures'][number]

/** What an act on connections reads again: sync health shows them as well. */
export const AREA = 'sync'

const CONNECTIONS = '/api/v1/connections'
const DISCONNECTIONS = '/api/v1/disconnections'

export function connectionPath(connectionId: string): string {
  return `${CONNECTIONS}/${encodeURIComponent(connectionId)}`
}

/** What can be connected changes with an upgrade of the hub alone. */
export const connectorsQuery = queryOptions({
  queryKey: ['connectors'],
  queryFn: ({ signal }) =>
    read(z.object({ data: z.array(ConnectorView) }), '/api/v1/connectors', {}, signal),
  select: ({ data }) => data,
  staleTime: 60 * MINUTE_MS,
})

export function connectionsQuery() {
  const query = listQuery([AREA, 'connections'], Page(ConnectionAnswer), CONNECTIONS)
  return { ...query, refetchInterval: 15 * SECOND_MS }
}

/** Connections that are gone here, while webhooks of theirs still stand at the other side. */
export function disconnectionsQuery() {
  const query = listQuery([AREA, 'disconnections'], Disconnections, DISCONNECTIONS)
  return { ...query, refetchInterval: 15 * SECOND_MS }
}

export function settleDisconnection(connectionId: string): Promise<unknown> {
  return act('DELETE', `${DISCONNECTIONS}/${encodeURIComponent(connectionId)}`)
}

export function connectionQuery(connectionId: string) {
  return queryOptions({
    queryKey: [AREA, 'connection', connectionId],
    queryFn: ({ signal }) => read(ConnectionAnswer, connectionPath(connectionId), {}, signal),
  })
}

const Streams = z.object({
  data: z.array(StreamView),
  lacks: z.array(z.object({ what: z.string(), why: z.string() })),
})

export function streamsQuery(connectionId: string) {
  return queryOptions({
    queryKey: [AREA, 'streams', connectionId],
    queryFn: ({ signal }) => read(Streams, `${connectionPath(connectionId)}/streams`, {}, signal),
    refetchInterval: 15 * SECOND_MS,
  })
}

export function approvalQuery(connectionId: string) {
  return queryOptions({
    queryKey: [AREA, 'approval', connectionId],
    queryFn: ({ signal }) =>
      read(ApprovalState, `${connectionPath(connectionId)}/approval`, {}, signal),
  })
}

export interface NewConnection {
  vendor: string
  name: string
  settings: Record<string, unknown>
  credentialsEndOn: string | null
}

/** @returns its id. */
export async function connect(connection: NewConnection): Promise<string> {
  return ConnectionAnswer.parse(await act('POST', CONNECTIONS, connection)).id
}

export type ConnectionFields = Partial<
  Pick<
    Connection,
    | 'name'
    | 'dailyCalls'
    | 'livePercent'
    | 'planAbove'
    | 'readBack'
    | 'credentialsEndOn'
    | 'settings'
  > & { state: 'active' | 'paused' }
>

export function changeConnection(connectionId: string, fields: ConnectionFields): Promise<unknown> {
  return act('PATCH', connectionPath(connectionId), fields)
}

export function deleteConnection(connectionId: string): Promise<unknown> {
  return act('DELETE', connectionPath(connectionId))
}

/** Tries the credentials as they are kept. */
export async function testConnection(connectionId: string): Promise<z.output<typeof TestAnswer>> {
  return TestAnswer.parse(await act('POST', `${connectionPath(connectionId)}/test`, {}))
}

export type StreamFields = Partial<
  Pick<StreamRow, 'paused' | 'everyMinutes' | 'cadenceReason' | 'callPercent' | 'callPriority'>
>

export function changeStream(
  connectionId: string,
  stream: string,
  fields: StreamFields,
): Promise<unknown> {
  const path = `${connectionPath(connectionId)}/streams/${encodeURIComponent(stream)}`
  return act('PATCH', path, fields)
}

export function signConnection(connectionId: string, domain: string): Promise<unknown> {
  return act('POST', `${connectionPath(connectionId)}/approval`, { domain })
}

export function refuseConnection(
  connectionId: string,
  domain: string,
  reason: string,
): Promise<unknown> {
  return act('POST', `${connectionPath(connectionId)}/approval/refusal`, { domain, reason })
}
