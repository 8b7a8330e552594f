import { formatMinor, parseMinor } from '#core/money.ts'
import type { NewPlan, Segment } from '#console/pages/plans/plans.queries.ts'

/** A segment while it is typed: amounts in whole units, rates in per cent, blank for what is measured. */
export interface SegmentFields {
  /** Names the row while it is on the page. */
  key: string
  /** Blank: all channels that no other segment names. */
  channel: string
  target: string
  leadToWon: string
  leadToOpportunity: string
  averageWon: string
  costPerLead: string
}

export function emptySegment(): SegmentFields {
  const blank = {
    target: '',
    leadToWon: '',
    leadToOpportunity: '',
    averageWon: '',
    costPerLead: '',
  }
  return { key: crypto.randomUUID(), channel: '', ...blank }
}

export function fieldsOf(
  { channel, targetMinor, assume }: Segment,
  currency: string,
): SegmentFields {
  const money = (minor: number | undefined) =>
    minor === undefined ? '' : formatMinor(Math.round(minor), currency)
  const percent = (rate: number | undefined) =>
    rate === undefined ? '' : String(Number((100 * rate).toFixed(4)))
  return {
    key: crypto.randomUUID(),
    channel: channel ?? '',
    target: money(targetMinor),
    leadToWon: percent(assume.leadToWon),
    leadToOpportunity: percent(assume.leadToOpportunity),
    averageWon: money(assume.averageWonMinor),
    costPerLead: money(assume.costPerLeadMinor),
  }
}

/** What is sent: fields that are blank are left to what was measured. */
export function toPlan(
  segments: readonly SegmentFields[],
  currency: string,
): Pick<NewPlan, 'currency' | 'segments'> {
  return {
    currency,
    segments: segments.map((fields) => ({
      channel: fields.channel === '' ? null : fields.channel,
      targetMinor: parseMinor(fields.target, currency) ?? 0,
      assume: {
        ...(fields.leadToWon && { leadToWon: Number(fields.leadToWon) / 100 }),
        ...(fields.leadToOpportunity && {
          leadToOpportunity: Number(fields.leadToOpportunity) / 100,
        }),
        ...(fields.averageWon && { averageWonMinor: parseMinor(fields.averageWon, currency)! }),
        ...(fields.costPerLead && { costPerLeadMinor: parseMinor(fields.costPerLead, currency)! }),
      },
    })),
  }
}

/** Every segment has a target, none is named twice, and what is assumed is above zero. */
export function isSound(segments: readonly SegmentFields[], currency: string): boolean {
  const isAmount = (typed: string) => (parseMinor(typed, currency) ?? 0) > 0
  const isRate = (typed: string) => Number(typed) > 0 && Number(typed) <= 100
  return (
    new Set(segments.map(({ channel }) => channel)).size === segments.length &&
    segments.every(
      (one) =>
        isAmount(one.target) &&
        [one.leadToWon, one.leadToOpportunity].every((typed) => typed === '' || isRate(typed)) &&
        [one.averageWon, one.costPerLead].every((typed) => typed === '' || isAmount(typed)),
    )
  )
}

/** What the targets come to, as far as they are typed. */
export function totalOf(segments: readonly SegmentFields[], currency: string): number {
  return segments.reduce((sum, { target }) => sum + (parseMinor(target, currency) ?? 0), 0)
}
