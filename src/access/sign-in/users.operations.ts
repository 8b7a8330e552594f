import { revokeOwnKeys } from '#access/api-key.store.ts'
import { deleteDevices } from '#access/device.store.ts'
import { refuseUnknownOrGreater } from '#access/grantable.ts'
import { newToken } from '#access/session.rules.ts'
import { insertSignInLink, revokeSessions } from '#access/session.store.ts'
import { openPersonal, sealPersonal } from '#access/sign-in/personal.ts'
import * as schema from '#access/sign-in/user.schema.ts'
import * as users from '#access/sign-in/users.store.ts'
import { newId } from '#core/id.ts'
import { cutPage, decodeCursor, Page } from '#core/page.ts'
import { Problem } from '#core/problem.ts'
import { DAY_MS } from '#core/time.ts'
import { defineOperation, type Operation, type OperationContext } from '#gateway/operation.ts'
import type { Transaction } from '#store/store.ts'

const INVITATION_MS = 3 * DAY_MS
const admin = { tag: 'Access', freshWithinMinutes: 15 } as const

const notFound = () => new Problem('resource.not_found', 'There is no user with this id.')

function toUser(tx: Transaction, { personal, ...row }: users.UserRow): schema.User {
  return { ...row, ...openPersonal(tx.sealer, row.id, personal), id: row.id as schema.User['id'] }
}

export const listAllUsers = defineOperation({
  id: 'listUsers',
  method: 'GET',
  path: '/api/v1/users',
  scope: 'users:read',
  tag: 'Access',
  summary: 'List the people of the workspace',
  input: schema.ListUsers,
  output: Page(schema.User),
  csv: [
    { title: 'Id', field: 'id' },
    { title: 'Name', field: 'name' },
    { title: 'E-mail', field: 'email' },
    { title: 'Roles', field: 'roles' },
    { title: 'Active', field: 'active' },
    { title: 'Second factor', field: 'hasSecondFactor' },
  ],
  async perform({ limit, cursor }, { tx }) {
    const before = cursor === undefined ? null : String(decodeCursor(cursor, 1)[0])
    const rows = await users.listUsers(tx, limit, before)
    return cutPage(
      rows.map((row) => toUser(tx, row)),
      limit,
      (user) => [user.id],
    )
  },
})

/**
 * @param indexOf  the installation's blind index of an address, which no workspace can compute.
 */
export function createUserOperations(
  publicUrl: () => string,
  indexOf: (email: string) => Promise<Buffer>,
): Operation[] {
  return [
    listAllUsers,
    defineOperation({
      ...admin,
      id: 'inviteUser',
      method: 'POST',
      path: '/api/v1/users',
      scope: 'users:write',
      summary: 'Invite a person; answers a link that signs in once within three days',
      event: 'user.invited',
      subject: (user) => user.id,
      row: { table: 'users', key: 'id', columns: ['roles', 'active'] },
      input: schema.InvitedUser,
      output: schema.Invitation,
      async perform(input, context) {
        const { tx, principal, now } = context
        await refuseUnknownOrGreater(tx, { roles: input.roles, scopes: [] }, principal)
        const id = newId('usr')
        const { name, email, roles } = input
        const isNew = await users.insertUser(tx, {
          id,
          workspaceId: tx.workspaceId,
          personal: sealPersonal(tx.sealer, id, { name, email }),
          emailIndex: await indexOf(email),
          roles,
          createdAt: now,
        })
        if (!isNew)
          throw new Problem('user.duplicate', 'A user of this installation has this address.')
        const link = await linkFor(context, id, publicUrl())
        const state = { active: true, hasPassword: false, hasSecondFactor: false, createdAt: now }
        return { id, name, email, roles, ...state, link }
      },
    }),
    defineOperation({
      ...admin,
      id: 'changeUser',
      method: 'PATCH',
      path: '/api/v1/users/{userId}',
      scope: 'users:write',
      summary: 'Change a person’s roles or end their access; their sessions end',
      event: 'user.changed',
      subject: (user) => user.id,
      row: { table: 'users', key: 'id', field: 'userId', columns: ['roles', 'active'] },
      input: schema.ChangeUser,
      output: schema.User,
      async perform({ userId, ...change }, context) {
        const { tx, principal, now } = context
        const row = await users.lockUser(tx, userId)
        if (!row) throw notFound()
        const roles = change.roles ?? row.roles
        const active = change.active ?? row.active
        // Whoever changes somebody must themselves have what that person had and gets.
        await refuseUnknownOrGreater(
          tx,
          { roles: [...new Set([...roles, ...row.roles])], scopes: [] },
          principal,
        )
        const loses = row.roles.includes('admin') && (!active || !roles.includes('admin'))
        if (loses && !(await users.hasOtherAdmin(tx, userId)))
          throw new Problem(
            'user.last_admin',
            'This is the last administrator: make another first.',
          )
        await users.updateUser(tx, userId, { roles, active })
        await revokeSessions(tx, userId, null, now)
        if (!active) {
          await revokeOwnKeys(tx, userId, now)
          await deleteDevices(tx, userId)
        }
        context.audit({
          action: 'user.roles',
          subjectId: userId,
          detail: {
            before: { roles: row.roles, active: row.active },
            after: { roles, active },
          },
        })
        return toUser(tx, { ...row, roles: [...roles], active })
      },
    }),
    defineOperation({
      ...admin,
      id: 'resetUser',
      method: 'POST',
      path: '/api/v1/users/{userId}/reset',
      scope: 'users:write',
      summary: 'Take a person’s password and second factors away; answers a new link',
      event: 'user.reset',
      status: 200,
      subject: (user) => user.id,
      row: { table: 'users', key: 'id', field: 'userId', columns: ['roles', 'active'] },
      input: schema.UserRef,
      output: schema.Invitation,
      async perform({ userId }, context) {
        const { tx, principal, now } = context
        const row = await users.lockUser(tx, userId)
        if (!row?.active) throw notFound()
        await refuseUnknownOrGreater(tx, { roles: row.roles, scopes: [] }, principal)
        await users.deleteCredentials(tx, userId)
        await deleteDevices(tx, userId)
        await revokeSessions(tx, userId, null, now)
        await revokeOwnKeys(tx, userId, now)
        const link = await linkFor(context, userId, publicUrl())
        return { ...toUser(tx, { ...row, hasPassword: false, hasSecondFactor: false }), link }
      },
    }),
  ]
}

/** The token stands in the fragment, which browsers send to no server. */
async function linkFor(
  { tx, now }: OperationContext,
  userId: string,
  publicUrl: string,
): Promise<string> {
  const { token, tokenHash } = newToken()
  const expiresAt = new Date(now.getTime() + INVITATION_MS)
  await insertSignInLink(tx, { workspaceId: tx.workspaceId, userId, expiresAt }, tokenHash)
  return `${publicUrl}/sign-in#${token}`
}
