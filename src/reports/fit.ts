import { sql } from 'kysely'
import { z } from 'zod'
import { newId } from '#core/id.ts'
import { DAY_MS, MINUTE_MS } from '#core/time.ts'
import { defineJob, type JobContext, type Subscriber, type Timer } from '#jobs/job.ts'
import { markWonDirty } from '#reports/dirty.store.ts'
import { listMeasuredLifts } from '#reports/experiment.store.ts'
import { fittableMethods } from '#reports/fit.rules.ts'
import { readJourneys } from '#reports/journey-stream.store.ts'
import { lockLedger } from '#reports/ledger.store.ts'
import { isFittedMethod } from '#reports/model.schema.ts'
import { insertFit, listModelRows } from '#reports/model.store.ts'
import { askForRefresh } from '#reports/refresh.ts'
import type { Store } from '#store/store.ts'

const JOB_NAME = 'reports.attribution.fit'

/** Fits one model of one workspace, or all that are due. */
export const fitJob = defineJob({
  name: JOB_NAME,
  input: z.object({ workspaceId: z.string(), model: z.string() }),
  concurrency: 1,
  retryLimit: 3,
  timeoutMs: 30 * MINUTE_MS,
  async run({ workspaceId, model }, context) {
    const { store, clock, log, signal } = context
    const fitted = await fitWorkspaceModel(store, workspaceId, model, () => clock.now(), signal)
    if (fitted === null) return
    log.info({ workspaceId, model, ...fitted }, 'an attribution model was fitted')
    await askForRefresh(workspaceId, context)
  },
})

/** A published computed model is fitted at once, whenever someone asks, and when an experiment ended that bears upon it. */
export const fitSubscriber: Subscriber = {
  name: 'reports.attribution.fit',
  events: [
    'attribution.model_published',
    'attribution.fit_requested',
    'experiment.result_recorded',
  ],
  async handle(events, tx, context) {
    const kept = await listModelRows(tx)
    const asked = new Set(events.map((event) => event.subjectId))
    // What an experiment found bears upon every model that weighs experiments.
    const isMeasured = events.some(({ event }) => event === 'experiment.result_recorded')
    for (const { model, method } of kept) {
      if (!isFittedMethod(method)) continue
      if (asked.has(model) || (isMeasured && method === 'data_driven'))
        await askForFit(tx.workspaceId, model, context)
    }
  },
}

/** Once a day, models are fitted again where deals or touches came in since. */
export const fitTimer: Timer = {
  name: JOB_NAME,
  everyMs: DAY_MS,
  async run(context) {
    const due = await context.store.system((tx) =>
      tx.query(sql<{ workspaceId: string; model: string }>`
        select m.workspace_id, m.model from attribution_models m
        join lateral (
          select max(fitted_at) as fitted_at from attribution_fits f
          where f.workspace_id = m.workspace_id and f.model = m.model and f.version = m.version
        ) fit on fit.fitted_at is not null
        where m.retired_at is null and exists (
          select 1 from attribution_state s where s.workspace_id = m.workspace_id and s.computed_at > fit.fitted_at)
        order by 1, 2`),
    )
    for (const { workspaceId, model } of due) await askForFit(workspaceId, model, context)
  },
}

function askForFit(workspaceId: string, model: string, context: JobContext): Promise<void> {
  const singletonKey = `${workspaceId} ${model}`
  return context.enqueue(JOB_NAME, { workspaceId, model }, { singletonKey })
}

/**
 * Fits a model to all journeys and keeps what it learned; the won deals are then to be computed again.
 * @returns of what the fit is; null when no ledger is kept for such a model any more, or it is a rule.
 */
export async function fitWorkspaceModel(
  store: Store,
  workspaceId: string,
  model: string,
  now: () => Date,
  signal?: AbortSignal,
): Promise<{ journeys: number; touches: number; durationMs: number } | null> {
  const startedAt = performance.now()
  const fittedAt = now()
  const read = await store.read(workspaceId, async (tx) => {
    const row = (await listModelRows(tx)).find((each) => each.model === model)
    if (!row || !isFittedMethod(row.method)) return null
    return { row, lifts: await listMeasuredLifts(tx), ...(await readJourneys(tx, fittedAt)) }
  })
  if (read === null) return null
  signal?.throwIfAborted()
  const { row, journeys, profile, lifts } = read
  const coefficients = await fittableMethods[row.method]!.fit(journeys, row.parameters, lifts)
  const durationMs = Math.round(performance.now() - startedAt)
  const { version } = row
  await store.transaction(workspaceId, async (tx) => {
    await lockLedger(tx)
    await insertFit(tx, {
      id: newId('fit'),
      model,
      version,
      fittedAt,
      durationMs,
      profile,
      coefficients,
    })
    await markWonDirty(tx, fittedAt)
  })
  return { journeys: profile.journeys, touches: profile.touches, durationMs }
}
