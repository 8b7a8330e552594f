import { z } from 'zod'
import { Problem } from '#core/problem.ts'
import { defineOperation, type Operation } from '#gateway/operation.ts'
import { Certificate } from './certificate.schema.ts'
import { RunId } from './connection.schema.ts'
import { verdictOf } from './prove.rules.ts'
import { listCertificates } from './prove.store.ts'
import { findRun } from './run.store.ts'

const getCertificate = defineOperation({
  id: 'getSyncCertificate',
  method: 'GET',
  path: '/api/v1/sync/runs/{runId}/certificate',
  scope: 'sync:read',
  tag: 'Sync',
  summary: 'Whether everything that a run wrote has arrived',
  description:
    'What was written is read back, as much of it as the connection’s `readBack` says; of the rest nothing is proved. Which records are missing or lost a field: ask for the records of the run with the cause ' +
    '`certificate.missing` or `certificate.lost`. They are open items until they have arrived.',
  input: z.object({ runId: RunId }),
  output: Certificate,
  async perform({ runId }, { tx }) {
    const run = await findRun(tx, runId)
    if (!run) throw new Problem('resource.not_found', 'There is no run with this id.')
    const rows = await listCertificates(tx, runId)
    return {
      runId,
      verdict: verdictOf(rows),
      checkCalls: run.checkCalls,
      streams: rows.map(({ hereCount, hereHash, thereCount, thereHash, ...row }) => ({
        ...row,
        here: { records: hereCount, hash: hereHash },
        there: { records: thereCount, hash: thereHash },
      })),
    }
  },
})

export const certificateOperations: readonly Operation[] = [getCertificate]
