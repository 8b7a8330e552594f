import type { LearnedModel } from '#analytics/learning/model.ts'
import type { JobContext } from '#jobs/job.ts'
import type { Transaction } from '#store/store.ts'
import { scoreCases } from './explain.rules.ts'
import type { FeatureRow } from './feature.rules.ts'
import { findLeadCase, isOpenLead, listOpenLeads } from './lead-case.store.ts'
import type { Target } from './model.schema.ts'
import {
  deleteOldScores,
  findPromoted,
  openModel,
  saveScores,
  type ModelRow,
} from './model.store.ts'
import {
  findOpportunityCase,
  isOpenOpportunity,
  listOpenOpportunities,
} from './opportunity-case.store.ts'

/** Small enough that predicting a batch holds the thread for some tens of milliseconds. */
const BATCH = 500

interface Batch {
  now: Date
  after: string
  limit: number
  changed: boolean
}

/**
 * Gives each lead or opportunity that is still open the probability by the promoted model, batch by batch: two
 * statements a batch, whatever is in it. A full round ends with taking away what it did not renew. A promotion queues a
 * round of its own, which comes after the one under way.
 *
 * @returns how many were scored.
 */
export async function scoreAll(
  { workspaceId, target, changed }: { workspaceId: string; target: Target; changed: boolean },
  { store, clock, signal }: Pick<JobContext, 'store' | 'clock' | 'signal'>,
): Promise<number> {
  const startedAt = clock.now()
  const found = await store.read(workspaceId, async (tx) => {
    const promoted = await findPromoted(tx, target)
    return promoted && { promoted, model: await openModel(tx, promoted) }
  })
  if (found === null) return 0
  const { promoted, model } = found
  let after: string | null = ''
  let scored = 0
  while (after !== null) {
    signal.throwIfAborted()
    const from: string = after
    after = await store.transaction(workspaceId, async (tx) => {
      const now = clock.now()
      const cases = await listOpenCases(tx, target, { now, after: from, limit: BATCH, changed })
      await saveCases(tx, promoted, model, cases, now)
      scored += cases.length
      return cases.length < BATCH ? null : cases.at(-1)!.id
    })
  }
  if (!changed) await store.transaction(workspaceId, (tx) => deleteOldScores(tx, target, startedAt))
  return scored
}

async function listOpenCases(
  tx: Transaction,
  target: Target,
  batch: Batch,
): Promise<{ id: string; features: FeatureRow }[]> {
  return target === 'opportunity_won'
    ? listOpenOpportunities(tx, batch)
    : listOpenLeads(tx, target, batch)
}

async function saveCases(
  tx: Transaction,
  { id: modelId, target }: ModelRow,
  model: LearnedModel,
  cases: readonly { id: string; features: FeatureRow }[],
  now: Date,
): Promise<void> {
  const scores = scoreCases(
    model,
    cases.map(({ features }) => features),
  )
  await saveScores(
    tx,
    { target, modelId },
    cases.map(({ id, features }, i) => ({
      subjectId: id,
      features: Object.fromEntries(model.columns.map(({ name }) => [name, features[name] ?? null])),
      ...scores[i]!,
    })),
    now,
  )
}

/** What is known now of one lead or open opportunity; null when there is none. */
export async function findCase(
  tx: Transaction,
  target: Target,
  id: string,
  now: Date,
): Promise<{ id: string; features: FeatureRow } | null> {
  return target === 'opportunity_won' ? findOpportunityCase(tx, id, now) : findLeadCase(tx, id, now)
}

/** Whether the outcome is still to come. */
export async function isOpenFor(tx: Transaction, target: Target, id: string): Promise<boolean> {
  return target === 'opportunity_won' ? isOpenOpportunity(tx, id) : isOpenLead(tx, target, id)
}
