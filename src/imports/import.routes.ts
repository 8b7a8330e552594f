import { Readable } from 'node:stream'
import { z } from 'zod'
import { CSV_CONTENT_TYPE } from '#core/csv.ts'
import { Problem } from '#core/problem.ts'
import { parseInput } from '#gateway/input.ts'
import type { RawRoute } from '#gateway/raw-route.ts'
import { ImportPreview, MAX_UPLOAD_BYTES, NewImport } from '#imports/import.schema.ts'
import { findImport, getWorkspaceDefaults } from '#imports/import.store.ts'
import { toPreview } from '#imports/present.ts'
import { rejectsFile } from '#imports/rejects-file.ts'
import { notFound } from '#imports/start.ts'
import { getTarget, refuseWithoutScope, type Targets } from '#imports/targets.ts'
import { UPLOAD_ID, uploadFile } from '#imports/upload.ts'

/** The two routes that carry files: in and out. */
export function createImportRoutes(targets: Targets): RawRoute[] {
  return [
    {
      id: UPLOAD_ID,
      method: 'POST',
      path: '/api/v1/imports',
      scope: 'imports:write',
      reveals: true,
      maxBytes: MAX_UPLOAD_BYTES,
      async handle({ query, body, principal, now, requestId, store }) {
        const parsed = parseInput(NewImport, { ...query })
        if ('problem' in parsed) throw parsed.problem
        const { target: name, fileName, ...choices } = parsed.value as z.output<typeof NewImport>
        if (principal === null) throw new Problem('auth.required', 'Send a valid API key.')
        const target = getTarget(targets, name)
        refuseWithoutScope(target, principal)
        const file = { target, fileName, bytes: [body], choices }
        const { record, preparation } = await uploadFile(store, principal, file, { now, requestId })
        const { currency } = await store.read(principal.workspaceId, getWorkspaceDefaults)
        const context = { source: record.source, zone: record.zone, currency }
        const preview = toPreview(record, preparation, targets, target, context)
        return {
          status: 201,
          headers: {
            'content-type': 'application/json; charset=utf-8',
            location: `/api/v1/imports/${record.id}`,
          },
          body: JSON.stringify(z.encode(ImportPreview, preview)),
        }
      },
    },
    {
      id: 'downloadImportRejects',
      method: 'GET',
      path: '/api/v1/imports/{importId}/rejects.csv',
      scope: 'imports:read',
      reveals: true,
      maxBytes: 0,
      async handle({ params, principal, store }) {
        const { workspaceId } = principal!
        const importId = params['importId'] ?? ''
        const record = await store.read(workspaceId, (tx) => findImport(tx, importId))
        if (record === null || record.state === 'uploading') throw notFound()
        return {
          status: 200,
          headers: {
            'content-type': CSV_CONTENT_TYPE,
            'content-disposition': `attachment; filename="rejects-${record.id}.csv"`,
          },
          body: Readable.from(rejectsFile(store, record)),
        }
      },
    },
  ]
}
