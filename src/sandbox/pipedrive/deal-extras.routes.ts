import { numberOf, objectOf } from '#sandbox/json.ts'
import type { JsonObject } from '#sandbox/json.ts'
import { parseBody } from '#sandbox/kernel.ts'
import type { Answer, Call, Route } from '#sandbox/kernel.ts'
import { requireScope, vendorNow } from './account.ts'
import type { Account, Caller } from './account.ts'
import { invalidV1, notFound } from './errors.ts'
import { KIND_INFO } from './kinds.ts'
import type { Kind } from './kinds.ts'
import { listFew, listV1 } from './lists.ts'
import { renderPersonV1 } from './render.ts'
import { requireAccess, rowOf } from './records.routes.ts'
import type { LogEntry, Participant } from './state.ts'
import { timeV1 } from './values.ts'

/** Pipedrive docs: API v1, participants of deals, and what changed in a record. */
export function dealExtraRoutes(account: Account): Route<Caller>[] {
  const on = (
    method: string,
    path: string,
    act: (call: Call, caller: Caller) => Answer,
  ): Route<Caller> => ({
    method,
    path: `/v1/${path}`,
    target: (call, caller) => {
      requireAccess(caller, KIND_INFO.deal, method)
      return act(call, caller)
    },
  })
  const changelogs = (['deal', 'person', 'organization'] as const).map((kind): Route<Caller> => ({
    method: 'GET',
    path: `/v1/${KIND_INFO[kind].path}/{id}/changelog`,
    target: (call, caller) => {
      requireScope(caller, 'recents:read', `${KIND_INFO[kind].scope}:full`)
      return changelog(account, call, caller, kind)
    },
  }))
  return [
    ...changelogs,
    on('GET', 'deals/{id}/participants', (call, caller) => {
      const deal = rowOf(account, call, caller, 'deal')
      const all = account.state.participantsOf(deal.id)
      return listV1(
        call,
        all.map((participant) => render(account, participant)),
      )
    }),
    on('POST', 'deals/{id}/participants', (call, caller) => add(account, call, caller)),
    on('DELETE', 'deals/{id}/participants/{participant}', (call, caller) => {
      const deal = rowOf(account, call, caller, 'deal')
      const id = Number(call.params['participant'])
      if (account.state.participants.get(id)?.dealId !== deal.id) throw notFound()
      account.state.commit([{ do: 'drop-participant', id }])
      return { status: 200, body: { success: true, data: { id } } }
    }),
  ]
}

function add(account: Account, call: Call, caller: Caller): Answer {
  const deal = rowOf(account, call, caller, 'deal')
  const id = numberOf(objectOf(parseBody(call.text))['person_id'])
  const person = account.state.table('person').find(String(id ?? ''))
  if (!person || person.deletedAtMs !== 0) throw invalidV1('person_id: there is no such person')
  const known = account.state.participantsOf(deal.id).find((one) => one.personId === person.id)
  if (known) throw invalidV1('The person is a participant already.')
  const participant = {
    id: account.state.nextId('participant'),
    dealId: deal.id,
    personId: person.id,
    addedAtMs: vendorNow(account),
  }
  account.state.commit([{ do: 'participant', participant }])
  return { status: 200, body: { success: true, data: render(account, participant) } }
}

function render(account: Account, participant: Participant): JsonObject {
  const { state } = account
  const person = state.table('person').find(participant.personId)
  const deal = state.table('deal').find(participant.dealId)
  const shown = person ? renderPersonV1(account, person) : {}
  const { active_flag, name, email, phone, company_id } = shown
  return {
    id: participant.id,
    person_id: {
      active_flag: active_flag ?? false,
      name: name ?? '',
      email: email ?? [],
      phone: phone ?? [],
      owner_id: Number(person?.values['owner_id'] ?? 0),
      company_id: company_id ?? 0,
      value: Number(participant.personId),
    },
    add_time: timeV1(participant.addedAtMs),
    active_flag: true,
    related_item_data: {
      deal_id: Number(participant.dealId),
      title: deal?.values['title'] ?? '',
    },
    person: shown,
    related_item_type: 'deal',
    related_item_id: Number(participant.dealId),
  }
}

/** Newest first, as the vendor lists it. */
function changelog(account: Account, call: Call, caller: Caller, kind: Kind): Answer {
  const { log } = rowOf(account, call, caller, kind)
  return listFew(call, log.toReversed().map(renderEntry))
}

function renderEntry({ field, before, after, atMs, by }: LogEntry): JsonObject {
  const text = (value: unknown) =>
    value === null ? null : typeof value === 'string' ? value : JSON.stringify(value)
  return {
    field_key: field,
    old_value: text(before),
    new_value: text(after),
    actor_user_id: by.userId,
    time: timeV1(atMs),
    change_source: by.source,
    change_source_user_agent: null,
    is_bulk_update_flag: false,
  }
}
