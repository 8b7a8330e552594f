import type { Answer, Call, Route } from '#sandbox/kernel.ts'
import { requireScope } from './account.ts'
import type { Account, Caller } from './account.ts'
import { badRequest, notFound } from './errors.ts'
import { nextLink } from './objects.routes.ts'
import { renderOwner } from './owners.ts'

const MAX_LIMIT = 500

/** HubSpot docs: owners. */
export function ownerRoutes(account: Account): Route<Caller>[] {
  return ['/crm/v3/owners', '/crm/owners/2026-09'].flatMap((base) => [
    {
      method: 'GET',
      path: base,
      target: (call: Call, caller: Caller) => {
        requireScope(caller, 'crm.objects.owners.read')
        return listOwners(account, call)
      },
    },
    {
      method: 'GET',
      path: `${base}/{id}`,
      target: (call: Call, caller: Caller) => {
        requireScope(caller, 'crm.objects.owners.read')
        return getOwner(account, call)
      },
    },
  ])
}

/** Deactivated users are listed with `archived=true` only. */
function listOwners({ state }: Account, call: Call): Answer {
  const limit = Number(call.query.get('limit') ?? '100')
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    throw badRequest(`limit must be from 1 to ${MAX_LIMIT}`)
  }
  const isArchived = call.query.get('archived') === 'true'
  const email = call.query.get('email')?.toLowerCase()
  const after = Number(Buffer.from(call.query.get('after') ?? '', 'base64').toString() || '0')
  const owners = [...state.owners.values()]
    .filter((owner) => owner.archived === isArchived && Number(owner.id) >= after)
    .filter((owner) => email === undefined || owner.email === email)
    .sort((a, b) => Number(a.id) - Number(b.id))
  const next = owners[limit]?.id
  const cursor = next === undefined ? '' : Buffer.from(next).toString('base64')
  const paging =
    next === undefined ? {} : { paging: { next: { after: cursor, link: nextLink(call, cursor) } } }
  return { status: 200, body: { results: owners.slice(0, limit).map(renderOwner), ...paging } }
}

function getOwner({ state }: Account, call: Call): Answer {
  const id = call.params['id'] ?? ''
  const owner =
    call.query.get('idProperty') === 'userId'
      ? [...state.owners.values()].find(({ userId }) => String(userId) === id)
      : state.owners.get(id)
  const isArchived = call.query.get('archived') === 'true'
  if (!owner || owner.archived !== isArchived) throw notFound()
  return { status: 200, body: renderOwner(owner) }
}
