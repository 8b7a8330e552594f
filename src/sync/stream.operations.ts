import { z } from 'zod'
import { Problem } from '#core/problem.ts'
import { defineOperation, type Operation } from '#gateway/operation.ts'
import { ConnectionId, StreamChange, StreamView } from './connection.schema.ts'
import { findConnection } from './connection.store.ts'
import { listStreams, sumShares, updateStream, type StreamViewRow } from './stream.store.ts'

function streamViewOf({ connectionId: _connectionId, ...row }: StreamViewRow): StreamView {
  return row
}

const listConnectionStreams = defineOperation({
  id: 'listStreams',
  method: 'GET',
  path: '/api/v1/connections/{connectionId}/streams',
  scope: 'connections:read',
  tag: 'Connections',
  summary: 'List the streams of a connection',
  input: z.object({ connectionId: ConnectionId }),
  output: z.object({ data: z.array(StreamView) }),
  async perform({ connectionId }, { tx }) {
    if (!(await findConnection(tx, connectionId))) {
      throw new Problem('resource.not_found', 'There is no connection with this id.')
    }
    return { data: (await listStreams(tx, connectionId)).map(streamViewOf) }
  },
})

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

export const streamOperations: readonly Operation[] = [listConnectionStreams, changeStream]
