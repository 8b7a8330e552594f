import type { DealCredit } from '#reports/credit-day.rules.ts'
import { numbersOf, readSources } from '#reports/ledger-journey.store.ts'
import type { GonePack } from '#reports/ledger-write.store.ts'
import { listSources } from '#reports/preview.store.ts'
import type { Transaction } from '#store/store.ts'

/** What packs that were taken out of the ledger had given, touch by touch. */
export async function creditOfGone(
  tx: Transaction,
  gone: readonly GonePack[],
): Promise<DealCredit[]> {
  if (gone.length === 0) return []
  const journeys = await readSources(tx, [...new Set(gone.map(({ journeyId }) => journeyId))])
  const sources = await listSources(tx)
  return gone.map(({ journeyId, skip, baselineShare, baselineMinor, shares, amounts, ...pack }) => {
    const own = journeys.get(journeyId)!.slice(skip)
    return {
      ...pack,
      shares: numbersOf(shares),
      amounts: numbersOf(amounts),
      campaigns: own.map((number) => sources[number]!.campaignId),
      channels: own.map((number) => sources[number]!.channel),
      baseline: baselineShare ?? 0,
      baselineMinor: baselineMinor ?? 0,
    }
  })
}
