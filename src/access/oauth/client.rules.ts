import type { InputFault } from '#core/problem.ts'

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])

/**
 * What is wrong with a client's redirect URIs (RFC 9700 §2.1, RFC 8252 §7): they are compared as exact strings, so they must be
 * absolute, hold no fragment and no wildcard, and use TLS except on loopback. Native clients may use a private scheme.
 */
export function redirectFaults(
  kind: 'service' | 'web' | 'native',
  uris: readonly string[],
): InputFault[] {
  if (kind === 'service')
    return uris.length === 0
      ? []
      : [{ pointer: '/redirectUris', detail: 'A service has no redirect: leave it out.' }]
  if (uris.length === 0)
    return [{ pointer: '/redirectUris', detail: 'Give at least one address to return to.' }]
  return uris.flatMap((uri, i) => {
    const detail = redirectFault(kind, uri)
    return detail === null ? [] : [{ pointer: `/redirectUris/${i}`, detail }]
  })
}

function redirectFault(kind: 'web' | 'native', uri: string): string | null {
  const url = URL.parse(uri)
  if (!url) return 'Give an absolute URI.'
  if (uri.includes('#') || uri.includes('*')) return 'A redirect holds no fragment and no wildcard.'
  if (url.username !== '' || url.password !== '') return 'A redirect holds no credentials.'
  if (url.protocol === 'https:') return null
  if (url.protocol === 'http:')
    return LOOPBACK.has(url.hostname) ? null : 'Use https, except on loopback.'
  const isPrivate = kind === 'native' && /^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:$/.test(url.protocol)
  return isPrivate ? null : 'Use https, or for a native client a scheme such as com.example.app:'
}
