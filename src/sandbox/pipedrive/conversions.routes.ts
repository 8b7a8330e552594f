import { randomUUID } from 'node:crypto'

import { objectOf } from '#sandbox/json.ts'
import type { JsonObject } from '#sandbox/json.ts'
import { parseBody } from '#sandbox/kernel.ts'
import type { Answer, Call, Route } from '#sandbox/kernel.ts'
import { actorOf, requireScope } from './account.ts'
import type { Account, Caller } from './account.ts'
import { notFound } from './errors.ts'
import { rowOf } from './records.routes.ts'
import type { Row } from './state.ts'
import { planCreate, planDelete } from './writes.ts'

/** A job that turns a lead into a deal, or a deal into a lead. */
interface Conversion {
  from: 'lead' | 'deal'
  id: string
  startedAtMs: number
  caller: Caller
  wishes: JsonObject
  /** The id of what came out; null until it is done. */
  result: string | null
}

/** The jobs of an account; they do not outlive the process. */
export type Conversions = Map<string, Conversion>

/** Pipedrive docs: API v2, convert a lead to a deal and back: a job is started, and asked for. */
export function conversionRoutes(account: Account, jobs: Conversions): Route<Caller>[] {
  const on = (method: string, path: string, act: (call: Call, caller: Caller) => Answer) => ({
    method,
    path: `/api/v2/${path}`,
    target: (call: Call, caller: Caller) => {
      requireScope(caller, 'deals:full')
      requireScope(caller, 'leads:full')
      return act(call, caller)
    },
  })
  return [
    on('POST', 'leads/{id}/convert/deal', (call, caller) =>
      start(account, jobs, call, caller, 'lead'),
    ),
    on('GET', 'leads/{id}/convert/status/{job}', (call) => status(account, jobs, call, 'lead')),
    on('POST', 'deals/{id}/convert/lead', (call, caller) =>
      start(account, jobs, call, caller, 'deal'),
    ),
    on('GET', 'deals/{id}/convert/status/{job}', (call) => status(account, jobs, call, 'deal')),
  ]
}

function start(
  account: Account,
  jobs: Conversions,
  call: Call,
  caller: Caller,
  from: Conversion['from'],
): Answer {
  const row = rowOf(account, call, caller, from)
  if (row.deletedAtMs !== 0) throw notFound()
  const id = randomUUID()
  const startedAtMs = account.clock.now()
  const wishes = objectOf(parseBody(call.text))
  jobs.set(id, { from, id: row.id, startedAtMs, caller, wishes, result: null })
  return {
    status: 200,
    body: { success: true, data: { conversion_id: id }, additional_data: null },
  }
}

/** Asking moves the job on once its time has come. */
function status(account: Account, jobs: Conversions, call: Call, from: Conversion['from']): Answer {
  const id = call.params['job'] ?? ''
  const job = jobs.get(id)
  if (!job || job.from !== from || job.id !== call.params['id']) throw notFound()
  const isDue = account.clock.now() - job.startedAtMs >= account.settings.conversionMs
  if (isDue && job.result === null) job.result = convert(account, job)
  const result = job.result === null ? {} : resultOf(from, job.result)
  const state = job.result === null ? 'running' : 'completed'
  const data = { conversion_id: id, status: state, ...result }
  return { status: 200, body: { success: true, data, additional_data: null } }
}

function resultOf(from: Conversion['from'], id: string): JsonObject {
  return from === 'lead' ? { deal_id: Number(id) } : { lead_id: id }
}

/** Makes the new record with what both kinds have, then deletes the old one. */
function convert(account: Account, job: Conversion): string | null {
  const row = account.state.table(job.from).find(job.id)
  if (!row || row.deletedAtMs !== 0) return null
  const by = actorOf(job.caller)
  const to = job.from === 'lead' ? 'deal' : 'lead'
  const body = to === 'deal' ? dealOf(row, job.wishes) : leadOf(row)
  const { row: made, changes } = planCreate(account, to, body, by)
  const link = to === 'deal' ? { source_lead_id: row.id } : { source_deal_id: Number(row.id) }
  const values = { ...made.values, ...link }
  const linked = changes.map((change) =>
    change.do === 'put' ? { ...change, row: { ...change.row, values } } : change,
  )
  account.state.commit([...linked, ...planDelete(account, job.from, row, by)])
  return made.id
}

function dealOf(lead: Row, { stage_id, pipeline_id }: JsonObject): JsonObject {
  const { title, owner_id, person_id, organization_id, value, expected_close_date } = lead.values
  const { amount, currency } = objectOf(value)
  return withoutAbsent({
    title,
    owner_id,
    person_id,
    org_id: organization_id,
    value: amount,
    currency,
    expected_close_date,
    stage_id,
    pipeline_id,
    custom_fields: lead.custom,
  })
}

function leadOf(deal: Row): JsonObject {
  const { title, owner_id, person_id, org_id, value, currency } = deal.values
  return withoutAbsent({
    title,
    owner_id,
    person_id,
    organization_id: org_id,
    value: { amount: value ?? 0, currency: currency ?? '' },
    ...deal.custom,
  })
}

function withoutAbsent(body: Record<string, JsonObject[string] | undefined>): JsonObject {
  return Object.fromEntries(
    Object.entries(body).flatMap(([name, value]) =>
      value === undefined || value === null ? [] : [[name, value] as const],
    ),
  )
}
