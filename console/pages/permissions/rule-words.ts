import type { Rule } from '#console/pages/permissions/access.queries.ts'
import type { Tone } from '#console/ui/Badge.tsx'

export const effects: Readonly<Record<Rule['effect'], { label: string; tone: Tone }>> = {
  deny: { label: 'Refused', tone: 'bad' },
  step_up: { label: 'Asks to confirm', tone: 'warn' },
}

export const devices = [
  { value: 'any', label: 'Any device' },
  { value: 'known', label: 'Known for a week, or confirmed' },
  { value: 'confirmed', label: 'Confirmed by a second factor' },
] as const

export const deviceWords: Readonly<Record<NonNullable<Rule['devices']>, string>> = {
  known: 'on a known device',
  confirmed: 'on a confirmed device',
}

/** As the API counts them: 1 is Monday. */
export const weekdays = [
  { value: 1, label: 'Monday' },
  { value: 2, label: 'Tuesday' },
  { value: 3, label: 'Wednesday' },
  { value: 4, label: 'Thursday' },
  { value: 5, label: 'Friday' },
  { value: 6, label: 'Saturday' },
  { value: 7, label: 'Sunday' },
] as const

/** `Mon, Tue 08:00–18:00 (Europe/Berlin)`. */
export function hoursOf({ days, from, to, timeZone }: NonNullable<Rule['hours']>): string {
  const names = weekdays
    .filter(({ value }) => days.includes(value))
    .map(({ label }) => label.slice(0, 3))
  return `${names.join(', ')} ${from}–${to} (${timeZone})`
}
