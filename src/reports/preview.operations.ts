import { Problem } from '#core/problem.ts'
import { defineOperation } from '#gateway/operation.ts'
import { readSetting, windowDaysOf } from '#reports/lens.store.ts'
import { creditModelOf, requireSound, type CreditModel } from '#reports/model.rules.ts'
import { isFittedMethod } from '#reports/model.schema.ts'
import { listModelRows, restoreCreditModel } from '#reports/model.store.ts'
import { PreviewTally, type PreviewSide } from '#reports/preview.rules.ts'
import { Preview, PreviewQuery } from '#reports/preview.schema.ts'
import { listSources, streamJourneys, type SourceRow } from '#reports/preview.store.ts'
import type { Transaction } from '#store/store.ts'

export const previewAttribution = defineOperation({
  id: 'previewAttribution',
  method: 'POST',
  path: '/api/v1/attribution/preview',
  scope: 'attribution:read',
  tag: 'Attribution',
  summary: 'What would move under another rule or window, without storing anything',
  description:
    'Both sides are computed from the journeys as the ledger has them, so that a model in force gives the figures of its ' +
    'reports. A computed method that is not published cannot be previewed: it is fitted when it is published.',
  input: PreviewQuery,
  output: Preview,
  status: 200,
  async perform(query, { tx, now }) {
    const setting = await readSetting(tx, query, now)
    const { currency = setting.currency } = query
    const sources = await listSources(tx)
    const channels = [...new Set(sources.map((source) => source.channel))]
    const channelOf = Uint16Array.from(sources, ({ channel }) => channels.indexOf(channel))
    const sides: [PreviewSide, PreviewSide] = [
      await resolveSide(tx, query.before),
      await resolveSide(tx, query.after),
    ]
    const tally = new PreviewTally(sides, channels, sources.length, query.deals)
    for await (const batch of streamJourneys(tx, currency, setting, channelOf)) tally.add(batch)
    return { currency, ...answerOf(tally, sources, query), freshness: setting.freshness }
  },
})

async function resolveSide(tx: Transaction, side: PreviewQuery['before']): Promise<PreviewSide> {
  return { model: await resolveModel(tx, side), windowDays: windowDaysOf(side.window) }
}

async function resolveModel(tx: Transaction, side: PreviewQuery['before']): Promise<CreditModel> {
  if ('definition' in side) {
    const { definition } = side
    requireSound(definition)
    if (isFittedMethod(definition.method))
      throw new Problem(
        'attribution.model_unready',
        `The method ${definition.method} is fitted when it is published: publish it, and its credit is to be seen beside ` +
          'the others.',
      )
    return creditModelOf('preview', '0', definition, null)
  }
  const row = (await listModelRows(tx)).find((each) => each.model === side.model)
  if (!row)
    throw new Problem('attribution.model_unknown', `No ledger is kept for the model ${side.model}.`)
  const model = await restoreCreditModel(tx, row)
  if (model) return model
  throw new Problem('attribution.model_unready', `The model ${side.model} waits for its first fit.`)
}

function answerOf(
  tally: PreviewTally,
  sources: readonly SourceRow[],
  { campaigns: listed, before }: PreviewQuery,
): Omit<Preview, 'currency' | 'freshness'> {
  const sumBy = (keyOf: (source: SourceRow) => string) => {
    const sums = new Map<string, ReturnType<typeof moved>>()
    sources.forEach((source, i) => {
      const [before, after] = [tally.before.bySource[i]!, tally.after.bySource[i]!]
      const known = sums.get(keyOf(source)) ?? moved(0, 0)
      sums.set(keyOf(source), moved(known.beforeMinor + before, known.afterMinor + after))
    })
    return [...sums].sort(
      (a, b) => Math.abs(b[1].deltaMinor) - Math.abs(a[1].deltaMinor) || a[0].localeCompare(b[0]),
    )
  }
  const names = new Map(sources.map(({ campaignId, name }) => [campaignId ?? '', name]))
  const campaigns = sumBy(({ campaignId }) => campaignId ?? '')
  const { deals, touches, wonMinor, movedMinor, movedDeals } = tally
  const rest = campaigns.slice(listed).map(([, sums]) => sums)
  return {
    deals,
    touches,
    wonMinor,
    movedMinor,
    movedDeals,
    baseline: moved(tally.before.baselineMinor, tally.after.baselineMinor),
    uncredited: moved(tally.before.uncreditedMinor, tally.after.uncreditedMinor),
    channels: sumBy(({ channel }) => channel).map(([channel, sums]) => ({ channel, ...sums })),
    campaigns: campaigns.slice(0, listed).map(([id, sums]) => ({
      campaignId: id === '' ? null : id,
      name: id === '' ? 'No campaign' : (names.get(id) ?? 'Unknown campaign'),
      ...sums,
    })),
    otherCampaigns: moved(
      rest.reduce((sum, { beforeMinor }) => sum + beforeMinor, 0),
      rest.reduce((sum, { afterMinor }) => sum + afterMinor, 0),
    ),
    mostMoved: tally.most.map((deal) => ({
      ...deal,
      receipt: `/api/v1/attribution/receipts/${deal.opportunityId}?window=${before.window}`,
    })),
  }
}

function moved(beforeMinor: number, afterMinor: number) {
  return { beforeMinor, afterMinor, deltaMinor: afterMinor - beforeMinor }
}
