import { listCustomRoles } from '#access/permissions/permission.store.ts'
import { roles, scopes, scopesOf } from '#access/roles.ts'
import { Problem, type InputFault } from '#core/problem.ts'
import type { Principal } from '#gateway/operation.ts'
import type { Transaction } from '#store/store.ts'

/**
 * A typing error must not make a grant that silently can do nothing, and a grant must not exceed the granter.
 * @throws Problem `request.invalid` or `auth.forbidden`
 */
export async function refuseUnknownOrGreater(
  tx: Transaction,
  input: { roles: readonly string[]; scopes: readonly string[] },
  principal: Principal,
): Promise<void> {
  const custom = new Map((await listCustomRoles(tx)).map((role) => [role.name, role.scopes]))
  const errors: InputFault[] = [
    ...input.roles.flatMap((role, i) =>
      Object.hasOwn(roles, role) || custom.has(role)
        ? []
        : [
            {
              pointer: `/roles/${i}`,
              detail: `There are the roles ${[...Object.keys(roles), ...custom.keys()].join(', ')}.`,
            },
          ],
    ),
    ...input.scopes.flatMap((scope, i) =>
      Object.hasOwn(scopes, scope)
        ? []
        : [{ pointer: `/scopes/${i}`, detail: 'There is no such scope: see the documentation.' }],
    ),
  ]
  if (input.roles.length + input.scopes.length === 0)
    errors.push({ pointer: '/roles', detail: 'Give a role or a scope.' })
  if (errors.length > 0) throw new Problem('request.invalid', errors[0]!.detail, { errors })
  const wanted = [
    ...scopesOf(input.roles),
    ...input.roles.flatMap((role) => custom.get(role) ?? []),
    ...input.scopes,
  ]
  const greater = wanted.find((scope) => !principal.scopes.has(scope))
  if (greater)
    throw new Problem(
      'auth.forbidden',
      `You cannot give ${greater}, which you do not have yourself.`,
    )
}
