import { z } from 'zod'
import { Problem } from '#core/problem.ts'
import { Instant } from '#core/time.ts'
import { defineOperation, type Operation, type OperationContext } from '#gateway/operation.ts'
import type { Approval, Integration } from './approval.ts'
import { ConnectionId } from './connection.schema.ts'
import { findConnection, readSettings } from './connection.store.ts'
import { integrationOf } from './integration.ts'
import { connectorOf, withSession, type Connectors } from './open-session.ts'

const ConnectionRef = z.object({ connectionId: ConnectionId })

export const ApprovalState = z.object({
  connectionId: ConnectionId,
  state: z.enum(['proposed', 'approved']),
  signatures: z.array(
    z.object({
      domain: z.string(),
      approvedBy: z.string().nullable(),
      approvedAt: Instant.nullable(),
    }),
  ),
})

/** Signing of integrations: each domain that a connection touches signs for itself. */
export function approvalOperations(connectors: Connectors, approval: Approval): Operation[] {
  const stateOf = async ({ tx }: OperationContext, integration: Integration) => {
    const signatures = await approval.list(tx, integration)
    const isApproved = signatures.every((one) => one.approvedAt !== null)
    return {
      connectionId: `con_${integration.connectionId.slice(4)}` as const,
      state: isApproved ? ('approved' as const) : ('proposed' as const),
      signatures,
    }
  }
  const find = async ({ tx, now }: OperationContext, connectionId: string) => {
    const row = await findConnection(tx, connectionId)
    const settings = row && (await readSettings(tx, connectionId))
    if (!row || !settings)
      throw new Problem('resource.not_found', 'There is no connection with this id.')
    const connector = connectorOf(connectors, row.vendor)
    const streams = await withSession(connector, connectionId, settings, now, async (session) => [
      ...session.streams,
    ])
    return integrationOf(tx, connectionId, connector, settings, streams)
  }
  return [
    defineOperation({
      id: 'getConnectionApproval',
      method: 'GET',
      path: '/api/v1/connections/{connectionId}/approval',
      scope: 'connections:read',
      tag: 'Connections',
      summary: 'Who has signed a connection, and who has yet to',
      input: ConnectionRef,
      output: ApprovalState,
      perform: async ({ connectionId }, context) =>
        stateOf(context, await find(context, connectionId)),
    }),
    defineOperation({
      id: 'approveConnection',
      method: 'POST',
      path: '/api/v1/connections/{connectionId}/approval',
      scope: 'connections:read',
      tag: 'Connections',
      summary: 'Sign a connection for a domain',
      description:
        'Takes the scope <domain>:approve. Until every domain that it touches has signed, a connection neither reads nor writes; another mapping or setting asks again.',
      event: 'connection.approved',
      status: 200,
      freshWithinMinutes: 15,
      subject: (state) => state.connectionId,
      input: ConnectionRef.extend({ domain: z.string().max(40) }),
      output: ApprovalState,
      async perform({ connectionId, domain }, context) {
        const { tx, principal, now } = context
        const integration = await find(context, connectionId)
        const signatures = await approval.list(tx, integration)
        if (!signatures.some((one) => one.domain === domain))
          throw new Problem(
            'request.invalid',
            `This connection touches ${signatures.map((one) => one.domain).join(', ')}.`,
            { errors: [{ pointer: '/domain', detail: 'The connection does not touch it.' }] },
          )
        if (!principal.scopes.has(`${domain}:approve`))
          throw new Problem('auth.forbidden', `This needs the scope ${domain}:approve.`)
        await approval.sign(tx, integration, domain, principal.id, now)
        const { fingerprint } = integration
        context.audit({
          action: 'connection.signed',
          subjectId: connectionId,
          detail: { domain, fingerprint },
        })
        return stateOf(context, integration)
      },
    }),
  ]
}
