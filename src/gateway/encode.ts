import { z } from 'zod'
import { Problem } from '#core/problem.ts'
import { applyMask, maskOf } from '#gateway/mask.ts'
import { REVEAL_SCOPE, type Narrowing, type Operation, type Principal } from '#gateway/operation.ts'

type Json = Record<string, unknown>

/**
 * An output on the wire, as far as this principal may see it: records outside of their teams and accounts are left out, personal
 * values are masked without the scope people:reveal. Every answer, batch item and export passes here, inside the transaction,
 * so that a write to a record that is out of bounds is undone.
 *
 * @throws Problem `resource.not_found` when the answer is such a record itself
 */
export function encodeFor(principal: Principal, operation: Operation, output: unknown): unknown {
  const wire = z.encode(operation.output, output)
  const kept = principal.narrowing ? narrow(principal, principal.narrowing, operation, wire) : wire
  if (principal.scopes.has(REVEAL_SCOPE) || isOwnAccount(operation)) return kept
  const mask = maskOf(operation.output)
  return mask ? applyMask(mask, kept) : kept
}

/** What people read of their own account is theirs. */
const isOwnAccount = (operation: Operation) => operation.scope === 'account:write'

const outOfBounds = () => new Problem('resource.not_found', 'There is no such resource.')

function narrow(
  principal: Principal,
  narrowing: Narrowing,
  operation: Operation,
  wire: unknown,
): unknown {
  const { scope } = operation
  if (scope === null || scope === 'account:write') return wire
  const isApart = narrowing.tellsApart(scope)
  if (narrowing.accounts === null && !isApart && principal.scopes.has(scope)) return wire
  if (narrowing.accounts !== null && !isByAccount(operation)) {
    throw new Problem(
      'auth.forbidden',
      'This key is limited to some customer accounts, and this answer is not told by account.',
    )
  }
  const mayStand = (value: Json) => mayStandIn(narrowing, scope, value)
  if (isList(wire)) {
    const data = wire.data.filter((row) => !isObject(row) || mayStand(row))
    return { ...wire, data: data.map((row) => prune(row, mayStand)) }
  }
  if (isObject(wire) && !mayStand(wire)) throw outOfBounds()
  // What names no record cannot be placed: figures over all, or a plain acknowledgement.
  if (isApart && !(isObject(wire) && typeof wire['id'] === 'string')) throw outOfBounds()
  return prune(wire, mayStand)
}

function mayStandIn(narrowing: Narrowing, scope: string, value: Json): boolean {
  const { accounts } = narrowing
  if (accounts !== null) {
    const account = accountOf(value)
    if (account !== undefined && (account === null || !accounts.has(account))) return false
  }
  const id = value['id']
  if (typeof id !== 'string' || !narrowing.tellsApart(scope)) return true
  return narrowing.mayTouch(scope, { id, ownerId: ownerOf(value) })
}

/** Leaves out what is out of bounds further inside: items of lists go, a record in a field becomes null. */
function prune(value: unknown, mayStand: (value: Json) => boolean, depth = 0): unknown {
  if (depth > 20) return null
  if (Array.isArray(value))
    return value
      .filter((item) => !isObject(item) || mayStand(item))
      .map((item) => prune(item, mayStand, depth + 1))
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name,
      isObject(item) && !mayStand(item) ? null : prune(item, mayStand, depth + 1),
    ]),
  )
}

function ownerOf(value: Json): string | null {
  if (typeof value['ownerId'] === 'string') return value['ownerId']
  const owner = value['owner']
  return isObject(owner) && typeof owner['id'] === 'string' ? owner['id'] : null
}

/** The customer account of a record; undefined for what carries none. */
function accountOf(value: Json): string | null | undefined {
  const account = 'accountId' in value ? value['accountId'] : value['tenantId']
  return typeof account === 'string' ? account : account === undefined ? undefined : null
}

const byAccount = new WeakMap<Operation, boolean>()

/** Whether each record of the answer says which customer account it is of. */
function isByAccount(operation: Operation): boolean {
  let known = byAccount.get(operation)
  if (known === undefined) {
    const { output } = operation
    const data = output instanceof z.ZodObject ? output.shape['data'] : undefined
    const row = data instanceof z.ZodArray ? data.element : output
    known = row instanceof z.ZodObject && ('accountId' in row.shape || 'tenantId' in row.shape)
    byAccount.set(operation, known)
  }
  return known
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isList(value: unknown): value is Json & { data: unknown[] } {
  return isObject(value) && Array.isArray(value['data']) && 'nextCursor' in value
}
