import { queryOptions } from '@tanstack/react-query'
import type { z } from 'zod'
import { MINUTE_MS } from '#core/time.ts'
import { BackfillEstimate, BackfillView } from '#sync/backfill.schema.ts'
import {
  FieldMappings,
  MappingPreview,
  VendorFields,
  type FieldMappingView,
} from '#sync/field.schema.ts'
import { act, read } from '#console/api.ts'
import { AREA, connectionPath } from '#console/pages/connections/connections.queries.ts'

export type Mapping = FieldMappingView
export type Mappings = z.output<typeof FieldMappings>
export type VendorField = z.output<typeof VendorFields>['data'][number]
export type Preview = z.output<typeof MappingPreview>
export type PreviewedField = Preview['records'][number]['fields'][number]
export type Estimate = z.output<typeof BackfillEstimate>
export type Transform = Mapping['transform']

export interface StreamPlace {
  connectionId: string
  stream: string
}

/** A mapping as it is being made. */
export interface Draft {
  field: string
  /** Null: the connector's own. */
  property: string | null
  direction: Mapping['direction']
  policy: Mapping['policy']
  transform: Transform
}

/** What the CRM says of itself costs a call: it is asked for once in a while. */
const ASKED_MS = 10 * MINUTE_MS

function streamPath({ connectionId, stream }: StreamPlace): string {
  return `${connectionPath(connectionId)}/streams/${encodeURIComponent(stream)}`
}

function fieldPath(place: StreamPlace, field: string): string {
  return `${streamPath(place)}/fields/${encodeURIComponent(field)}`
}

export function mappingsQuery(place: StreamPlace) {
  return queryOptions({
    queryKey: [AREA, 'mappings', place],
    queryFn: ({ signal }) => read(FieldMappings, `${streamPath(place)}/fields`, {}, signal),
  })
}

export function vendorFieldsQuery(place: StreamPlace) {
  return queryOptions({
    queryKey: ['vendor-fields', place],
    queryFn: ({ signal }) => read(VendorFields, `${streamPath(place)}/vendor-fields`, {}, signal),
    select: ({ data }) => data,
    staleTime: ASKED_MS,
  })
}

/** @param draft  null: every field as it is mapped. */
export function previewQuery(place: StreamPlace, draft: Draft | null) {
  return queryOptions({
    queryKey: ['mapping-preview', place, draft],
    queryFn: async () =>
      MappingPreview.parse(await act('POST', `${streamPath(place)}/preview`, { rule: draft })),
    staleTime: ASKED_MS,
  })
}

export function saveMapping(place: StreamPlace, { field, ...rule }: Draft): Promise<unknown> {
  return act('PUT', fieldPath(place, field), rule)
}

export function removeMapping(place: StreamPlace, field: string): Promise<unknown> {
  return act('DELETE', fieldPath(place, field))
}

export interface BackfillWish {
  direction: 'in' | 'out'
  share: number
}

export function estimateQuery(place: StreamPlace, field: string, wish: BackfillWish) {
  return queryOptions({
    queryKey: [AREA, 'estimate', place, field, wish],
    queryFn: ({ signal }) =>
      read(BackfillEstimate, `${fieldPath(place, field)}/backfill`, { ...wish }, signal),
  })
}

export async function startBackfill(
  place: StreamPlace,
  field: string,
  wish: BackfillWish,
): Promise<void> {
  BackfillView.parse(await act('POST', `${fieldPath(place, field)}/backfill`, wish))
}
