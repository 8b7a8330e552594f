import { z } from 'zod'
import { cutPage, decodeCursor } from '#core/page.ts'
import { Problem } from '#core/problem.ts'
import { defineOperation, type Operation } from '#gateway/operation.ts'
import { checkRows } from '#imports/check.ts'
import { SAMPLE_BYTES } from '#imports/dialect.ts'
import { readFile, readHead } from '#imports/file.store.ts'
import {
  Import,
  ImportChange,
  ImportCheck,
  ImportPage,
  ImportPath,
  ImportPreview,
  ImportQuery,
  ImportTargets,
  MAX_UPLOAD_BYTES,
  RejectPage,
  RejectQuery,
  type ImportChoices,
} from '#imports/import.schema.ts'
import {
  cancelImport,
  findImport,
  getWorkspaceDefaults,
  listImports,
  lockImport,
  savePlan,
  type ImportRecord,
} from '#imports/import.store.ts'
import { prepareImport } from '#imports/plan.ts'
import { toImport, toPreview } from '#imports/present.ts'
import { listRejects } from '#imports/reject.store.ts'
import { notFound, startImport } from '#imports/start.ts'
import { getTarget, type Targets } from '#imports/targets.ts'
import type { Transaction } from '#store/store.ts'

/** Told when an import may run; the job follows it. */
export const QUEUED_EVENT = 'import.queued'

/** What callers can do with imports once a file is uploaded. */
export function createImportOperations(targets: Targets): Operation[] {
  return [
    createTargetList(targets),
    ...createReading(targets),
    createChange(targets),
    createCheck(targets),
    ...createMoves(targets),
    listImportRejects,
  ]
}

const shared = { tag: 'Imports' } as const

function createTargetList(targets: Targets): Operation {
  const data = [...targets.values()].map((target) => ({
    name: target.name,
    label: target.label,
    scope: target.operation.scope,
    requiresOneOf: [...(target.requiresOneOf ?? [])],
    maxCustom: target.maxCustom,
    fields: target.fields.map(({ field, label, kind, required = false }) => ({
      field,
      label,
      kind,
      required,
    })),
  }))
  return defineOperation({
    ...shared,
    id: 'listImportTargets',
    method: 'GET',
    path: '/api/v1/imports/targets',
    scope: 'imports:read',
    summary: 'What files can be imported as, and the fields of each',
    input: z.object({}),
    output: ImportTargets,
    perform: () => Promise.resolve({ maxBytes: MAX_UPLOAD_BYTES, data }),
  })
}

function createReading(targets: Targets): Operation[] {
  return [
    defineOperation({
      ...shared,
      id: 'listImports',
      method: 'GET',
      path: '/api/v1/imports',
      scope: 'imports:read',
      summary: 'List imports, newest first',
      description: UPLOAD_HELP,
      input: ImportQuery,
      output: ImportPage,
      async perform({ limit, cursor, target = null, state = null }, { tx }) {
        const before = cursor === undefined ? null : String(decodeCursor(cursor, 1)[0])
        const rows = await listImports(tx, { target, state, before, limit })
        const page = cutPage(rows, limit, (row) => [row.id])
        return { ...page, data: page.data.map((row) => toImport(row, targets)) }
      },
    }),
    defineOperation({
      ...shared,
      id: 'getImport',
      method: 'GET',
      path: '/api/v1/imports/{importId}',
      scope: 'imports:read',
      summary: 'See how far an import is',
      input: ImportPath,
      output: Import,
      perform: async ({ importId }, { tx }) => toImport(await getImport(tx, importId), targets),
    }),
    defineOperation({
      ...shared,
      id: 'getImportPreview',
      method: 'GET',
      path: '/api/v1/imports/{importId}/preview',
      scope: 'imports:read',
      summary: 'See the first rows as they would be taken',
      input: ImportPath,
      output: ImportPreview,
      async perform({ importId }, { tx }) {
        const record = await getImport(tx, importId)
        return previewAgain(tx, record, record.choices, targets)
      },
    }),
  ]
}

const UPLOAD_HELP =
  'An import begins with its file: `POST /api/v1/imports?target=leads&fileName=leads.csv` with the bytes as the body (CSV or ' +
  'gzip, at most 64 MB; scope imports:write) answers 201 with a guess of how the file is written and which column goes where. ' +
  'PATCH what the guess got wrong, look at `check`, then `start`. Rejected rows come as a file at `/rejects.csv`. The file is ' +
  'kept for 7 days after the end, rejected rows for 30.'

function createChange(targets: Targets): Operation {
  return defineOperation({
    ...shared,
    id: 'changeImport',
    method: 'PATCH',
    path: '/api/v1/imports/{importId}',
    scope: 'imports:write',
    summary: 'Settle how a file is read, before the start',
    description:
      'A column goes to a `field`, is kept as a `custom` value, or is left out with `ignore`. What is not named stays as it was ' +
      'chosen or guessed. Another encoding, delimiter or header makes a new guess.',
    subject: ({ id }) => id,
    input: ImportChange,
    output: ImportPreview,
    async perform({ importId, ...change }, { tx }) {
      const record = await lockImport(tx, importId)
      if (record === null || record.state === 'uploading') throw notFound()
      if (record.state !== 'uploaded')
        throw new Problem(
          'import.state_refused',
          `The import is ${record.state}: how it is read cannot change any more.`,
        )
      return previewAgain(tx, record, mergeChoices(record.choices, change), targets, true)
    },
  })
}

/** The choices with newer ones over them. A file read in another way has other columns, so that choices of columns end. */
export function mergeChoices(held: ImportChoices, change: ImportChoices): ImportChoices {
  const isReread = (['encoding', 'delimiter', 'hasHeader'] as const).some(
    (name) => change[name] !== undefined && change[name] !== held[name],
  )
  const { mapping = [], dateFormats = [], ...others } = held
  const base: ImportChoices = isReread ? others : { ...others, mapping, dateFormats }
  return {
    ...base,
    ...change,
    mapping: overlay(base.mapping, change.mapping),
    dateFormats: overlay(base.dateFormats, change.dateFormats),
  }
}

function overlay<T extends { column: string }>(held: T[] = [], change: T[] = []): T[] {
  const named = new Set(change.map(({ column }) => column))
  return [...held.filter(({ column }) => !named.has(column)), ...change]
}

async function previewAgain(
  tx: Transaction,
  record: ImportRecord,
  choices: ImportChoices,
  targets: Targets,
  isChange = false,
): Promise<ImportPreview> {
  const target = getTarget(targets, record.target)
  const head = await readHead(tx, record.id, SAMPLE_BYTES)
  if (head.length === 0)
    throw new Problem('import.state_refused', 'The file is not kept any more: upload it again.')
  const preparation = await prepareImport(head, target, choices)
  const { source = record.source, zone = record.zone } = choices
  const { dialect, columns } = preparation
  const changed: ImportRecord = { ...record, dialect, columns, choices, source, zone }
  if (isChange) await savePlan(tx, changed)
  const { currency } = await getWorkspaceDefaults(tx)
  return toPreview(changed, preparation, targets, target, { source, zone, currency })
}

function createCheck(targets: Targets): Operation {
  return defineOperation({
    ...shared,
    id: 'checkImport',
    method: 'POST',
    path: '/api/v1/imports/{importId}/check',
    scope: 'imports:write',
    summary: 'Read every row and write nothing',
    status: 200,
    subject: (_, { importId }) => importId,
    input: ImportPath,
    output: ImportCheck,
    async perform({ importId }, { tx }) {
      const record = await getImport(tx, importId)
      const { currency } = await getWorkspaceDefaults(tx)
      const { source, zone, sizeBytes } = record
      const file = readFile((work) => work(tx), importId, sizeBytes)
      const target = getTarget(targets, record.target)
      return checkRows(tx, record, file, target, { source, zone, currency })
    },
  })
}

function createMoves(targets: Targets): Operation[] {
  return [
    defineOperation({
      ...shared,
      id: 'startImport',
      method: 'POST',
      path: '/api/v1/imports/{importId}/start',
      scope: 'imports:write',
      summary: 'Import the rows',
      description:
        'Needs the scope of what the rows become, such as leads:write, too. A failed or cancelled import goes on after its last row. ' +
        'Rows that were imported before change nothing.',
      status: 202,
      event: QUEUED_EVENT,
      subject: ({ id }) => id,
      location: ({ id }) => `/api/v1/imports/${id}`,
      input: ImportPath,
      output: Import,
      perform: async ({ importId }, { tx, principal }) =>
        toImport(await startImport(tx, importId, principal, targets), targets),
    }),
    defineOperation({
      ...shared,
      id: 'cancelImport',
      method: 'POST',
      path: '/api/v1/imports/{importId}/cancel',
      scope: 'imports:write',
      summary: 'Stop an import',
      description: 'Rows that are done stay; a later start goes on after them.',
      status: 200,
      event: 'import.cancelled',
      subject: ({ id }) => id,
      input: ImportPath,
      output: Import,
      async perform({ importId }, { tx, now }) {
        const record = await lockImport(tx, importId)
        if (record === null || record.state === 'uploading') throw notFound()
        if (!['uploaded', 'queued', 'running'].includes(record.state))
          throw new Problem('import.state_refused', `The import is ${record.state} already.`)
        await cancelImport(tx, importId, now)
        return toImport({ ...record, state: 'cancelled', endedAt: now }, targets)
      },
    }),
  ]
}

const listImportRejects = defineOperation({
  ...shared,
  id: 'listImportRejects',
  method: 'GET',
  path: '/api/v1/imports/{importId}/rejects',
  scope: 'imports:read',
  summary: 'List the rows that were not taken, with reasons',
  input: RejectQuery,
  output: RejectPage,
  async perform({ importId, limit, cursor }, { tx }) {
    await getImport(tx, importId)
    const after = cursor === undefined ? 0 : Number(decodeCursor(cursor, 1)[0])
    const rows = await listRejects(tx, importId, after, limit + 1)
    return cutPage(rows, limit, (row) => [row.record])
  },
})

/** @throws Problem `resource.not_found`, also while its file is still coming in. */
async function getImport(tx: Transaction, importId: string): Promise<ImportRecord> {
  const record = await findImport(tx, importId)
  if (record === null || record.state === 'uploading') throw notFound()
  return record
}
