import { addQuarters, quarterOf } from '#core/calendar.ts'
import { formatWord } from '#console/format.ts'

/** The segment of a plan by its channel; null takes all that no other segment names. */
export function nameOfSegment(channel: string | null): string {
  return channel === null ? 'All other channels' : formatWord(channel)
}

/** `2027-Q1` as `Q1 2027`. */
export function nameOfQuarter(quarter: string): string {
  const [year = '', part = ''] = quarter.split('-')
  return `${part} ${year}`
}

/** The quarter of a day, and those after it. */
export function quartersFrom(day: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => addQuarters(quarterOf(day), i))
}

const fields: Readonly<Record<string, { label: string; isMoney: boolean }>> = {
  targetMinor: { label: 'Target', isMoney: true },
  deals: { label: 'Deals', isMoney: false },
  opportunities: { label: 'Opportunities', isMoney: false },
  pipelineMinor: { label: 'Pipeline', isMoney: true },
  leads: { label: 'Leads', isMoney: false },
  spendMinor: { label: 'Spend', isMoney: true },
}

/** What differs between versions, in words. */
export function describeField(field: string): { label: string; isMoney: boolean } {
  return fields[field] ?? { label: formatWord(field), isMoney: false }
}
