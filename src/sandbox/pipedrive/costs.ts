/**
 * What calls cost of the daily budget. Pipedrive docs: rate limits, and `x-token-cost` of each operation. v2 costs half
 * of v1; these are the operations that do not follow from their method.
 */
const SPECIAL: Readonly<Record<string, number>> = {
  'GET /api/v2/deals/archived': 20,
  'GET /api/v2/pipelines': 5,
  'GET /api/v2/stages': 5,
  'GET /v1/leads/archived': 40,
  'GET /v1/leadLabels': 10,
  'GET /v1/leadSources': 2,
  'GET /v1/users/me': 2,
  'GET /v1/webhooks': 10,
  'GET /v1/deals/{id}/participants': 10,
}

/** Tokens of a call, by its route such as `GET /api/v2/deals/{id}`. */
export function costOf(route: string): number {
  const special = SPECIAL[route]
  if (special !== undefined) return special
  const [method = '', path = ''] = route.split(' ')
  if (path.startsWith('/oauth')) return 0
  const isV1 = path.startsWith('/v1/')
  if (path.includes('/convert/')) return path.includes('/status/') ? 1 : 40
  if (path.endsWith('/merge')) return 40
  if (isSearch(route)) return isV1 ? 40 : 20
  const factor = isV1 ? 2 : 1
  if (method === 'DELETE') return 3 * factor
  if (method !== 'GET') return 5 * factor
  return (path.endsWith('}') ? 1 : 10) * factor
}

/** Searches have a burst limit of their own. */
export function isSearch(route: string): boolean {
  return /\/search$|\/itemSearch/.test(route)
}
