import { setImmediate as breathe } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { defaultScoreRules } from '#analytics/scoring/default-rules.ts'
import { compileScorer } from '#analytics/scoring/lead-score.ts'
import type { Column } from '#analytics/learning/table.ts'
import { DAY_MS } from '#core/time.ts'
import { recordOwnWork } from '#jobs/own-work.ts'
import type { JobContext } from '#jobs/job.ts'
import type { Transaction } from '#store/store.ts'
import { leadFeatures, opportunityFeatures, toTable, type Feature } from './feature.rules.ts'
import { listPastLeads, type LeadCase } from './lead-case.store.ts'
import { findModel, saveTraining, type ModelRow } from './model.store.ts'
import {
  listOpenAt,
  listPastOpportunities,
  listWonDays,
  type OpportunityCase,
} from './opportunity-case.store.ts'
import { findRules, listRuleFacts } from './rule-score.store.ts'
import type { PastPipeline, TrainingResult, TrainingWork } from './training-work.rules.ts'
import type { History } from './training.rules.ts'

/** The latest cases that a model learns from. */
const MOST_CASES = 25_000
/** Cases whose rule score is computed as of their moments, for the comparison. */
const COMPARED = 5000
const PAGE = 500
/** Forecasts that are made after the fact, and the days that each looks ahead. */
const TESTS = 3
const TEST_DAYS = 90

/** Trains the model that was asked for, on a thread of its own, and keeps it as a candidate; or says why not. */
export async function trainModel(
  workspaceId: string,
  modelId: string,
  { store, clock, signal }: JobContext,
): Promise<void> {
  const now = clock.now()
  const work = await store.read(workspaceId, async (tx) => {
    const model = await findModel(tx, modelId)
    if (model?.status !== 'training') return null
    return model.target === 'opportunity_won' ? opportunityWork(tx, now) : leadWork(tx, model, now)
  })
  if (work === null) return
  const { lesson, forecastTests } = await runOnThread(work, signal)
  const result =
    lesson === null
      ? {
          refusal:
            'The outcomes lie too close together in time: no cut leaves enough of them before it to learn from and after it to test on.',
        }
      : { model: lesson.model, report: { ...lesson.report, forecastTests } }
  await store.transaction(workspaceId, async (tx) => {
    const at = clock.now()
    await saveTraining(tx, modelId, result, at)
    const action = lesson === null ? 'model.refused' : 'model.trained'
    const detail =
      lesson === null ? {} : { rows: lesson.report.rows, auc: lesson.report.backTest.quality.auc }
    await recordOwnWork(
      tx,
      {
        events: [{ event: action, subjectId: modelId, data: detail }],
        audits: [{ action, subjectId: modelId, detail }],
      },
      at,
    )
  })
}

async function leadWork(tx: Transaction, model: ModelRow, now: Date): Promise<TrainingWork> {
  const target = model.target === 'lead_won' ? 'lead_won' : 'lead_qualified'
  const horizonDays = model.horizonDays ?? 90
  const cases = await listPastLeads(tx, target, { horizonDays, now, limit: MOST_CASES })
  const ruleScores = new Float64Array(cases.length).fill(Number.NaN)
  const from = Math.max(Math.floor(cases.length / 3), cases.length - COMPARED)
  await scoreByRules(tx, cases, from, ruleScores)
  const history = await toHistory(cases, leadFeatures)
  return { history: { ...history, ruleScores }, pipelines: [] }
}

/** The rule score of the later cases as it would have been at their moments, by the rules in force today. */
async function scoreByRules(
  tx: Transaction,
  cases: readonly LeadCase[],
  from: number,
  out: Float64Array,
): Promise<void> {
  const score = compileScorer((await findRules(tx))?.rules ?? defaultScoreRules)
  for (let start = from; start < cases.length; start += PAGE) {
    const page = cases.slice(start, start + PAGE)
    const facts = await listRuleFacts(tx, page)
    page.forEach(({ id, at }, i) => {
      const own = facts.get(id)
      if (own !== undefined) out[start + i] = score(own, at.getTime()).total
    })
  }
}

async function opportunityWork(tx: Transaction, now: Date): Promise<TrainingWork> {
  const cases = await listPastOpportunities(tx, { now, limit: MOST_CASES })
  const history = await toHistory(cases, opportunityFeatures)
  const pipelines: PastPipeline[] = []
  for (let test = 1; test <= TESTS; test += 1) {
    const cut = new Date(now.getTime() - test * TEST_DAYS * DAY_MS)
    const open = await listOpenAt(tx, cut, MOST_CASES)
    const levels = history.table.columns.map((column) => ({
      name: column.name,
      kind: column.kind,
      levels: column.kind === 'category' ? column.levels : [],
    }))
    pipelines.push({
      cutAtMs: cut.getTime(),
      days: TEST_DAYS,
      cases: toTable(
        open.map(({ features }) => features),
        levels,
      ),
      deals: open.map(({ currency, amountMinor, openedAt, closedAt, label }) => ({
        currency,
        amountMinor: amountMinor ?? 0,
        openedAtMs: openedAt.getTime(),
        wonAtMs: label === 1 && closedAt !== null ? closedAt.getTime() : null,
      })),
      wonDays: await listWonDays(tx, cut),
    })
  }
  return { history, pipelines }
}

/** Column by column, with other work let in between: thousands of rows are read on the thread that answers requests. */
async function toHistory(
  cases: readonly (LeadCase | OpportunityCase)[],
  features: readonly Feature[],
): Promise<History> {
  const rows = cases.map((one) => one.features)
  const columns: Column[] = []
  for (const feature of features) {
    columns.push(...toTable(rows, [feature]).columns)
    await breathe()
  }
  return {
    table: { rows: rows.length, columns },
    labels: Uint8Array.from(cases, ({ label }) => label),
    atMs: Float64Array.from(cases, ({ at }) => at.getTime()),
    knownAtMs: Float64Array.from(cases, ({ knownAt }) => knownAt.getTime()),
    ruleScores: new Float64Array(cases.length).fill(Number.NaN),
  }
}

function runOnThread(work: TrainingWork, signal: AbortSignal): Promise<TrainingResult> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./train.worker.ts', import.meta.url), { workerData: work })
    const stop = () => {
      void worker.terminate()
      reject(new Error('The training was stopped.', { cause: signal.reason }))
    }
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    worker.once('message', (result: TrainingResult) => resolve(result))
    worker.once('error', reject)
    worker.once('exit', () => {
      signal.removeEventListener('abort', stop)
      reject(new Error('The training ended without a result.')) // of no effect after a message
    })
  })
}
