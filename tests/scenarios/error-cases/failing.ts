import type { Fault } from '#sandbox/faults.ts'
import type { ErrorCase, VendorName } from './case.ts'

export type Part = Pick<ErrorCase, 'breaks' | 'mends' | 'stream'>

const STREAMS = {
  hubspot: ['contacts', '*/contacts*'],
  pipedrive: ['persons', '*/persons*'],
  salesforce: ['leads', '*/query*'],
} as const

/** Every call for people fails so until it is lifted; a lead waits meanwhile. */
export function fails(vendor: VendorName, fault: Fault): Part {
  const [people, path] = STREAMS[vendor]
  // Salesforce asks for everything by one path: its first stream is the one that fails.
  const stream = vendor === 'salesforce' ? 'owners' : people
  return {
    stream,
    async breaks(world) {
      await world.capture('ada@example.com')
      world.lift = world.sandbox.down({ path }, fault)
    },
    mends: async (world) => world.lift(),
  }
}

/** One call fails so: what is no fault of the whole vendor ends its stream only, and the others go on. */
export function failsOnce(vendor: VendorName, fault: Fault): Part {
  return {
    ...fails(vendor, fault),
    async breaks(world) {
      await world.capture('ada@example.com')
      world.lift = world.sandbox.failNext({ ...fault, path: STREAMS[vendor][1] })
    },
  }
}

export const status = (code: number, more: object = {}) =>
  ({ kind: 'status', status: code, ...more }) as const
