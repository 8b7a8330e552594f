import { z } from 'zod'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '#core/time.ts'
import { createImportOperations, QUEUED_EVENT } from '#imports/import.operations.ts'
import { createImportRoutes } from '#imports/import.routes.ts'
import { listAbandoned, trimBefore } from '#imports/import.store.ts'
import { importsRetained } from '#imports/retained-store.ts'
import { runImport } from '#imports/run.ts'
import type { ImportTarget } from '#imports/target.ts'
import { indexTargets } from '#imports/targets.ts'
import { defineJob, type JobContext } from '#jobs/job.ts'
import type { Module } from '#module.ts'

const RUN = 'imports.run'

/** Files in, row by row, as items of other modules' operations. */
export function createImports(given: readonly ImportTarget[]): Module {
  const targets = indexTargets(given)
  const run = defineJob({
    name: RUN,
    input: z.object({ workspaceId: z.string(), importId: z.string() }),
    concurrency: 1,
    retryLimit: 5,
    timeoutMs: 6 * HOUR_MS,
    async run({ workspaceId, importId }, { store, clock, log, signal }) {
      await runImport({ store, clock, log, targets }, workspaceId, importId, { signal })
    },
  })
  return {
    name: 'imports',
    operations: createImportOperations(targets),
    rawRoutes: createImportRoutes(targets),
    entities: [],
    jobs: [run],
    subscribers: [
      {
        name: 'imports.start',
        events: [QUEUED_EVENT],
        async handle(events, _tx, context) {
          for (const { workspaceId, subjectId } of events)
            await enqueue(context, workspaceId, subjectId)
        },
      },
    ],
    retained: importsRetained,
    timers: [
      { name: 'imports.resume', everyMs: MINUTE_MS, run: resumeAbandoned },
      { name: 'imports.trim', everyMs: DAY_MS, run: trimImports },
    ],
  }
}

function enqueue(context: JobContext, workspaceId: string, importId: string): Promise<void> {
  return context.enqueue(RUN, { workspaceId, importId }, { singletonKey: importId })
}

/** Goes on with imports whose process died or was stopped. */
async function resumeAbandoned(context: JobContext): Promise<void> {
  const abandoned = await context.store.system(listAbandoned)
  for (const { id, workspaceId } of abandoned) await enqueue(context, workspaceId, id)
}

/** Lets go of uploads that broke off after a day, and of files that were never started after 30. The rest goes by the retention rules. */
async function trimImports({ store, clock, log }: JobContext): Promise<void> {
  const before = (days: number) => new Date(clock.now().getTime() - days * DAY_MS)
  const limits = { uploads: before(1), unstarted: before(30) }
  const imports = await store.system((tx) => trimBefore(tx, limits))
  if (imports > 0) log.info({ imports }, 'imports were trimmed')
}
