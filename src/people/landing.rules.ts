import type { Utm } from '#people/capture.ts'

/** Click ids that ad systems append to the landing page, by parameter in lower case. */
export type ClickIds = Record<string, string>

const clickIdParameters: ReadonlySet<string> = new Set([
  'gclid', 'gbraid', 'wbraid', 'dclid', 'msclkid', 'yclid', 'fbclid', 'li_fat_id', 'ttclid',
  'twclid', 'rdt_cid', 'sccid', 'epik', 'irclickid', 'mc_cid', 'mc_eid',
]) // prettier-ignore

const maxParameterLength = 500

/** What the address of a landing page tells of where its visitor came from. */
export interface Landing {
  utm: Utm
  clickIds: ClickIds
  /** Host in lower case, null when the text is no absolute address. */
  host: string | null
}

/**
 * Reads the `utm_…` parameters and click ids of a page's address or query string.
 * Values beyond 500 characters are cut. O(length of the text).
 */
export function readLanding(urlOrQuery: string): Landing {
  const url = URL.parse(urlOrQuery)
  const question = urlOrQuery.indexOf('?')
  const query = url?.search ?? (question < 0 ? '' : urlOrQuery.slice(question))
  const utm: Utm = {}
  const clickIds: ClickIds = {}
  for (const [name, raw] of new URLSearchParams(query)) {
    const value = raw.trim().slice(0, maxParameterLength)
    if (value === '') continue
    const key = name.toLowerCase()
    if (clickIdParameters.has(key)) clickIds[key] ??= value
    else if (key === 'utm_source') utm.source ??= value
    else if (key === 'utm_medium') utm.medium ??= value
    else if (key === 'utm_campaign') utm.campaign ??= value
    else if (key === 'utm_term') utm.term ??= value
    else if (key === 'utm_content') utm.content ??= value
  }
  return { utm, clickIds, host: hostOf(url) }
}

/** The host of an address without `www.`, or null. */
export function readHost(address: string): string | null {
  return hostOf(URL.parse(address))
}

function hostOf(url: URL | null): string | null {
  if (url === null || url.hostname === '') return null
  const host = url.hostname.toLowerCase()
  return host.startsWith('www.') ? host.slice(4) : host
}
