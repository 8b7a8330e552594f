import type { Fault } from '#sandbox/faults.ts'
import { startBadTls } from '#tests/tls.ts'
import { casesOf, type VendorName } from './case.ts'
import { fails, status, type Part } from './failing.ts'

const outages: readonly [when: string, fault: Fault][] = [
  ['it answers 500', status(500)],
  ['it is down for maintenance, with 503', status(503)],
  ['a proxy answers a page instead of it', { kind: 'html', status: 502 }],
  ['a proxy answers a page with success', { kind: 'html', status: 200 }],
  ['the connection is cut before the answer', { kind: 'drop-before' }],
  ['the answer is cut off in the middle', { kind: 'cut-body' }],
  ['it does not answer in time', { kind: 'slow', delayMs: 2000 }],
]

/** The address of the connection is another for a while: nobody listens there, or somebody whom it must not trust. */
function elsewhere(start: () => Promise<{ url: string; stop(): Promise<void> }>): Part {
  return {
    stream: 'owners',
    async breaks(world) {
      await world.capture('ada@example.com')
      const other = await start()
      world.lift = () => void other.stop()
      await world.reconnect({ baseUrl: other.url })
    },
    mends: (world) => world.reconnect({ baseUrl: world.sandbox.url }),
  }
}

const outagesOf = <Name extends VendorName>(vendor: Name) =>
  casesOf(vendor, [
    ...outages.map(([when, fault]) => ({
      code: 'stream.transient',
      when,
      ...fails(vendor, fault),
      cleared: 'schedule' as const,
    })),
    {
      code: 'stream.transient',
      when: 'nobody listens at its address',
      detail: /ECONNREFUSED/,
      // The discard port: nothing listens there.
      ...elsewhere(async () => ({ url: 'http://127.0.0.1:9', stop: async () => undefined })),
      cleared: 'schedule' as const,
    },
    {
      code: 'stream.transient',
      when: 'its certificate is signed by nobody whom the hub trusts',
      detail: /SELF_SIGNED_CERT|UNABLE_TO_VERIFY/,
      ...elsewhere(startBadTls),
      cleared: 'schedule' as const,
    },
  ])

/** What ends a run: no usable answer. */
export const outageCases = [
  ...outagesOf('hubspot'),
  ...casesOf('hubspot', [
    {
      code: 'stream.transient',
      when: 'it locks the records for a while',
      ...fails('hubspot', status(423)),
      cleared: 'schedule',
    },
  ]),
  ...outagesOf('pipedrive'),
  ...outagesOf('salesforce'),
  ...casesOf('salesforce', [
    {
      code: 'stream.transient',
      when: 'a query runs for too long',
      ...fails('salesforce', status(400, { policy: 'QUERY_TIMEOUT' })),
      cleared: 'schedule',
    },
  ]),
]
