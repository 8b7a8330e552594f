import { rateOf } from '#reports/rate.rules.ts'
import type { SlippageOutcome } from '#reports/slippage.schema.ts'
import type { OutcomeRow } from '#reports/slippage.store.ts'

const OUTCOMES = ['won', 'lost', 'slipped', 'pending'] as const satisfies SlippageOutcome[]

/** Owners of an answer. */
const MAX_OWNERS = 50

/** Rows of one currency, added up. Pure. */
export function sumOutcomes(rows: readonly OutcomeRow[]) {
  const sum = (isOf: (row: OutcomeRow) => boolean) => {
    const counted = rows.filter(isOf)
    return {
      deals: counted.reduce((total, { deals }) => total + deals, 0),
      amountMinor: counted.reduce((total, { amountMinor }) => total + amountMinor, 0),
    }
  }
  const of = Object.fromEntries(
    OUTCOMES.map((outcome) => [outcome, sum((row) => row.outcome === outcome)]),
  ) as Record<SlippageOutcome, ReturnType<typeof sum>>
  const settled = of.won.deals + of.lost.deals + of.slipped.deals
  return {
    expected: sum((row) => row.outcome !== null),
    ...of,
    withoutDay: sum((row) => row.outcome === null),
    slipRate: rateOf(of.slipped.deals, settled),
  }
}

/** The same by owner, most that slipped first. Pure. */
export function sumByOwner(rows: readonly OutcomeRow[]) {
  const owners = Map.groupBy(
    rows.filter(({ outcome }) => outcome !== null),
    ({ ownerId }) => ownerId,
  )
  return [...owners]
    .map(([ownerId, own]) => {
      const { expected, slipped, slipRate } = sumOutcomes(own)
      return { ownerId: ownerId as `own_${string}` | null, expected, slipped, slipRate }
    })
    .sort(
      (a, b) =>
        b.slipped.amountMinor - a.slipped.amountMinor ||
        b.slipped.deals - a.slipped.deals ||
        ((a.ownerId ?? '') < (b.ownerId ?? '') ? -1 : 1),
    )
    .slice(0, MAX_OWNERS)
}

/** Deals that were expected in other currencies. Pure. */
export function otherCurrencies(rows: readonly OutcomeRow[], currency: string) {
  const others = Map.groupBy(
    rows.filter((row) => row.currency !== currency && row.outcome !== null),
    (row) => row.currency,
  )
  return [...others]
    .map(([code, own]) => ({ currency: code, ...sumOutcomes(own).expected }))
    .sort((a, b) => (a.currency < b.currency ? -1 : 1))
}
