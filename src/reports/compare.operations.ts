import { defineOperation, type Operation } from '#gateway/operation.ts'
import { accuracyOf } from '#reports/accuracy.rules.ts'
import type { ReadProfile } from '#reports/accuracy.operations.ts'
import { agreementOf, compareRows } from '#reports/compare.rules.ts'
import { Comparison, CompareQuery } from '#reports/compare.schema.ts'
import { listChannelCredit, listComparedCampaigns, sumBaselines } from '#reports/credit.store.ts'
import { readWon, resolveLens } from '#reports/lens.store.ts'
import { fitOf } from '#reports/model.operations.ts'
import { isFittedMethod } from '#reports/model.schema.ts'
import { listModelRows, readIntervals, versionOf } from '#reports/model.store.ts'

/** @param readProfile  of the data that accuracy is expected on. */
export function createCompareAttribution(readProfile: ReadProfile): Operation {
  return defineOperation({
    id: 'compareAttribution',
    method: 'GET',
    path: '/api/v1/attribution/compare',
    scope: 'attribution:read',
    tag: 'Attribution',
    summary: 'All models side by side, by channel or campaign, with ranks and how far they agree',
    description:
      'Rows are sorted by the model asked for. Models divide the same won deals: rows and baseline of each sum to the same ' +
      'amount. Where they disagree widely, no amount of bookkeeping decides: an experiment does.',
    input: CompareQuery,
    output: Comparison,
    async perform({ by, limit, ...query }, { tx, now }) {
      const lens = await resolveLens(tx, query, now)
      const models = (await listModelRows(tx, { asOf: lens.asOf })).filter(
        (row) => versionOf(row) !== null,
      )
      const [profile, workspace, baselines, intervals, rows] = await Promise.all([
        readProfile(tx, now),
        readWon(tx, lens),
        sumBaselines(tx, lens),
        readIntervals(
          tx,
          models.flatMap((row) => row.fitId ?? []),
        ),
        by === 'campaign'
          ? listComparedCampaigns(tx, lens)
          : listChannelCredit(tx, lens).then((channels) =>
              channels.map((row) => ({ key: row.channel, label: row.label, credits: row.models })),
            ),
      ])
      const byModel = new Map(
        by === 'campaign'
          ? []
          : models.map((row) => [row.model, intervals.get(row.fitId ?? '') ?? {}]),
      )
      const accuracies = accuracyOf(profile, models)
      const compared = compareRows(rows, lens.models, lens.answer.model, byModel)
      return {
        ...lens.answer,
        by,
        models: models.map((row, i) => ({
          model: row.model,
          name: row.name,
          method: row.method,
          journey: row.journey,
          version: row.version,
          fit: fitOf(row),
          accuracy: accuracies[i]!,
          baselineMinor: baselines.get(row.model) ?? 0,
          kind: isFittedMethod(row.method) ? ('fitted' as const) : ('rule' as const),
        })),
        rows: compared.slice(0, limit),
        agreement: agreementOf(compared, lens.models),
        workspace,
      }
    },
  })
}
