import type { HubspotSandbox } from '#sandbox/hubspot/index.ts'
import type { PipedriveSandbox } from '#sandbox/pipedrive/index.ts'
import type { SalesforceSandbox } from '#sandbox/salesforce/index.ts'
import type { World } from '#tests/scenarios/error-world.ts'

export interface Sandboxes {
  hubspot: HubspotSandbox
  pipedrive: PipedriveSandbox
  salesforce: SalesforceSandbox
}
export type VendorName = keyof Sandboxes

/**
 * How the code comes to be gone once its cause is: by itself in the next run; by the schedule, which tries a failed run again;
 * by someone's retry, and not before; or it says nothing that needs one.
 */
export type Clearing = 'next run' | 'schedule' | 'retry' | 'nothing to do'

/** One way in which a code of the catalogue comes about at a vendor, from the fault to its end. */
export interface ErrorCase<Name extends VendorName = VendorName> {
  code: string
  vendor: Name
  /** What is wrong there, as the reference page tells it. */
  when: string
  stream: string
  /**
   * Where people see it: among the open items; with the records of the run only, where nobody has to see to it; or as the
   * fault of the run; or among the open items for the stream as a whole, while the run itself is sound.
   */
  seen?: 'item' | 'record' | 'run' | 'stream'
  /** What the item tells beyond the catalogue's words. */
  detail?: RegExp
  /** Records that it hits; 1 unless given. */
  records?: number
  /** Settings of the connection beside address and token. */
  settings?: Record<string, unknown>
  /** How the connection is run then; without comparing both sides whole unless given. */
  run?: { reconcile?: boolean }
  /** In a hub where the domains sign each connection. */
  isSigned?: boolean
  /** What holds before anything is wrong; a run follows. */
  before?: (world: World<Name>) => Promise<unknown>
  /** Brings the account to fail. */
  breaks: (world: World<Name>) => Promise<unknown>
  /** Does what the catalogue tells people to do, or what the vendor does. */
  mends: (world: World<Name>) => Promise<unknown>
  cleared: Clearing
  /** What holds at the end beside the people; each of them is there exactly once. */
  ends?: (world: World<Name>) => Promise<unknown>
}

/** The cases of a vendor, typed by its sandbox. */
export function casesOf<Name extends VendorName>(
  vendor: Name,
  cases: readonly Omit<ErrorCase<Name>, 'vendor'>[],
): readonly ErrorCase<Name>[] {
  return cases.map((one) => ({ ...one, vendor }))
}
