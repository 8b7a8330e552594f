import { mondayOf } from '#core/calendar.ts'
import type { LedgerCell } from '#reports/restatement.rules.ts'

/** What one model gives one deal in one window, whoever holds it: what the ledger had, or will have. */
export interface DealCredit {
  opportunityId: string
  windowDays: number
  model: string
  currency: string
  closedOn: string
  /** Of each touch in the window. */
  shares: ArrayLike<number>
  amounts: ArrayLike<number>
  campaigns: readonly (string | null)[]
  channels: readonly string[]
  baseline: number
  baselineMinor: number
}

/** Credit added up by campaign, channel or baseline and the day of the close. */
export interface DaySum {
  windowDays: number
  model: string
  kind: 'campaign' | 'channel' | 'baseline'
  /** The campaign's id, empty for touches without one; or the channel. */
  key: string
  currency: string
  closedOn: string
  amountMinor: number
  share: number
  deals: number
}

interface Part {
  amountMinor: number
  share: number
}

/** A deal's credit by campaign (empty: none) and by channel. O(touches). */
function partsOf({ shares, amounts, campaigns, channels }: DealCredit) {
  const byCampaign = new Map<string, Part>()
  const byChannel = new Map<string, Part>()
  const add = (parts: Map<string, Part>, key: string, amountMinor: number, share: number) => {
    const part = parts.get(key)
    if (!part) parts.set(key, { amountMinor, share })
    else {
      part.amountMinor += amountMinor
      part.share += share
    }
  }
  for (let i = 0; i < shares.length; i++) {
    if (shares[i]! <= 0) continue
    add(byCampaign, campaigns[i] ?? '', amounts[i]!, shares[i]!)
    add(byChannel, channels[i]!, amounts[i]!, shares[i]!)
  }
  return { byCampaign, byChannel }
}

/**
 * What comes to each sum of a day when one credit goes and another comes; sums that nothing comes to are left out.
 * O(touches); memory: an entry a sum.
 */
export function daySumsOf(gone: Iterable<DealCredit>, come: Iterable<DealCredit>): DaySum[] {
  const days = new Map<string, Map<string, DaySum>>()
  const addAll = (credit: DealCredit, sign: 1 | -1) => {
    const { windowDays, model, currency, closedOn, baseline, baselineMinor } = credit
    const of = { windowDays, model, currency, closedOn }
    const id = `${windowDays} ${model} ${currency} ${closedOn}`
    let sums = days.get(id)
    if (!sums) days.set(id, (sums = new Map()))
    const add = (kind: DaySum['kind'], key: string, part: Part) => {
      let sum = sums.get(kind + key)
      if (!sum) {
        sum = { ...of, kind, key, amountMinor: 0, share: 0, deals: 0 }
        sums.set(kind + key, sum)
      }
      sum.amountMinor += sign * part.amountMinor
      sum.share += sign * part.share
      sum.deals += sign
    }
    const { byCampaign, byChannel } = partsOf(credit)
    for (const [key, part] of byCampaign) add('campaign', key, part)
    for (const [key, part] of byChannel) add('channel', key, part)
    if (baseline > 0) add('baseline', '', { amountMinor: baselineMinor, share: baseline })
  }
  for (const credit of gone) addAll(credit, -1)
  for (const credit of come) addAll(credit, 1)
  return [...days.values()].flatMap((sums) =>
    [...sums.values()].filter(
      ({ amountMinor, share, deals }) => amountMinor !== 0 || share !== 0 || deals !== 0,
    ),
  )
}

/** A deal's credit by campaign and baseline, as restatements compare it. O(touches). */
export function cellsOf(credit: DealCredit): Omit<LedgerCell, 'cause'>[] {
  const { opportunityId, windowDays, model, currency, closedOn, baseline, baselineMinor } = credit
  const of = { opportunityId, week: mondayOf(closedOn), windowDays, model, currency }
  const cells = [...partsOf(credit).byCampaign].map(([key, part]): Omit<LedgerCell, 'cause'> => ({
    ...of,
    bucket: key === '' ? 'no_campaign' : 'campaign',
    campaignId: key === '' ? null : key,
    ...part,
  }))
  if (baseline <= 0) return cells
  const rest = { bucket: 'baseline', campaignId: null } as const
  return [...cells, { ...of, ...rest, amountMinor: baselineMinor, share: baseline }]
}
