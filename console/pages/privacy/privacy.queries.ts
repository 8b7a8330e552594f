import { queryOptions } from '@tanstack/react-query'
import type { z } from 'zod'
import { HoldPage, type HoldTarget } from '#compliance/hold.schema.ts'
import {
  type PersonalChanges,
  PrivacyRequestDetail,
  PrivacyRequestPage,
  type RequestKind,
} from '#compliance/privacy.schema.ts'
import {
  RetentionPreview,
  RetentionRules,
  RetentionRun,
  RunPage,
} from '#compliance/retention.schema.ts'
import { SuppressionPage } from '#compliance/suppression.schema.ts'
import { SECOND_MS } from '#core/time.ts'
import { act, read } from '#console/api.ts'
import { listQuery } from '#console/list-query.ts'

export type Request = z.output<typeof PrivacyRequestPage>['data'][number]
export type RequestDetail = z.output<typeof PrivacyRequestDetail>
export type Rule = z.output<typeof RetentionRules>['data'][number]
export type Preview = z.output<typeof RetentionPreview>
export type Run = z.output<typeof RetentionRun>
export type HoldRow = z.output<typeof HoldPage>['data'][number]
export type Kind = z.output<typeof RequestKind>
export type Changes = z.output<typeof PersonalChanges>
export type CorrectableField = keyof Changes
export type SuppressionRow = z.output<typeof SuppressionPage>['data'][number]
export type Target = z.output<typeof HoldTarget>

/** What an act on requests, rules and holds reads again. */
export const AREA = 'privacy'

const REQUESTS = '/api/v1/privacy/requests'
const RETENTION = '/api/v1/retention'

export function requestsExport(kind: Kind | undefined) {
  return { path: REQUESTS, fields: { kind } }
}

export function requestsQuery(kind: Kind | undefined) {
  return listQuery([AREA], PrivacyRequestPage, REQUESTS, { kind })
}

function requestPath(requestId: string): string {
  return `${REQUESTS}/${encodeURIComponent(requestId)}`
}

export function requestExport(requestId: string) {
  return { path: requestPath(requestId), fields: {}, isList: false }
}

/** What is held of the person, once an access request is approved. */
export function heldDataPath(requestId: string): string {
  return `${requestPath(requestId)}/export`
}

export function requestQuery(requestId: string) {
  return queryOptions({
    queryKey: [AREA, 'request', requestId],
    queryFn: ({ signal }) => read(PrivacyRequestDetail, requestPath(requestId), {}, signal),
    // Receipts of connected systems come in while one looks on.
    refetchInterval: 10 * SECOND_MS,
  })
}

/** @param changes  of a rectification: what is to be put right. */
export function createRequest(
  kind: Kind,
  personId: string,
  note: string,
  changes: Changes,
): Promise<unknown> {
  const more = kind === 'rectification' ? { changes } : {}
  return act('POST', REQUESTS, { kind, personId, note, ...more })
}

export function approveRequest(requestId: string): Promise<unknown> {
  return act('POST', `${requestPath(requestId)}/approve`, {})
}

export function refuseRequest(requestId: string, reason: string): Promise<unknown> {
  return act('POST', `${requestPath(requestId)}/refuse`, { reason })
}

export const rulesExport = { path: `${RETENTION}/rules`, fields: {}, isList: false }

export const rulesQuery = queryOptions({
  queryKey: [AREA, 'rules'],
  queryFn: ({ signal }) => read(RetentionRules, rulesExport.path, {}, signal),
})

/** What would go of a kind; without days, by the rule that holds. */
export function previewQuery(kind: string, days: number | undefined) {
  return queryOptions({
    queryKey: [AREA, 'preview', kind, days],
    queryFn: ({ signal }) => read(RetentionPreview, `${RETENTION}/preview`, { kind, days }, signal),
  })
}

export function putRule(kind: string, days: number | 'keep'): Promise<unknown> {
  return act('PUT', `${RETENTION}/rules/${encodeURIComponent(kind)}`, { days })
}

export function runsQuery() {
  return listQuery([AREA], RunPage, `${RETENTION}/runs`, {}, 25)
}

export const runsExport = { path: `${RETENTION}/runs`, fields: {} }

export function runQuery(runId: string) {
  return queryOptions({
    queryKey: [AREA, 'run', runId],
    queryFn: ({ signal }) =>
      read(RetentionRun, `${RETENTION}/runs/${encodeURIComponent(runId)}`, {}, signal),
  })
}

const HOLDS = `${RETENTION}/holds`

export function holdsExport(standing: string | undefined) {
  return { path: HOLDS, fields: { standing } }
}

export function holdsQuery(standing: string | undefined) {
  return listQuery([AREA], HoldPage, HOLDS, { standing })
}

export function placeHold(target: Target, subject: string, reason: string): Promise<unknown> {
  return act('POST', HOLDS, { target, subject, reason })
}

export function liftHold(holdId: string, reason: string): Promise<unknown> {
  return act('POST', `${HOLDS}/${encodeURIComponent(holdId)}/lift`, { reason })
}

const SUPPRESSIONS = '/api/v1/privacy/suppressions'

export const suppressionsExport = { path: SUPPRESSIONS, fields: {} }

export function suppressionsQuery() {
  return listQuery([AREA], SuppressionPage, SUPPRESSIONS, {})
}

/** Only a hash of the address is kept, so that it has to be given. */
export function liftSuppression(email: string, reason: string): Promise<unknown> {
  return act('POST', `${SUPPRESSIONS}/lift`, { email, reason })
}
