import { queryOptions } from '@tanstack/react-query'
import type { z } from 'zod'
import { SECOND_MS } from '#core/time.ts'
import {
  Import,
  ImportCheck,
  ImportPage,
  ImportPreview,
  ImportTargets,
  RejectPage,
  type ImportChoices,
  type ImportState,
} from '#imports/import.schema.ts'
import { act, read, upload, withQuery } from '#console/api.ts'
import { listQuery } from '#console/list-query.ts'

export type Targets = z.output<typeof ImportTargets>
export type Target = Targets['data'][number]
export type Reject = z.output<typeof RejectPage>['data'][number]

/** What an act on imports reads again. */
export const AREA = 'imports'
const IMPORTS = '/api/v1/imports'
const LIVE_MS = 2 * SECOND_MS

export function isMoving(state: ImportState): boolean {
  return state === 'queued' || state === 'running'
}

/** What files can become, and how large they may be. */
export const targetsQuery = queryOptions({
  queryKey: [AREA, 'targets'],
  queryFn: ({ signal }) => read(ImportTargets, `${IMPORTS}/targets`, {}, signal),
  staleTime: Infinity,
})

export interface ImportFilter {
  target: string | undefined
  state: ImportState | undefined
}

export function importsExport(filter: ImportFilter) {
  return { path: IMPORTS, fields: { ...filter }, isList: false }
}

export function importsQuery(filter: ImportFilter) {
  const query = listQuery([AREA], ImportPage, IMPORTS, { ...filter }, 25)
  return { ...query, refetchInterval: 5 * SECOND_MS }
}

function importPath(importId: string): string {
  return `${IMPORTS}/${encodeURIComponent(importId)}`
}

export function importQuery(importId: string) {
  return queryOptions({
    queryKey: [AREA, 'import', importId],
    queryFn: ({ signal }) => read(Import, importPath(importId), {}, signal),
    refetchInterval: ({ state: { data } }) => (data && isMoving(data.state) ? LIVE_MS : false),
  })
}

export function previewQuery(importId: string) {
  return queryOptions({
    queryKey: [AREA, 'preview', importId],
    queryFn: ({ signal }) => read(ImportPreview, `${importPath(importId)}/preview`, {}, signal),
  })
}

/** The rows that were not taken; `isLive` while more may come. */
export function rejectsQuery(importId: string, isLive: boolean) {
  const path = `${importPath(importId)}/rejects`
  // Asked for once more at the end, whatever came while it ran.
  const query = listQuery([AREA, isLive ? 'coming' : 'all'], RejectPage, path, {}, 25)
  return { ...query, refetchInterval: isLive ? LIVE_MS : (false as const) }
}

export function rejectsFile(importId: string): string {
  return `${importPath(importId)}/rejects.csv`
}

/** Sends a file. @returns the id of its import; nothing of it is imported yet. */
export async function uploadImport(
  target: string,
  file: File,
  onProgress: (share: number) => void,
  signal: AbortSignal,
): Promise<string> {
  const path = withQuery(IMPORTS, { target, fileName: file.name })
  return ImportPreview.parse(await upload(path, file, onProgress, signal)).id
}

export function changeImport(importId: string, choices: ImportChoices): Promise<unknown> {
  return act('PATCH', importPath(importId), choices)
}

export async function checkImport(importId: string): Promise<ImportCheck> {
  return ImportCheck.parse(await act('POST', `${importPath(importId)}/check`, {}))
}

export function startImport(importId: string): Promise<unknown> {
  return act('POST', `${importPath(importId)}/start`, {})
}

export function cancelImport(importId: string): Promise<unknown> {
  return act('POST', `${importPath(importId)}/cancel`, {})
}
