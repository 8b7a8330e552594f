import { proposeExperiments as propose } from '#analytics/experiments/proposal.ts'
import { newId } from '#core/id.ts'
import { cutPage } from '#core/page.ts'
import { Problem } from '#core/problem.ts'
import { defineOperation, type ChangedRow } from '#gateway/operation.ts'
import { audienceOf, beliefsOf, resultOf } from '#reports/experiment.rules.ts'
import {
  Experiment,
  ExperimentDetail,
  ExperimentPage,
  ExperimentPath,
  ListExperimentsQuery,
  NewExperiment,
  Proposals,
  ProposeQuery,
  RecordResult,
} from '#reports/experiment.schema.ts'
import {
  closeExperiment,
  findExperiment,
  insertExperiment,
  listExperimentEffects,
  listExperimentRows,
  listMeasuredChannels,
  listPlannedChannels,
  listWeeklySpend,
  sumWeeklyRevenue,
} from '#reports/experiment.store.ts'
import { readSetting } from '#reports/lens.store.ts'
import { listModelRows, readIntervals, readOverlap, type ModelRow } from '#reports/model.store.ts'
import type { Transaction } from '#store/store.ts'

/** What audit entries tell of it, before and after. */
const experimentRow = {
  table: 'experiments',
  key: 'id',
  columns: ['channel', 'state', 'holdout_share', 'weeks', 'starts_on', 'result', 'closed_at'],
} satisfies ChangedRow

const about = { tag: 'Experiments' } as const
const HOLDOUT_SHARES = [0.02, 0.05, 0.1, 0.2, 0.35, 0.5]
const DURATIONS_WEEKS = [1, 2, 4, 8, 12, 26, 52, 104]

export const listProposals = defineOperation({
  ...about,
  id: 'listExperimentProposals',
  method: 'GET',
  path: '/api/v1/experiments/proposals',
  scope: 'attribution:read',
  summary: 'Which channel to test next, and why: by the value of what would be learnt',
  description:
    'For each channel with a budget the holdout that is worth most after its cost: by how much the regret of the allocation is ' +
    'expected to fall, given what the data-driven model and the experiments so far leave open. Revenue of a channel is taken to grow ' +
    'with its spend to the power `exponent`; the arithmetic of each proposal is in its figures.',
  input: ProposeQuery,
  output: Proposals,
  perform: (query, { tx, now }) => proposeNow(tx, query, now),
})

async function proposeNow(tx: Transaction, query: ProposeQuery, now: Date) {
  const row = await findFitted(tx, query.model)
  const ground = await readGround(tx, row, query, now)
  if (ground === null)
    throw new Problem(
      'attribution.model_unready',
      'Nothing was won yet, so that no test can be weighed.',
    )
  const { currency, audience, beliefs, leftOut } = ground
  const { maxWeeks, maxHoldout } = query
  const isPlanned = new Set(
    leftOut.flatMap(({ channel, reason }) => (reason === 'planned' ? [channel] : [])),
  )
  const proposals = propose(beliefs, audience, {
    ...query,
    holdoutShares: [...HOLDOUT_SHARES.filter((share) => share < maxHoldout), maxHoldout],
    durationsWeeks: [...DURATIONS_WEEKS.filter((weeks) => weeks < maxWeeks), maxWeeks],
  })
  const data = proposals.filter(({ channel }) => !isPlanned.has(channel))
  return { model: row.model, fitId: row.fitId!, currency, audience, beliefs, leftOut, data }
}

/** What proposals are worked out from; null when nothing was won yet. */
async function readGround(tx: Transaction, row: ModelRow, query: ProposeQuery, now: Date) {
  const { currency = (await readSetting(tx, {}, now)).currency, basisDays } = query
  const intervals = (await readIntervals(tx, [row.fitId!])).get(row.fitId!) ?? {}
  const spend = await listWeeklySpend(tx, basisDays, currency, now)
  const weeklyRevenue = await sumWeeklyRevenue(tx, basisDays, currency, now)
  const audience = audienceOf(row.profile!, weeklyRevenue)
  if (audience === null) return null
  const known = { intervals, overlap: await readOverlap(tx, row.fitId!) }
  const tests = {
    planned: await listPlannedChannels(tx),
    measured: await listMeasuredChannels(tx, row.fittedAt!),
  }
  return { currency, audience, ...beliefsOf(known, spend, tests) }
}

/** Data-driven models with a fit, the one fitted last first. */
function fittedFirst(rows: readonly ModelRow[]): ModelRow[] {
  return rows
    .filter(({ method, fitId }) => method === 'data_driven' && fitId !== null)
    .sort((a, b) => b.fittedAt!.getTime() - a.fittedAt!.getTime())
}

async function findFitted(tx: Transaction, model: string | undefined): Promise<ModelRow> {
  const rows = (await listModelRows(tx)).filter(
    (row) => row.method === 'data_driven' && (model === undefined || row.model === model),
  )
  if (rows.length === 0)
    throw new Problem(
      'attribution.model_unknown',
      'Proposals rest on a data-driven model, and the workspace has no such one. Publish it with PUT /api/v1/attribution/models/{model}.',
    )
  const [newest] = fittedFirst(rows)
  if (newest) return newest
  throw new Problem('attribution.model_unready', 'The data-driven model waits for its first fit.')
}

export const createExperiment = defineOperation({
  ...about,
  id: 'createExperiment',
  method: 'POST',
  path: '/api/v1/experiments',
  scope: 'attribution:write',
  summary: 'Plan an experiment: who is left out of a channel, and for how long',
  description:
    'What spoke for it is kept with it, if a data-driven model has something to say of the channel.',
  row: experimentRow,
  input: NewExperiment,
  output: Experiment,
  event: 'experiment.planned',
  async perform({ channel, holdoutShare, weeks, startsOn }, { tx, principal, now }) {
    const experiment: Experiment = {
      id: newId('xpr'),
      channel,
      state: 'planned',
      holdoutShare,
      weeks,
      startsOn,
      proposal: await proposalOf(tx, channel, { holdoutShare, weeks }, now),
      result: null,
      createdAt: now,
      createdBy: principal.id,
      closedAt: null,
    }
    if (await insertExperiment(tx, experiment)) return experiment
    throw new Problem(
      'experiment.planned',
      `An experiment of ${channel} is planned already: record its result or cancel it first.`,
    )
  },
})

/** The arithmetic of this very design; null when there is no model, budget or sale to base it on. */
async function proposalOf(
  tx: Transaction,
  channel: string,
  { holdoutShare, weeks }: { holdoutShare: number; weeks: number },
  now: Date,
): Promise<Experiment['proposal']> {
  const query = ProposeQuery.parse({})
  const [row] = fittedFirst(await listModelRows(tx))
  const ground = row ? await readGround(tx, row, query, now) : null
  if (ground === null) return null
  const design = { holdoutShares: [holdoutShare], durationsWeeks: [weeks] }
  const all = propose(ground.beliefs, ground.audience, { ...query, ...design })
  return all.find((each) => each.channel === channel) ?? null
}

export const recordExperimentResult = defineOperation({
  ...about,
  id: 'recordExperimentResult',
  method: 'PUT',
  path: '/api/v1/experiments/{experimentId}/result',
  scope: 'attribution:write',
  summary: 'Record what came of an experiment',
  description:
    'Data-driven models are fitted again with it: credit moves between the channel, those like it and the baseline, and all credit ' +
    'still adds up to what was won.',
  row: { ...experimentRow, field: 'experimentId' },
  input: RecordResult,
  output: Experiment,
  event: 'experiment.result_recorded',
  async perform({ experimentId, ...counts }, { tx, now }) {
    return closePlanned(tx, experimentId, resultOf(counts), now)
  },
})

export const cancelExperiment = defineOperation({
  ...about,
  id: 'cancelExperiment',
  method: 'DELETE',
  path: '/api/v1/experiments/{experimentId}',
  scope: 'attribution:write',
  summary: 'Give up an experiment that was planned; it stays on the list',
  row: { ...experimentRow, field: 'experimentId' },
  input: ExperimentPath,
  output: Experiment,
  status: 200,
  event: 'experiment.cancelled',
  perform: ({ experimentId }, { tx, now }) => closePlanned(tx, experimentId, null, now),
})

async function closePlanned(
  tx: Transaction,
  id: string,
  result: Experiment['result'],
  now: Date,
): Promise<Experiment> {
  const closed = await closeExperiment(tx, id, result, now)
  if (closed) return closed
  if ((await findExperiment(tx, id)) === null)
    throw new Problem('resource.not_found', 'There is no such experiment.')
  throw new Problem('experiment.over', 'The experiment is over: its result is never changed.')
}

export const getExperiment = defineOperation({
  ...about,
  id: 'getExperiment',
  method: 'GET',
  path: '/api/v1/experiments/{experimentId}',
  scope: 'attribution:read',
  summary: 'An experiment, and what its result made of the models that weigh it',
  description:
    'What the result moved in credit is at GET /api/v1/attribution/changes with the model, the channel, `since` the fit before and ' +
    '`until` the next one; its cause is model_refit.',
  input: ExperimentPath,
  output: ExperimentDetail,
  async perform({ experimentId }, { tx }) {
    const found = await findExperiment(tx, experimentId)
    if (found === null) throw new Problem('resource.not_found', 'There is no such experiment.')
    const { channel, closedAt, result } = found
    if (result === null || closedAt === null) return { ...found, effects: [] }
    return { ...found, effects: await listExperimentEffects(tx, channel, closedAt) }
  },
})

export const listExperiments = defineOperation({
  ...about,
  id: 'listExperiments',
  method: 'GET',
  path: '/api/v1/experiments',
  scope: 'attribution:read',
  summary: 'Experiments, newest first',
  input: ListExperimentsQuery,
  output: ExperimentPage,
  async perform(query, { tx }) {
    return cutPage(await listExperimentRows(tx, query), query.limit, (row) => [row.id])
  },
})
