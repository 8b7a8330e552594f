import { textOf } from '#sandbox/json.ts'
import type { Json, JsonObject } from '#sandbox/json.ts'
import type { Answer, Call, Route } from '#sandbox/kernel.ts'
import { canSee, listParameter, requireScope } from './account.ts'
import type { Account, Caller } from './account.ts'
import { invalid } from './errors.ts'
import { KIND_INFO } from './kinds.ts'
import type { Kind } from './kinds.ts'
import { listFew } from './lists.ts'
import { named } from './render.ts'
import { channelValues, customTexts, findByField, findRows, searchableHashes } from './search.ts'
import type { Term } from './search.ts'
import type { Row } from './state.ts'
import { textsIn } from './tables.ts'

const SEARCH_KINDS: readonly Kind[] = ['person', 'organization', 'deal', 'lead', 'product']

/** Pipedrive docs: API v2, search. The index lags behind the records. */
export function searchRoutes(account: Account): Route<Caller>[] {
  return [
    ...SEARCH_KINDS.map((kind): Route<Caller> => ({
      method: 'GET',
      path: `/api/v2/${KIND_INFO[kind].path}/search`,
      target: (call, caller) => {
        const { scope } = KIND_INFO[kind]
        requireScope(caller, `${scope}:read`, `${scope}:full`, 'search:read')
        return searchItems(account, call, caller, [kind])
      },
    })),
    {
      method: 'GET',
      path: '/api/v2/itemSearch',
      target: (call, caller) => {
        requireScope(caller, 'search:read')
        const types = listParameter(call, 'item_types')
        const kinds = SEARCH_KINDS.filter((kind) => types.length === 0 || types.includes(kind))
        return searchItems(account, call, caller, kinds)
      },
    },
    {
      method: 'GET',
      path: '/api/v2/itemSearch/field',
      target: (call, caller) => {
        requireScope(caller, 'search:read')
        return searchField(account, call, caller)
      },
    },
  ]
}

function termOf(call: Call, isExact: boolean): string {
  const term = call.query.get('term') ?? ''
  if (term.length < (isExact ? 1 : 2)) throw invalid('term: is too short')
  return term
}

function searchItems(account: Account, call: Call, caller: Caller, kinds: readonly Kind[]): Answer {
  const isExact = ['true', '1'].includes(call.query.get('exact_match') ?? '')
  const fields = listParameter(call, 'fields')
  const term: Term = {
    text: termOf(call, isExact),
    fields: fields.length > 0 ? new Set(fields) : null,
    isExact,
  }
  const found = kinds.flatMap((kind) =>
    findRows(account, kind, term)
      .filter((row) => canSee(account, caller, row) && isWithin(call, row))
      .map((row) => ({ result_score: isExact ? 1.22 : 0.5, item: renderItem(account, kind, row) })),
  )
  const { body, ...answer } = listFew(call, found)
  const { data, ...rest } = body as { data: Json }
  return { ...answer, body: { ...rest, data: { items: data } } }
}

/** The filters that some of the searches take. */
function isWithin(call: Call, row: Row): boolean {
  const organization = call.query.get('organization_id')
  const person = call.query.get('person_id')
  const status = call.query.get('status')
  const { org_id: org, organization_id: leadOrg, person_id: who, status: held } = row.values
  return (
    (organization === null || textOf(org ?? leadOrg) === organization) &&
    (person === null || textOf(who) === person) &&
    (status === null || held === status)
  )
}

function renderItem(account: Account, kind: Kind, row: Row): JsonObject {
  const { titleField } = KIND_INFO[kind]
  const base = {
    id: kind === 'lead' ? row.id : Number(row.id),
    type: kind,
    [titleField]: row.values[titleField] ?? null,
    visible_to: Number(row.values['visible_to']),
    owner: { id: row.values['owner_id'] ?? null },
    custom_fields: customTexts(account, kind, row),
    notes: [],
  }
  return { ...base, ...itemMembers(account, kind, row) }
}

/** What the items of a kind have besides. */
function itemMembers(account: Account, kind: Kind, row: Row): JsonObject {
  const { values } = row
  const person = named(account, 'person', values['person_id'])
  const organization = named(account, 'organization', values['org_id'])
  switch (kind) {
    case 'person': {
      const emails = channelValues(row, 'emails')
      const phones = channelValues(row, 'phones')
      return { emails, primary_email: emails[0] ?? null, phones, organization }
    }
    case 'organization':
      return { address: textsIn(row, 'address')[0] ?? null }
    case 'deal': {
      const { value, currency, status, is_archived } = values
      const stage = account.state.stages.get(Number(values['stage_id']))
      return {
        value: value ?? 0,
        currency: currency ?? null,
        status: status ?? null,
        is_archived: is_archived ?? false,
        stage: stage ? { id: stage.id, name: stage.name } : null,
        person,
        organization,
      }
    }
    case 'lead':
      return {
        person,
        organization: named(account, 'organization', values['organization_id']),
        phones: [],
        emails: [],
        is_archived: values['is_archived'] ?? false,
      }
    case 'activity':
    case 'product':
      return {}
  }
}

/** Ids of the records that hold a value, with the value. */
function searchField(account: Account, call: Call, caller: Caller): Answer {
  const kind = SEARCH_KINDS.find((known) => known === call.query.get('entity_type'))
  if (!kind) throw invalid('entity_type: is not valid')
  const match = call.query.get('match') ?? 'exact'
  if (match !== 'exact' && match !== 'beginning' && match !== 'middle') {
    throw invalid('match: must be one of exact, beginning, middle')
  }
  const field = call.query.get('field') ?? ''
  const isStandard = KIND_INFO[kind].fields.some(({ code }) => code === field)
  if (!isStandard && !searchableHashes(account, kind).includes(field)) {
    throw invalid('field: there is no such searchable field')
  }
  const rows = findByField(account, kind, field, termOf(call, match === 'exact'), match)
  const visible = rows.filter((row) => canSee(account, caller, row))
  return listFew(
    call,
    visible.map((row) => ({
      id: kind === 'lead' ? row.id : Number(row.id),
      [field]: textsIn(row, field)[0] ?? null,
    })),
  )
}
