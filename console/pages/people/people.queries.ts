import { queryOptions } from '@tanstack/react-query'
import type { z } from 'zod'
import { PrivacyRequestPage } from '#compliance/privacy.schema.ts'
import { LeadPage } from '#domains/sales/lead.schema.ts'
import { OpportunityPage } from '#domains/sales/opportunity.schema.ts'
import {
  DuplicatesDismissed,
  PersonDuplicatePage,
  type DismissalReason,
} from '#people/duplicate.schema.ts'
import {
  DuplicateMergePreviews,
  MergePreview,
  PersonMerge,
  PersonMergePage,
} from '#people/merge.schema.ts'
import {
  ConsentState,
  IdentityConflictPage,
  PersonDetail,
  PersonPage,
  type NewConsent,
  type PersonBrief,
} from '#people/person.schema.ts'
import { Timeline } from '#people/touchpoint.schema.ts'
import { act, read } from '#console/api.ts'
import { listQuery } from '#console/list-query.ts'
import { decideMany, type BulkResult } from '#console/many.ts'

export type PersonRow = z.output<typeof PersonPage>['data'][number]
export type PersonWhole = z.output<typeof PersonDetail>
export type Brief = z.output<typeof PersonBrief>
export type Pair = z.output<typeof PersonDuplicatePage>['data'][number]
export type ConflictPair = z.output<typeof IdentityConflictPage>['data'][number]
export type MergeRow = z.output<typeof PersonMergePage>['data'][number]
export type Preview = z.output<typeof MergePreview>
export type PairPreview = z.output<typeof DuplicateMergePreviews>['data'][number]
export type Touch = z.output<typeof Timeline>['data'][number]
export type Deal = z.output<typeof OpportunityPage>['data'][number]
export type Reason = z.output<typeof DismissalReason>

/** What an act on people reads again. */
export const AREA = 'people'

const PEOPLE = '/api/v1/people'
const DUPLICATES = `${PEOPLE}/duplicates`
const MERGES = `${PEOPLE}/merges`
const CONFLICTS = '/api/v1/identity-conflicts'

export interface PeopleFilter {
  email: string | undefined
  identified: 'true' | 'false' | undefined
}

export function peopleExport(filter: PeopleFilter) {
  return { path: PEOPLE, fields: { ...filter } }
}

export function peopleQuery(filter: PeopleFilter) {
  return listQuery([AREA], PersonPage, PEOPLE, { ...filter })
}

function personPath(personId: string): string {
  return `${PEOPLE}/${encodeURIComponent(personId)}`
}

export function personExport(personId: string) {
  return { path: personPath(personId), fields: {}, isList: false }
}

export function personQuery(personId: string) {
  return queryOptions({
    queryKey: [AREA, 'person', personId],
    queryFn: ({ signal }) => read(PersonDetail, personPath(personId), {}, signal),
  })
}

export function touchesQuery(personId: string) {
  return listQuery([AREA], Timeline, `${personPath(personId)}/timeline`, {}, 25)
}

export function leadsOfQuery(personId: string) {
  return listQuery([AREA], LeadPage, '/api/v1/leads', { personId }, 25)
}

export function dealsOfQuery(personId: string) {
  return listQuery([AREA], OpportunityPage, '/api/v1/opportunities', { personId }, 25)
}

export function requestsOfQuery(personId: string) {
  return listQuery([AREA], PrivacyRequestPage, '/api/v1/privacy/requests', { personId }, 25)
}

export async function recordConsent(
  personId: string,
  consent: z.input<typeof NewConsent>,
): Promise<void> {
  const body = { ...consent, source: 'console' }
  ConsentState.parse(await act('POST', `${personPath(personId)}/consents`, body))
}

export interface PairFilter {
  status: 'open' | 'dismissed'
  minConfidence: string | undefined
}

export function pairsExport(filter: PairFilter) {
  return { path: DUPLICATES, fields: { ...filter } }
}

export function pairsQuery(filter: PairFilter) {
  return listQuery([AREA], PersonDuplicatePage, DUPLICATES, { ...filter })
}

/** The surest open pairs with this person; more than these nobody has but by a fault of the data. */
export function pairsOfQuery(personId: string) {
  return queryOptions({
    queryKey: [AREA, 'pairs-of', personId],
    queryFn: async ({ signal }) =>
      (await read(PersonDuplicatePage, DUPLICATES, { personId, limit: 100 }, signal)).data,
  })
}

/** @returns how many were open until now. */
export async function dismissPairs(ids: readonly string[], reason: Reason): Promise<number> {
  const body = { duplicateIds: ids, reason }
  return DuplicatesDismissed.parse(await act('POST', `${DUPLICATES}/dismiss`, body)).dismissed
}

export interface PairWish {
  duplicateId: string
  /** Null: who stays goes by the rule. */
  intoId: string | null
}

/** What merging these pairs at once would do. */
export function previewPairsQuery(wishes: readonly PairWish[]) {
  const pairs = wishes
    .map(({ duplicateId, intoId }) => (intoId === null ? duplicateId : `${duplicateId}:${intoId}`))
    .join(',')
  return queryOptions({
    queryKey: [AREA, 'preview-pairs', pairs],
    queryFn: async ({ signal }) =>
      (await read(DuplicateMergePreviews, `${DUPLICATES}/merge-preview`, { pairs }, signal)).data,
  })
}

export function mergePairs(wishes: readonly PairWish[]): Promise<BulkResult> {
  const pairs = wishes.map(({ duplicateId, intoId }) => ({
    duplicateId,
    ...(intoId === null ? {} : { intoId }),
  }))
  return decideMany(`${DUPLICATES}/merge`, { pairs })
}

export function conflictsExport(state: ConflictPair['state']) {
  return { path: CONFLICTS, fields: { state } }
}

export function conflictsQuery(state: ConflictPair['state']) {
  return listQuery([AREA], IdentityConflictPage, CONFLICTS, { state })
}

export interface MergeFilter {
  personId?: string
  state?: 'merged' | 'undone' | undefined
}

export function mergesExport(filter: MergeFilter) {
  return { path: MERGES, fields: { ...filter } }
}

export function mergesQuery(filter: MergeFilter) {
  return listQuery([AREA], PersonMergePage, MERGES, { ...filter }, 25)
}

/** @param one  who stays. */
export function previewQuery(one: string, other: string) {
  return queryOptions({
    queryKey: [AREA, 'preview', one, other],
    queryFn: ({ signal }) =>
      read(MergePreview, `${personPath(one)}/merge-preview`, { with: other }, signal),
  })
}

export async function mergePeople(one: string, other: string): Promise<void> {
  PersonMerge.parse(await act('POST', `${personPath(one)}/merge`, { with: other }))
}

export async function undoMerge(mergeId: string): Promise<void> {
  PersonMerge.parse(await act('POST', `${MERGES}/${encodeURIComponent(mergeId)}/unmerge`, {}))
}
