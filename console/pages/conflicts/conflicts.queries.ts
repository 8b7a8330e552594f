import { queryOptions } from '@tanstack/react-query'
import type { z } from 'zod'
import { Page } from '#core/page.ts'
import { Conflict, ConflictsAssigned, ConflictsResolved } from '#sync/conflict.schema.ts'
import { RehearsalView, type Policy } from '#sync/field.schema.ts'
import { FieldHistory } from '#sync/history.schema.ts'
import { act, read } from '#console/api.ts'
import { listQuery } from '#console/list-query.ts'

export type ConflictRow = z.output<typeof Conflict>
export type Rehearsal = z.output<typeof RehearsalView>
export type HistoryRow = z.output<typeof FieldHistory>
export type PolicyName = z.output<typeof Policy>

const CONFLICTS = '/api/v1/sync/conflicts'

/** What an act on conflicts reads again. */
export const AREA = 'conflicts'

export interface ConflictFilter {
  state: ConflictRow['state']
  connectionId: string | undefined
  field: string | undefined
  owner: string | undefined
  overdue: 'true' | undefined
}

export function conflictsQuery(filter: ConflictFilter) {
  return listQuery([AREA], Page(Conflict), CONFLICTS, { ...filter })
}

export function conflictsExport(filter: ConflictFilter) {
  return { path: CONFLICTS, fields: { ...filter } }
}

function conflictPath(conflictId: string): string {
  return `${CONFLICTS}/${encodeURIComponent(conflictId)}`
}

export function conflictQuery(conflictId: string) {
  return queryOptions({
    queryKey: [AREA, 'one', conflictId],
    queryFn: ({ signal }) => read(Conflict, conflictPath(conflictId), {}, signal),
  })
}

export type Decision =
  | { choice: 'hub' }
  | { choice: 'crm' }
  | { choice: 'value'; value: ConflictRow['base'] }

export function resolveConflict(conflictId: string, decision: Decision, note: string) {
  return act('POST', `${conflictPath(conflictId)}/resolve`, {
    decision,
    ...(note === '' ? {} : { note }),
  })
}

/** All alike, or none of them. @returns how many. */
export async function resolveConflicts(
  conflictIds: readonly string[],
  choice: 'hub' | 'crm',
  note: string,
): Promise<number> {
  const body = { conflictIds, choice, ...(note === '' ? {} : { note }) }
  return ConflictsResolved.parse(await act('POST', `${CONFLICTS}/resolve`, body)).resolved
}

export function undoConflict(conflictId: string): Promise<unknown> {
  return act('POST', `${conflictPath(conflictId)}/undo`, {})
}

/** @param dueAt  null leaves each its own. @returns how many. */
export async function assignConflicts(
  conflictIds: readonly string[],
  owner: string | null,
  dueAt: Date | null,
): Promise<number> {
  const body = { conflictIds, owner, ...(dueAt === null ? {} : { dueAt: dueAt.toISOString() }) }
  return ConflictsAssigned.parse(await act('POST', `${CONFLICTS}/assign`, body)).assigned
}

/** What became of one field of a record, the newest first. */
export function fieldHistoryQuery(entity: string, localId: string, field: string) {
  const path = `/api/v1/sync/records/${encodeURIComponent(entity)}/${encodeURIComponent(localId)}/fields`
  return listQuery([AREA, 'history'], Page(FieldHistory), path, { field }, 20)
}

export interface RehearsedRule {
  connectionId: string
  stream: string
  field: string
  policy: PolicyName
  /** As it is mapped unless given. */
  direction?: 'pull' | 'push' | 'both'
  days: string
}

function rehearsalPath({ connectionId, stream, field }: RehearsedRule): string {
  const [connection, name, one] = [connectionId, stream, field].map(encodeURIComponent)
  return `/api/v1/connections/${connection}/streams/${name}/fields/${one}/rehearsal`
}

export function rehearsalExport(rule: RehearsedRule) {
  return {
    path: rehearsalPath(rule),
    fields: { policy: rule.policy, direction: rule.direction, days: rule.days },
    isList: false,
  }
}

export function rehearsalQuery(rule: RehearsedRule) {
  const { path, fields } = rehearsalExport(rule)
  return queryOptions({
    queryKey: [AREA, 'rehearsal', rule],
    queryFn: ({ signal }) => read(RehearsalView, path, fields, signal),
  })
}
