import { queryOptions } from '@tanstack/react-query'
import type { z } from 'zod'
import {
  Measure,
  Threat,
  ThreatDetail,
  ThreatFigures,
  type ThreatKind,
} from '#access/threats/threat.schema.ts'
import { Page } from '#core/page.ts'
import { MINUTE_MS } from '#core/time.ts'
import { Levels, Objectives, type WindowName } from '#levels/level.schema.ts'
import { UptimeReport } from '#levels/probe.schema.ts'
import { Quota, UsageDay } from '#levels/quota.schema.ts'
import { Scorecard } from '#levels/scorecard.schema.ts'
import { act, read } from '#console/api.ts'
import { listQuery } from '#console/list-query.ts'

export type Objective = z.output<typeof Objectives>['data'][number]
export type OperationLevel = z.output<typeof Levels>['data'][number]
export type Prober = z.output<typeof UptimeReport>['data'][number]
export type QuotaRow = z.output<typeof Quota>
export type Usage = z.output<typeof UsageDay>
export type Kpi = z.output<typeof Scorecard>['data'][number]
export type ThreatRow = z.output<typeof Threat>
export type ThreatWhole = z.output<typeof ThreatDetail>
export type MeasureRow = z.output<typeof Measure>
export type Window = z.output<typeof WindowName>

/** What an act on quotas and threats reads again. */
export const AREA = 'operations'

const LIVE = { refetchInterval: MINUTE_MS }

export function levelsExport(window: Window) {
  return { path: '/api/v1/service-levels', fields: { window }, isList: false }
}

export function levelsQuery(window: Window) {
  const { path, fields } = levelsExport(window)
  return { ...listQuery([AREA], Levels, path, fields), ...LIVE }
}

export const objectivesQuery = queryOptions({
  queryKey: [AREA, 'objectives'],
  queryFn: ({ signal }) => read(Objectives, '/api/v1/service-levels/objectives', {}, signal),
  ...LIVE,
})

export const uptimeQuery = queryOptions({
  queryKey: [AREA, 'uptime'],
  queryFn: ({ signal }) => read(UptimeReport, '/api/v1/uptime', {}, signal),
  ...LIVE,
})

export const scorecardExport = { path: '/api/v1/scorecard', fields: {}, isList: false }

export const scorecardQuery = queryOptions({
  queryKey: [AREA, 'scorecard'],
  queryFn: ({ signal }) => read(Scorecard, scorecardExport.path, {}, signal),
  staleTime: MINUTE_MS,
})

const QUOTAS = '/api/v1/quotas'

export function quotasQuery() {
  return { ...listQuery([AREA], Page(Quota), QUOTAS), ...LIVE }
}

export function setQuota(
  subject: string,
  quota: { perDay: number | null; perMonth: number | null },
): Promise<unknown> {
  return act('PUT', `${QUOTAS}/${encodeURIComponent(subject)}`, quota)
}

export function liftQuota(subject: string): Promise<unknown> {
  return act('DELETE', `${QUOTAS}/${encodeURIComponent(subject)}`)
}

export function usageExport(subject: string | undefined) {
  return { path: '/api/v1/usage', fields: { subject } }
}

export function usageQuery(subject: string | undefined) {
  const { path, fields } = usageExport(subject)
  return listQuery([AREA], Page(UsageDay), path, fields)
}

const THREATS = '/api/v1/security/threats'

export interface ThreatFilter {
  state: ThreatRow['state'] | undefined
  kind: ThreatKind | undefined
}

export function threatsExport(filter: ThreatFilter) {
  return { path: THREATS, fields: { ...filter } }
}

export function threatsQuery(filter: ThreatFilter) {
  return { ...listQuery([AREA], Page(Threat), THREATS, { ...filter }), ...LIVE }
}

function threatPath(threatId: string): string {
  return `${THREATS}/${encodeURIComponent(threatId)}`
}

export function threatQuery(threatId: string) {
  return queryOptions({
    queryKey: [AREA, 'threat', threatId],
    queryFn: ({ signal }) => read(ThreatDetail, threatPath(threatId), {}, signal),
  })
}

export function decideThreat(
  threatId: string,
  decision: 'confirmed' | 'dismissed',
): Promise<unknown> {
  return act('POST', `${threatPath(threatId)}/decision`, { decision })
}

export function undoThreat(threatId: string): Promise<unknown> {
  return act('POST', `${threatPath(threatId)}/undo`, {})
}

/** Blocks, quarantines and clamps that hold now. */
export function measuresQuery() {
  return listQuery([AREA], Page(Measure), '/api/v1/security/measures')
}

export const threatFiguresQuery = queryOptions({
  queryKey: [AREA, 'threat-figures'],
  queryFn: ({ signal }) => read(ThreatFigures, '/api/v1/security/figures', {}, signal),
})
