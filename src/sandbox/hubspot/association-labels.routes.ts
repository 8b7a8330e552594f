import { numberOf, objectOf, textOf } from '#sandbox/json.ts'
import { parseBody } from '#sandbox/kernel.ts'
import type { Answer, Route } from '#sandbox/kernel.ts'
import type { Account, Caller } from './account.ts'
import { pairRoute, renderType } from './associations.routes.ts'
import type { Pair } from './associations.routes.ts'
import type { AssociationType } from './associations.ts'
import { badRequest, notFound } from './errors.ts'

const PATHS = ['/crm/v4/associations', '/crm/associations/v4', '/crm/associations/2026-09']

/** HubSpot docs: association labels. */
export function associationLabelRoutes(account: Account): Route<Caller>[] {
  return PATHS.flatMap((base) => {
    const path = `${base}/{from}/{to}/labels`
    return [
      pairRoute(account, 'GET', path, listLabels),
      pairRoute(account, 'POST', path, createLabel),
      pairRoute(account, 'PUT', path, renameLabel),
      pairRoute(account, 'DELETE', `${path}/{typeId}`, deleteLabel),
    ]
  })
}

function listLabels({ account, from, to }: Pair): Answer {
  const types = account.state.linkTypes.between(from.name, to.name)
  return { status: 200, body: { results: types.map(renderType) } }
}

/** HubSpot docs: create association labels. A pair of labels gets two type ids. */
function createLabel({ account, call, from, to }: Pair): Answer {
  const body = objectOf(parseBody(call.text))
  const label = textOf(body['label'])
  const name = textOf(body['name'])
  if (!label || !name) throw badRequest('name and label are required')
  const inverseLabel = textOf(body['inverseLabel']) ?? label
  const typeId = account.state.linkTypes.nextUserTypeId()
  const inverseTypeId = typeId + 1
  const category = 'USER_DEFINED'
  const type: AssociationType = {
    from: from.name,
    to: to.name,
    typeId,
    inverseTypeId,
    category,
    label,
    name,
  }
  const inverse: AssociationType = {
    from: to.name,
    to: from.name,
    typeId: inverseTypeId,
    inverseTypeId: typeId,
    category,
    label: inverseLabel,
    name,
  }
  account.state.commit([{ do: 'label', type, inverse }])
  return { status: 200, body: { results: [renderType(type), renderType(inverse)] } }
}

function renameLabel({ account, call }: Pair): Answer {
  const body = objectOf(parseBody(call.text))
  const typeId = numberOf(body['associationTypeId']) ?? 0
  account.state.commit([{ do: 'relabel', typeId, label: textOf(body['label']) ?? '' }])
  return { status: 204 }
}

function deleteLabel({ account, call, from, to }: Pair): Answer {
  const typeId = Number(call.params['typeId'])
  const type = account.state.linkTypes.find(from.name, to.name, typeId)
  if (!type || type.category !== 'USER_DEFINED') throw notFound()
  account.state.commit([{ do: 'drop-label', typeId }])
  return { status: 204 }
}
