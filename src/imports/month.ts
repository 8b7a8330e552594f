const LOCALES = ['en', 'de', 'nl', 'fr', 'es', 'pt', 'it'] as const

/** How people shorten months beyond what Intl writes. */
const MORE: Record<string, number> = { sept: 9, mrz: 3, mrt: 3, okt: 10, dez: 12 }

const months = new Map<string, number>(Object.entries(MORE))
const weekdays = new Set<string>()

for (const locale of LOCALES) {
  for (const style of ['long', 'short'] as const) {
    const month = new Intl.DateTimeFormat(locale, { month: style, timeZone: 'UTC' })
    const weekday = new Intl.DateTimeFormat(locale, { weekday: style, timeZone: 'UTC' })
    for (let i = 0; i < 12; i += 1) {
      const name = foldWord(month.format(Date.UTC(2018, i, 15)))
      // The languages agree wherever they share a word; English comes first in any case.
      if (!months.has(name)) months.set(name, i + 1)
    }
    for (let i = 1; i <= 7; i += 1) weekdays.add(foldWord(weekday.format(Date.UTC(2018, 0, i))))
  }
}

/** The month (1 to 12) of a name in English, German, Dutch, French, Spanish, Portuguese or Italian. */
export function findMonth(word: string): number | null {
  return months.get(foldWord(word)) ?? null
}

export function isWeekday(word: string): boolean {
  return weekdays.has(foldWord(word))
}

function foldWord(word: string): string {
  return word
    .normalize('NFD')
    .replaceAll(/[^\p{L}]/gu, '')
    .toLowerCase()
}
