import { newId } from '#core/id.ts'
import { cutPage, decodeCursor } from '#core/page.ts'
import { Problem } from '#core/problem.ts'
import { DAY_MS } from '#core/time.ts'
import { listHoldsAgainst, lockHolds } from '#compliance/hold.store.ts'
import type { PersonalStore, Subject } from '#compliance/personal-store.ts'
import { askedChanges, givenOnly, rectify } from '#compliance/rectify.ts'
import {
  HeldData,
  NewPrivacyRequest,
  PrivacyRequest,
  PrivacyRequestDetail,
  PrivacyRequestPage,
  PrivacyRequestPath,
  PrivacyRequestQuery,
  RefusePrivacyRequest,
} from '#compliance/privacy.schema.ts'
import {
  decideRequest,
  findLivePerson,
  findRequest,
  insertRequest,
  listReceipts,
  listRequests,
  openChanges,
  subjectOf,
  type RequestRow,
} from '#compliance/privacy.store.ts'
import { suppressAddresses } from '#compliance/suppressed.ts'
import { defineOperation, type Operation } from '#gateway/operation.ts'
import type { Transaction } from '#store/store.ts'

const DUE_MS = 30 * DAY_MS
/** Records of each kind that an export lists. */
const MOST_HELD = 10_000
const REMAINS = [
  'Answers kept for repeated requests: sealed, at most 24 hours.',
  'Uploaded import files and their rejected rows: sealed, until the import is tidied away.',
  'Free text that people wrote elsewhere, such as comments on reports and notes on activities.',
  'Backups made before: until they are replaced.',
]

const tag = 'Privacy'

/**
 * @param stores  what each module keeps of people.
 * @param erasableKinds  kinds of records that an erasure reaches: a hold of one stands against it.
 */
export function privacyOperations(
  stores: readonly PersonalStore[],
  erasableKinds: readonly string[],
): readonly Operation[] {
  const create = defineOperation({
    id: 'createPrivacyRequest',
    method: 'POST',
    path: '/api/v1/privacy/requests',
    scope: 'privacy:write',
    tag,
    summary: 'Take a request of a person about their data',
    event: 'privacy.request_received',
    subject: ({ id }) => id,
    location: ({ id }) => `/api/v1/privacy/requests/${id}`,
    status: 201,
    input: NewPrivacyRequest,
    output: PrivacyRequest,
    async perform({ kind, personId, note, changes }, { tx, principal, now }) {
      const asked = askedChanges(kind, changes)
      const person = await findLivePerson(tx, personId)
      if (person === null)
        throw new Problem(
          'resource.not_found',
          'There is no person with this id, or it was erased.',
        )
      const id = newId('prq')
      const dueAt = new Date(now.getTime() + DUE_MS)
      const requestedBy = principal.id
      const request = { id, kind, personId: person as `per_${string}`, note, changes: asked }
      await insertRequest(tx, { ...request, requestedBy, requestedAt: now, dueAt })
      return viewOf(await getRequest(tx, id))
    },
  })

  const list = defineOperation({
    id: 'listPrivacyRequests',
    method: 'GET',
    path: '/api/v1/privacy/requests',
    scope: 'privacy:read',
    tag,
    summary: 'List requests of people about their data, newest first',
    input: PrivacyRequestQuery,
    output: PrivacyRequestPage,
    csv: [
      { title: 'Id', field: 'id' },
      { title: 'Kind', field: 'kind' },
      { title: 'State', field: 'state' },
      { title: 'Fields', field: 'fields' },
      { title: 'Person', field: 'personId' },
      { title: 'Received', field: 'requestedAt' },
      { title: 'Due', field: 'dueAt' },
      { title: 'Decided', field: 'decidedAt' },
      { title: 'Decided by', field: 'decidedBy' },
    ],
    async perform({ limit, cursor, ...filter }, { tx }) {
      const [at, id] = cursor === undefined ? [] : decodeCursor(cursor, 2).map(String)
      const after = at !== undefined && id !== undefined ? ([at, id] as const) : null
      const rows = await listRequests(tx, filter, after, limit)
      const page = cutPage(rows, limit, (row) => [row.requestedAt.toISOString(), row.id])
      return { ...page, data: page.data.map(viewOf) }
    },
  })

  const get = defineOperation({
    id: 'getPrivacyRequest',
    method: 'GET',
    path: '/api/v1/privacy/requests/{requestId}',
    scope: 'privacy:read',
    tag,
    summary: 'A request with what was done here and the receipts of connected systems',
    version: ({ version }) => version,
    input: PrivacyRequestPath,
    output: PrivacyRequestDetail,
    perform: ({ requestId }, { tx }) => detailOf(tx, requestId),
  })

  const approve = defineOperation({
    id: 'approvePrivacyRequest',
    method: 'POST',
    path: '/api/v1/privacy/requests/{requestId}/approve',
    scope: 'privacy:approve',
    tag,
    freshWithinMinutes: 15,
    summary: 'Approve a request; what it asks is carried out at once, an erasure cannot be undone',
    description:
      'Of an erasure: what names the person is taken out of every table here in one transaction; what they did stays as that of somebody unnamed, ' +
      'so that figures keep their sums. Connected systems are asked to erase their records. A rectification is written here in one transaction and ' +
      'goes to connected systems with the next sync, as the fields are mapped. Each system gives a receipt.',
    event: 'privacy.request_approved',
    status: 200,
    subject: ({ id }) => id,
    input: PrivacyRequestPath,
    output: PrivacyRequestDetail,
    async perform({ requestId }, context) {
      const { tx, principal, now } = context
      const request = await getOpenRequest(tx, requestId)
      if (request.kind !== 'access' && request.requestedBy === principal.id)
        throw new Problem(
          'privacy.second_person',
          'Ask somebody else with the right to decide: you took this request yourself.',
        )
      const erased =
        request.kind === 'erasure'
          ? await erase(tx, { stores, kinds: erasableKinds }, request, now)
          : null
      if (request.kind === 'rectification') await rectify(context, stores, request)
      const decision = {
        state: 'approved',
        by: principal.id,
        at: now,
        reason: null,
        erased,
      } as const
      await decideRequest(tx, requestId, decision)
      if (erased !== null) {
        context.audit({
          action: 'person.erased',
          subjectId: request.personId,
          detail: { requestId, erased },
        })
        context.emit({
          event: 'privacy.person_erased',
          subjectId: request.personId,
          data: { requestId },
        })
      }
      return detailOf(tx, requestId)
    },
  })

  const refuse = defineOperation({
    id: 'refusePrivacyRequest',
    method: 'POST',
    path: '/api/v1/privacy/requests/{requestId}/refuse',
    scope: 'privacy:approve',
    tag,
    summary: 'Refuse a request, with the reason',
    event: 'privacy.request_refused',
    status: 200,
    subject: ({ id }) => id,
    input: RefusePrivacyRequest,
    output: PrivacyRequestDetail,
    async perform({ requestId, reason }, { tx, principal, now }) {
      await getOpenRequest(tx, requestId)
      const decision = {
        state: 'refused',
        by: principal.id,
        at: now,
        reason,
        erased: null,
      } as const
      await decideRequest(tx, requestId, decision)
      return detailOf(tx, requestId)
    },
  })

  const held = defineOperation({
    id: 'exportPersonalData',
    method: 'GET',
    path: '/api/v1/privacy/requests/{requestId}/export',
    scope: 'privacy:read',
    tag,
    summary: 'All that is held of the person, for an approved access request',
    description: 'Collected anew at each call; nothing of it is kept.',
    input: PrivacyRequestPath,
    output: HeldData,
    async perform({ requestId }, { tx, now }) {
      const request = await getRequest(tx, requestId)
      if (request.kind !== 'access' || request.state !== 'approved')
        throw new Problem(
          'privacy.not_approved',
          'Only an access request that was approved is answered with the data.',
        )
      const subject = await subjectOf(tx, [request.personId])
      const held: Record<string, unknown> = {}
      for (const store of stores) Object.assign(held, await store.collect(tx, subject, MOST_HELD))
      return { requestId, at: now, limit: MOST_HELD, held }
    },
  })
  return [create, list, get, approve, refuse, held]
}

async function erase(
  tx: Transaction,
  { stores, kinds }: { stores: readonly PersonalStore[]; kinds: readonly string[] },
  { id, personId }: RequestRow,
  now: Date,
): Promise<Record<string, number>> {
  const subject = await subjectOf(tx, [personId])
  await refuseHeld(tx, subject, kinds)
  await suppressAddresses(tx, subject.personIds, { id, now })
  const erased: Record<string, number> = {}
  for (const store of stores) Object.assign(erased, await store.erase(tx, subject, { id, now }))
  return erased
}

/** @throws Problem `privacy.held` that names the holds. */
async function refuseHeld(tx: Transaction, subject: Subject, kinds: readonly string[]) {
  await lockHolds(tx, 'shared')
  const holds = await listHoldsAgainst(tx, subject, kinds)
  if (holds.length === 0) return
  const named = holds.map(({ id, target }) => `${id} (${target})`).join(', ')
  throw new Problem(
    'privacy.held',
    `Legal holds keep this data: ${named}. Lift them first, or refuse the request with that reason.`,
  )
}

async function getRequest(tx: Transaction, id: string, how?: 'lock'): Promise<RequestRow> {
  const request = await findRequest(tx, id, how)
  if (!request) throw new Problem('resource.not_found', 'There is no request with this id.')
  return request
}

async function getOpenRequest(tx: Transaction, id: string): Promise<RequestRow> {
  const request = await getRequest(tx, id, 'lock')
  if (request.state !== 'received')
    throw new Problem('privacy.decided', `The request is ${request.state} already: take a new one.`)
  return request
}

function viewOf({ erased: _erased, changes: _changes, ...request }: RequestRow): PrivacyRequest {
  return request
}

async function detailOf(tx: Transaction, id: string) {
  const request = await getRequest(tx, id)
  const receipts = await listReceipts(tx, id)
  const kept = openChanges(tx, id, request.changes)
  return {
    ...request,
    changes: kept && givenOnly(kept.asked),
    before: kept?.before ?? null,
    receipts,
    remains: request.kind === 'erasure' ? REMAINS : [],
  }
}
