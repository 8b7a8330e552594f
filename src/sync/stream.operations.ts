import { z } from 'zod'
import { Problem } from '#core/problem.ts'
import { defineOperation, type Operation } from '#gateway/operation.ts'
import { ConnectionId, StreamChange, StreamView } from './connection.schema.ts'
import { findConnection } from './connection.store.ts'
import type { Connectors } from './open-session.ts'
import { closeStreamFault } from './outcome.store.ts'
import { listStreams, sumShares, updateStream, type StreamViewRow } from './stream.store.ts'

function streamViewOf({ connectionId: _connectionId, ...row }: StreamViewRow): StreamView {
  return row
}

const Lacking = z.array(z.object({ what: z.string(), why: z.string() })).meta({
  description: 'What the hub keeps and this system has no place for, by entity or entity.field',
})

function listConnectionStreams(connectors: Connectors): Operation {
  return defineOperation({
    id: 'listStreams',
    method: 'GET',
    path: '/api/v1/connections/{connectionId}/streams',
    scope: 'connections:read',
    tag: 'Connections',
    summary: 'List the streams of a connection',
    input: z.object({ connectionId: ConnectionId }),
    output: z.object({ data: z.array(StreamView), lacks: Lacking }),
    async perform({ connectionId }, { tx }) {
      const connection = await findConnection(tx, connectionId)
      if (!connection) {
        throw new Problem('resource.not_found', 'There is no connection with this id.')
      }
      const lacks = Object.entries(connectors.get(connection.vendor)?.lacks ?? {})
      return {
        data: (await listStreams(tx, connectionId)).map(streamViewOf),
        lacks: lacks.map(([what, why]) => ({ what, why })),
      }
    },
  })
}

const changeStream = defineOperation({
  id: 'updateStream',
  method: 'PATCH',
  path: '/api/v1/connections/{connectionId}/streams/{stream}',
  scope: 'connections:write',
  tag: 'Connections',
  summary: 'Pause a stream, change its cadence or its share of the calls',
  event: 'stream.updated',
  subject: (_stream, input) => input.connectionId,
  version: (stream) => stream.version,
  input: StreamChange,
  output: StreamView,
  async perform({ connectionId, stream, ...changes }, { tx, now }) {
    const row = await updateStream(tx, connectionId, stream, changes, now)
    if (!row) throw new Problem('resource.not_found', 'The connection has no stream of this name.')
    if (row.paused) await closeStreamFault(tx, connectionId, stream)
    const percent = await sumShares(tx, connectionId)
    if (percent > 100) {
      const detail = `The streams of the connection would have ${percent} % of its calls together.`
      throw new Problem('request.invalid', 'Give other streams less first.', {
        errors: [{ pointer: '/callPercent', detail }],
      })
    }
    return streamViewOf(row)
  },
})

export const streamOperations = (connectors: Connectors): readonly Operation[] => [
  listConnectionStreams(connectors),
  changeStream,
]
