import type { Experiment } from '#reports/experiment.schema.ts'
import { addDays } from '#core/calendar.ts'
import { formatCounted, formatShare } from '#console/format.ts'
import type { Tone } from '#console/ui/Badge.tsx'

/** Where an experiment stands today: what is planned begins, runs and ends by its dates. */
export function standingOf(
  { state, startsOn, weeks }: Pick<Experiment, 'state' | 'startsOn' | 'weeks'>,
  today: string,
): { label: string; tone: Tone } {
  if (state === 'done') return { label: 'Done', tone: 'good' }
  if (state === 'cancelled') return { label: 'Given up', tone: 'plain' }
  if (today < startsOn) return { label: 'Planned', tone: 'info' }
  if (today <= lastDayOf({ startsOn, weeks })) return { label: 'Running', tone: 'busy' }
  return { label: 'Result is due', tone: 'warn' }
}

export function lastDayOf({ startsOn, weeks }: Pick<Experiment, 'startsOn' | 'weeks'>): string {
  return addDays(startsOn, 7 * weeks - 1)
}

export function describeDesign({
  holdoutShare,
  weeks,
}: Pick<Experiment, 'holdoutShare' | 'weeks'>): string {
  return `${formatPercent(holdoutShare)} left out for ${describeWeeks(weeks)}`
}

/** Beyond ten years nobody waits for it. */
const MOST_WEEKS = 520

export function describeWeeks(weeks: number): string {
  if (weeks > MOST_WEEKS) return 'over 10 years'
  return formatCounted(weeks, 'weeks')
}

/** A share without a needless digit: `10%`, `2.5%`. */
export function formatPercent(share: number): string {
  return formatShare(share).replace('.0%', '%').replace('-', '−')
}
