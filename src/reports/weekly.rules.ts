import { createHash } from 'node:crypto'
import { formatMinor } from '#core/money.ts'
import type { PerformanceReport } from '#reports/performance.schema.ts'

/** JSON with the keys of every object in order, so that the same values are the same text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) => {
    if (each === null || typeof each !== 'object' || Array.isArray(each)) return each
    const entries = Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1))
    return Object.fromEntries(entries)
  })
}

export function hashOf(figures: unknown): string {
  return createHash('sha256').update(canonicalJson(figures)).digest('hex')
}

/** Something to talk about, found in the figures. */
export interface FoundItem {
  kind: 'change' | 'miss' | 'dispute'
  /** What it is about; one item a week, kind and subject. */
  subject: string
  title: string
  link: string | null
}

/** What moved ended weeks in the reported week, by cause. */
export interface RestatedCause {
  cause: string
  deltaMinor: number
  deals: number
}

export interface DisputedDeal {
  opportunityId: string
  amountMinor: number
  currency: string
}

/** A fall by more than this against the week before is a miss. */
const MISS = 0.2
const MOST_DISPUTES = 5

/** The agenda of a week: what moved, what fell short, and where people disagree. */
export function agendaOf(
  report: PerformanceReport,
  restated: readonly RestatedCause[],
  disputed: readonly DisputedDeal[],
): FoundItem[] {
  const { currency, model, window } = report
  const changes = restated.map(({ cause, deltaMinor, deals }): FoundItem => ({
    kind: 'change',
    subject: cause,
    title: `Figures of ended weeks moved by ${signed(deltaMinor, currency)}: ${cause.replaceAll('_', ' ')}, ${deals} deals`,
    link: `/api/v1/attribution/restatements?model=${model}&window=${window}`,
  }))
  const disputes = disputed.slice(0, MOST_DISPUTES).map((deal): FoundItem => ({
    kind: 'dispute',
    subject: deal.opportunityId,
    title: `Where did the deal of ${formatMinor(deal.amountMinor, deal.currency)} ${deal.currency} come from?`,
    link: `/api/v1/attribution/receipts/${deal.opportunityId}?window=${window}`,
  }))
  return [...changes, ...missesOf(report), ...disputes]
}

function missesOf({ current, previous, currency }: PerformanceReport): FoundItem[] {
  if (!previous) return []
  const fell = (before: number, now: number) => before > 0 && now < before * (1 - MISS)
  const miss = (subject: string, title: string): FoundItem => ({
    kind: 'miss',
    subject,
    title,
    link: '/api/v1/integrations/sales/performance',
  })
  const [wonBefore, won] = [previous.closed.won.amountMinor, current.closed.won.amountMinor]
  const { mqls: mqlsBefore } = previous.conversion.period.total
  const { mqls } = current.conversion.period.total
  return [
    ...(fell(wonBefore, won)
      ? [
          miss(
            'won',
            `Won ${formatMinor(won, currency)} ${currency}, after ${formatMinor(wonBefore, currency)} the week before`,
          ),
        ]
      : []),
    ...(fell(mqlsBefore, mqls)
      ? [miss('mqls', `${mqls} leads qualified, after ${mqlsBefore} the week before`)]
      : []),
  ]
}

function signed(minor: number, currency: string): string {
  return `${minor > 0 ? '+' : ''}${formatMinor(minor, currency)} ${currency}`
}

/** A meeting for the calendar. */
export interface Meeting {
  id: string
  startsAt: Date
  title: string
  lines: readonly string[]
}

/**
 * Meetings of half an hour as an iCalendar feed.
 * @see RFC 5545, §3.1 for lines of 75 octets, §3.3.11 for what is escaped.
 */
export function calendarOf(meetings: readonly Meeting[], now: Date): string {
  const stamp = (at: Date) => at.toISOString().replaceAll(/[-:]|\.\d{3}/g, '')
  const lines = [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//Throughline//Weekly report//EN',
    ...meetings.flatMap(({ id, startsAt, title, lines }) => [
      'BEGIN:VEVENT',
      `UID:${id}@throughline`,
      `DTSTAMP:${stamp(now)}`,
      `DTSTART:${stamp(startsAt)}`,
      'DURATION:PT30M',
      `SUMMARY:${escaped(title)}`,
      `DESCRIPTION:${escaped(lines.join('\n'))}`,
      'END:VEVENT',
    ]),
    'END:VCALENDAR',
  ]
  return `${lines.map(folded).join('\r\n')}\r\n`
}

function escaped(text: string): string {
  return text.replaceAll(/[\\;,]/g, (sign) => `\\${sign}`).replaceAll('\n', '\\n')
}

/** Cut so that no line has more than 75 octets, never within a character; what follows begins with a space. */
function folded(line: string): string {
  const parts: string[] = []
  let part = ''
  let octets = 0
  for (const character of line) {
    const size = Buffer.byteLength(character)
    if (octets + size > 74) {
      parts.push(part)
      part = ''
      octets = 0
    }
    part += character
    octets += size
  }
  return [...parts, part].join('\r\n ')
}
