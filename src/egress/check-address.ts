import { Problem } from '#core/problem.ts'
import { EgressRefused, type Egress } from './egress.ts'

/**
 * Checks an address that a user names, before it is kept.
 * @throws Problem `webhook.address_refused` that points at `url`.
 */
export async function checkAddress(egress: Egress, url: string): Promise<void> {
  try {
    await egress.check(url)
  } catch (error) {
    if (!(error instanceof EgressRefused)) throw error
    throw new Problem('webhook.address_refused', error.message, {
      errors: [{ pointer: '/url', detail: error.message }],
    })
  }
}
