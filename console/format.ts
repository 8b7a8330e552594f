import { formatMinor, minorDigits } from '#core/money.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '#core/time.ts'

const counts = new Intl.NumberFormat('en')
const fractions = new Intl.NumberFormat('en', {
  minimumFractionDigits: 2,
  maximumFractionDigits: 2,
})
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })
const shares = new Intl.NumberFormat('en', {
  style: 'percent',
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
})
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'always', style: 'long' })

export function formatCount(value: number): string {
  return counts.format(value)
}

/** Deals in fractions: credit divides a deal among its touches. */
export function formatFraction(value: number): string {
  return fractions.format(value)
}

export function formatCompact(value: number): string {
  return compact.format(value)
}

/** A share in [0, 1] as per cent; a dash when there is none. */
export function formatShare(share: number | null): string {
  return share === null ? '—' : shares.format(share)
}

/** Groups the whole digits of a decimal string: money never passes through a float. */
function group(decimal: string): string {
  const sign = decimal.startsWith('-') ? '−' : ''
  const [whole = '0', fraction] = decimal.replace('-', '').split('.')
  const grouped = counts.format(BigInt(whole))
  return sign + (fraction === undefined ? grouped : `${grouped}.${fraction}`)
}

/** The exact amount without its currency: `1,234.56`. */
export function formatExact(amountMinor: number, currency: string): string {
  return group(formatMinor(amountMinor, currency))
}

/** The amount in whole units, without its currency: `1,235`; the exact one belongs beside it. */
export function formatWhole(amountMinor: number, currency: string): string {
  // Adding zero turns a negative zero into a plain one.
  return counts.format(Math.round(amountMinor / 10 ** minorDigits(currency)) + 0).replace('-', '−')
}

/** For the axis of a chart: `1.2M`. */
export function formatCompactAmount(amountMinor: number, currency: string): string {
  return compact.format(amountMinor / 10 ** minorDigits(currency))
}

const UNITS = [
  { unit: 'day', ms: DAY_MS },
  { unit: 'hour', ms: HOUR_MS },
  { unit: 'minute', ms: MINUTE_MS },
] as const

/** `5 minutes ago`, `in 2 hours`; `just now` within a minute. */
export function formatRelative(at: Date, nowMs: number): string {
  const deltaMs = at.getTime() - nowMs
  const step = UNITS.find(({ ms }) => Math.abs(deltaMs) >= ms)
  return step ? relative.format(Math.trunc(deltaMs / step.ms), step.unit) : 'just now'
}

/** A length of time in its two largest units: `2 d 4 h`, `12 min`, `35 s`. */
export function formatDuration(durationMs: number): string {
  const seconds = Math.max(0, Math.round(durationMs / 1000))
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return seconds % 60 ? `${minutes} min ${seconds % 60} s` : `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`
  const days = Math.floor(hours / 24)
  return hours % 24 ? `${days} d ${hours % 24} h` : `${days} d`
}

/** The moment in the time zone of the workspace, with the zone named. */
export function formatInstant(at: Date, timeZone: string): string {
  return new Intl.DateTimeFormat('en-GB', {
    timeZone,
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    timeZoneName: 'short',
  }).format(at)
}

/** The same without the zone, for columns: the zone belongs in the hint. */
export function formatMinute(at: Date, timeZone: string): string {
  return new Intl.DateTimeFormat('en-GB', {
    timeZone,
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
  }).format(at)
}

/** The day of a moment in the time zone of the workspace: `3 Nov 2026`. */
export function formatDay(at: Date, timeZone: string): string {
  return new Intl.DateTimeFormat('en-GB', {
    timeZone,
    day: 'numeric',
    month: 'short',
    year: 'numeric',
  }).format(at)
}

/** A calendar date (`YYYY-MM-DD`) as `3 Nov 2026`; no time zone is involved. */
export function formatDate(date: string, options: { year?: boolean } = {}): string {
  return new Intl.DateTimeFormat('en-GB', {
    timeZone: 'UTC',
    day: 'numeric',
    month: 'short',
    ...(options.year === false ? {} : { year: 'numeric' as const }),
  }).format(new Date(`${date}T00:00:00Z`))
}

/** A field by its name in the API as words: `jobTitle` as `Job title`. */
export function formatField(name: string): string {
  const words = name
    .replaceAll(/([a-z])([A-Z0-9])/g, '$1 $2')
    .replaceAll(/[._]/g, ' ')
    .toLowerCase()
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** `needs_login` as `Needs login`. */
export function formatWord(word: string): string {
  const text = word.replaceAll('_', ' ')
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** A count with its noun, given in the plural: "1 entry", "2,000 entries". */
export function formatCounted(count: number, nouns: string): string {
  return `${formatCount(count)} ${count === 1 ? singularOf(nouns) : nouns}`
}

function singularOf(nouns: string): string {
  if (nouns === 'people') return 'person'
  if (nouns.endsWith('ies')) return `${nouns.slice(0, -3)}y`
  return nouns.replace(/(?<=ch|sh|ss|x)es$|s$/, '')
}
