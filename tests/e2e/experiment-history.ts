import { newId } from '#core/id.ts'
import { DAY_MS } from '#core/time.ts'
import { markAllDirty } from '#reports/dirty.store.ts'
import { resultOf } from '#reports/experiment.rules.ts'
import type { Experiment } from '#reports/experiment.schema.ts'
import { closeExperiment, insertExperiment } from '#reports/experiment.store.ts'
import { fitWorkspaceModel } from '#reports/fit.ts'
import { insertModelVersion } from '#reports/model.store.ts'
import { refreshLedger } from '#reports/refresh.ts'
import type { Store } from '#store/store.ts'

const MODEL = 'data_driven'

/** Nearly a third is missing without it. */
const COUNTS = {
  peopleHeldOut: 2_400,
  conversionsHeldOut: 96,
  peopleOthers: 9_600,
  conversionsOthers: 552,
}

const PROPOSAL = {
  channel: 'webinar',
  holdoutShare: 0.1,
  weeks: 8,
  peopleHeldOut: 640,
  peopleOthers: 5_760,
  expectedConversionsHeldOut: 52,
  expectedConversionsOthers: 576,
  measurementDeviation: 0.14,
  deviationBefore: 0.11,
  deviationAfter: 0.086,
  power: 0.42,
  weeksForPower: 19,
  value: 0.012,
  valueMinor: 1_840_000,
  costMinor: 310_000,
  netMinor: 1_530_000,
}

export interface ExperimentHistory {
  /** One that is over, with its result taken up by the model. */
  experimentId: string
  /** One that runs. */
  runningId: string
}

/**
 * A data-driven model with a fit before the result of an experiment and one after it; besides, an experiment that runs
 * and one that was given up.
 */
export async function seedExperiments(
  store: Store,
  workspaceId: string,
  now: Date,
): Promise<ExperimentHistory> {
  const later = (ms: number) => new Date(now.getTime() + ms)
  const fit = async (at: Date) => {
    await fitWorkspaceModel(store, workspaceId, MODEL, () => at)
    await store.transaction(workspaceId, (tx) => markAllDirty(tx, at))
    while ((await refreshLedger(store, workspaceId, () => at)) > 0);
  }
  const plan = async (fields: Partial<Experiment> & { channel: string }, daysAgo: number) => {
    const startsOn = later(-daysAgo * DAY_MS)
      .toISOString()
      .slice(0, 10)
    const id = newId('xpr')
    const row: Experiment = {
      id,
      state: 'planned',
      holdoutShare: 0.2,
      weeks: 6,
      startsOn,
      proposal: null,
      result: null,
      createdAt: later(-(daysAgo + 5) * DAY_MS),
      createdBy: 'usr_ada',
      closedAt: null,
      ...fields,
    }
    await store.transaction(workspaceId, (tx) => insertExperiment(tx, row))
    return id
  }
  const definition = { name: 'Data driven', method: MODEL, journey: 'account', parameters: {} }
  await store.transaction(workspaceId, (tx) =>
    insertModelVersion(
      tx,
      MODEL,
      definition as Parameters<typeof insertModelVersion>[2],
      'usr_ada',
      now,
    ),
  )
  await fit(now)
  const experimentId = await plan({ channel: 'paid_search' }, 50)
  const givenUp = await plan({ channel: 'display', weeks: 12 }, 30)
  const { holdoutShare, weeks } = PROPOSAL
  const webinar = { channel: 'webinar', holdoutShare, weeks, proposal: PROPOSAL }
  const runningId = await plan(webinar, 10)
  await store.transaction(workspaceId, async (tx) => {
    await closeExperiment(tx, experimentId, resultOf(COUNTS), later(1))
    await closeExperiment(tx, givenUp, null, later(1))
  })
  await fit(later(2))
  return { experimentId, runningId }
}
