import { Problem } from '#core/problem.ts'
import { defineOperation, type Operation, type OperationContext } from '#gateway/operation.ts'
import type { Approval, Integration } from './approval.ts'
import {
  ApprovalState,
  ConnectionApproval,
  ConnectionRef,
  ConnectionRefusal,
} from './approval.schema.ts'
import { findConnection, readSettings } from './connection.store.ts'
import { integrationOf } from './integration.ts'
import { connectorOf, withSession, type Connectors } from './open-session.ts'

const PATH = '/api/v1/connections/{connectionId}/approval'
const TAG = 'Connections'
const MINUTES = 15

/**
 * Signing of integrations: each domain that a connection touches signs for itself, or refuses.
 * @param approval  null where this hub asks for no signatures: every connection counts as approved, by nobody.
 */
export function approvalOperations(connectors: Connectors, approval: Approval | null): Operation[] {
  const stateOf = async ({ tx }: OperationContext, integration: Integration) => {
    const signatures = (await approval?.list(tx, integration)) ?? []
    const isApproved = signatures.every((one) => one.approvedAt !== null)
    const isRefused = signatures.some((one) => one.refusal !== null)
    return {
      connectionId: `con_${integration.connectionId.slice(4)}` as const,
      state: isApproved
        ? ('approved' as const)
        : isRefused
          ? ('refused' as const)
          : ('proposed' as const),
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
  const readState = defineOperation({
    id: 'getConnectionApproval',
    method: 'GET',
    path: PATH,
    scope: 'connections:read',
    tag: TAG,
    summary: 'Who has signed a connection, and who has yet to',
    input: ConnectionRef,
    output: ApprovalState,
    perform: async ({ connectionId }, context) =>
      stateOf(context, await find(context, connectionId)),
  })
  if (approval === null) return [readState]
  /** The integration, where this principal may decide for the domain. */
  const findFor = async (context: OperationContext, connectionId: string, domain: string) => {
    const integration = await find(context, connectionId)
    const signatures = await approval.list(context.tx, integration)
    if (!signatures.some((one) => one.domain === domain))
      throw new Problem(
        'request.invalid',
        `This connection touches ${signatures.map((one) => one.domain).join(', ')}.`,
        { errors: [{ pointer: '/domain', detail: 'The connection does not touch it.' }] },
      )
    if (!context.principal.scopes.has(`${domain}:approve`))
      throw new Problem('auth.forbidden', `This needs the scope ${domain}:approve.`)
    return integration
  }
  return [
    readState,
    defineOperation({
      id: 'approveConnection',
      method: 'POST',
      path: PATH,
      scope: 'connections:read',
      tag: TAG,
      summary: 'Sign a connection for a domain',
      description:
        'Takes the scope <domain>:approve. Until every domain that it touches has signed, a connection neither reads nor writes; another mapping or setting asks again.',
      event: 'connection.approved',
      status: 200,
      freshWithinMinutes: MINUTES,
      subject: (state) => state.connectionId,
      input: ConnectionApproval,
      output: ApprovalState,
      async perform({ connectionId, domain }, context) {
        const integration = await findFor(context, connectionId, domain)
        await approval.sign(context.tx, integration, domain, context.principal.id, context.now)
        const { fingerprint } = integration
        context.audit({
          action: 'connection.signed',
          subjectId: connectionId,
          detail: { domain, fingerprint },
        })
        return stateOf(context, integration)
      },
    }),
    defineOperation({
      id: 'refuseConnection',
      method: 'POST',
      path: `${PATH}/refusal`,
      scope: 'connections:read',
      tag: TAG,
      summary: 'Refuse a connection for a domain, or take back its signature',
      description:
        'Takes the scope <domain>:approve. The connection neither reads nor writes until the domain signs it, or it is changed and signed anew.',
      event: 'connection.refused',
      status: 200,
      freshWithinMinutes: MINUTES,
      subject: (state) => state.connectionId,
      input: ConnectionRefusal,
      output: ApprovalState,
      async perform({ connectionId, domain, reason }, context) {
        const integration = await findFor(context, connectionId, domain)
        const refusal = { by: context.principal.id, at: context.now, reason }
        await approval.refuse(context.tx, integration, domain, refusal)
        const { fingerprint } = integration
        context.audit({
          action: 'connection.unsigned',
          subjectId: connectionId,
          detail: { domain, fingerprint },
        })
        return stateOf(context, integration)
      },
    }),
  ]
}
