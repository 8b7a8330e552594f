import type { Lens } from '#reports/lens.store.ts'

/** A path with the fields that are not null as its query. */
export function link(path: string, fields: Record<string, string | null>): string {
  const given = Object.entries(fields).filter(
    (field): field is [string, string] => field[1] !== null,
  )
  return `${path}?${new URLSearchParams(given).toString()}`
}

/** Where a credited figure opens to its lines, under the same filters. */
export function receiptsLink(lens: Lens, also: Record<string, string>): string {
  const { model, window, currency, from, to } = lens.answer
  const asOf = lens.asOf?.toISOString() ?? null
  return link('/api/v1/attribution/credits', { ...also, model, window, currency, from, to, asOf })
}
