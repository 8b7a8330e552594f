import assert from 'node:assert/strict'
import { newId } from '#core/id.ts'
import { seededRandom } from '#core/random.ts'
import { DAY_MS } from '#core/time.ts'
import { leadFeatures, toTable, type FeatureRow } from '#domains/scoring/feature.rules.ts'
import { insertModel, promoteModel, saveTraining } from '#domains/scoring/model.store.ts'
import { scoreAll } from '#domains/scoring/score-cases.ts'
import { learn } from '#domains/scoring/training.rules.ts'
import type { Store } from '#store/store.ts'

const CASES = 600
const SPAN_DAYS = 500

/**
 * Two models for leads that are alike, learned from made-up past cases as the company has too few: one is in use, with
 * the company's leads scored by it, one is a candidate.
 */
export async function seedScores(
  store: Store,
  workspaceId: string,
  now: Date,
): Promise<{ modelId: string; candidateId: string }> {
  const lesson = learn(pastCases(now))
  assert(lesson, 'the made-up cases are enough to learn from')
  const result = { model: lesson.model, report: { ...lesson.report, forecastTests: [] } }
  const target = 'lead_won'
  const [modelId, candidateId] = [newId('mdl'), newId('mdl')]
  await store.transaction(workspaceId, async (tx) => {
    for (const id of [modelId, candidateId]) {
      await insertModel(tx, { id, target, horizonDays: 60, requestedBy: 'usr_ada' }, now)
      await saveTraining(tx, id, result, now)
    }
    await promoteModel(tx, { id: modelId, target }, 'usr_ada', now)
  })
  const { signal } = new AbortController()
  await scoreAll(
    { workspaceId, target, changed: false },
    { store, clock: { now: () => now }, signal },
  )
  return { modelId, candidateId }
}

/** Cases whose outcome goes by touches and demo requests; one column is filled in with the outcome, and so is a leak. */
function pastCases(now: Date) {
  const draw = seededRandom(11, 1)
  const rows: FeatureRow[] = []
  const labels = new Uint8Array(CASES)
  for (let i = 0; i < CASES; i += 1) {
    const touches = 1 + draw.integer(12)
    const demoRequests = draw.uniform() < 0.25 ? 1 : 0
    const chance = 1 / (1 + Math.exp(2.6 - 0.22 * touches - 1.4 * demoRequests))
    labels[i] = draw.uniform() < chance ? 1 : 0
    rows.push({
      channel: draw.pick(['email', 'search', 'social']),
      country: draw.pick(['DE', 'FR', 'NL']),
      employees: 10 + draw.integer(900),
      touches,
      touches30: Math.min(touches, draw.integer(6)),
      quietDays: draw.integer(60),
      demoRequests,
      unsubscribes: labels[i] === 1 ? 1 : null,
    })
  }
  const from = now.getTime() - SPAN_DAYS * DAY_MS
  const atMs = Float64Array.from(rows, (_, i) => from + (i * (SPAN_DAYS - 61) * DAY_MS) / CASES)
  return {
    table: toTable(rows, leadFeatures),
    labels,
    atMs,
    knownAtMs: atMs.map((at) => at + 60 * DAY_MS),
    ruleScores: Float64Array.from(rows, ({ touches }) => 5 * Number(touches)),
  }
}
