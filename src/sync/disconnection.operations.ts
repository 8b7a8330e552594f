import { cutPage, decodeCursor, PageQuery } from '#core/page.ts'
import { Problem } from '#core/problem.ts'
import { defineOperation, type Operation } from '#gateway/operation.ts'
import { Disconnection, DisconnectionRef, Disconnections } from './disconnection.schema.ts'
import {
  deleteDisconnection,
  listDisconnections,
  type DisconnectionRow,
} from './disconnection.store.ts'

function viewOf(row: DisconnectionRow): Disconnection {
  return {
    ...row,
    connectionId: `con_${row.connectionId.slice(4)}`,
    nextAttemptAt: row.state === 'waiting' ? row.nextAttemptAt : null,
  }
}

const listAll = defineOperation({
  id: 'listDisconnections',
  method: 'GET',
  path: '/api/v1/disconnections',
  scope: 'connections:read',
  tag: 'Connections',
  summary: 'List deleted connections whose webhooks still stand at the connected system',
  description:
    'The hub takes away the webhooks that it made, after the connection is deleted. What is by_hand the connected system refused: somebody deletes there the webhooks to `address`.',
  input: PageQuery,
  output: Disconnections,
  async perform({ limit, cursor }, { tx }) {
    const after = cursor === undefined ? '' : String(decodeCursor(cursor, 1)[0])
    const rows = await listDisconnections(tx, limit, after)
    const page = cutPage(rows, limit, (row) => [row.connectionId])
    return { ...page, data: page.data.map(viewOf) }
  },
})

const settle = defineOperation({
  id: 'settleDisconnection',
  method: 'DELETE',
  path: '/api/v1/disconnections/{connectionId}',
  scope: 'connections:write',
  tag: 'Connections',
  summary: 'Say that the webhooks of a deleted connection are gone, or stay',
  description:
    'The hub tries no more, and forgets the credentials if it still kept them. Nothing is deleted at the connected system.',
  event: 'connection.disconnection_settled',
  subject: (disconnection) => disconnection.connectionId,
  row: {
    table: 'sync_disconnections',
    key: 'connection_id',
    field: 'connectionId',
    columns: ['vendor', 'name', 'address', 'state', 'attempts'],
  },
  input: DisconnectionRef,
  output: Disconnection,
  async perform({ connectionId }, { tx }) {
    const row = await deleteDisconnection(tx, connectionId)
    if (!row)
      throw new Problem('resource.not_found', 'Nothing is left of a connection with this id.')
    return viewOf(row)
  },
})

export const disconnectionOperations: readonly Operation[] = [listAll, settle]
