import type { IncomingHttpHeaders } from 'node:http'
import { Problem } from '#core/problem.ts'

/**
 * Refuses a write that a browser sent with our cookie from another site's page (OWASP: CSRF, verify origin).
 * Browsers name the origin on every write; a request that names none does not come from a page of ours.
 * @throws Problem `auth.forbidden`
 */
export function refuseForeignOrigin(headers: IncomingHttpHeaders, publicUrl: string): void {
  const site = headers['sec-fetch-site']
  const ownHost =
    headers.host !== undefined &&
    (headers.origin === `http://${headers.host}` || headers.origin === `https://${headers.host}`)
  const ownOrigin = headers.origin === publicUrl || ownHost
  if (!ownOrigin || (site !== undefined && site !== 'same-origin')) {
    throw new Problem(
      'auth.forbidden',
      'A session may write only from the console’s own pages: use an API key instead.',
    )
  }
}
