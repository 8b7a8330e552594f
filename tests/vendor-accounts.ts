import { hubspot } from '#connectors/hubspot/index.ts'
import { pipedrive } from '#connectors/pipedrive/index.ts'
import { salesforce } from '#connectors/salesforce/index.ts'
import type { LoggedCall } from '#sandbox/call-log.ts'
import type { FaultRule } from '#sandbox/faults.ts'
import { startHubspot } from '#sandbox/hubspot/index.ts'
import { listOf, objectOf, textOf } from '#sandbox/json.ts'
import { startPipedrive } from '#sandbox/pipedrive/index.ts'
import { startSalesforce } from '#sandbox/salesforce/index.ts'
import type { Connector } from '#sync/connector.ts'

/** A sandbox account of a vendor as a test of the engine sees it, whichever vendor it is. */
export interface VendorAccount {
  connector: Connector
  settings: Record<string, unknown>
  people: string
  /** What is really there of everybody, by address: the vendor's own properties. */
  properties(): Map<string, Readonly<Record<string, unknown>>>
  /** Phone numbers by address of the people that are really there. */
  there(): Map<string, string | null>
  failNext(rule: FaultRule): () => void
  /** The calls that were answered, oldest first. */
  requests(): LoggedCall[]
  /** Somebody changes the phone number of the person with this address there. */
  edit(email: string, phone: string): void
  /** Somebody deletes the person with this address there. */
  remove(email: string): void
  stop(): Promise<void>
}

/** More than any test sends: whoever counts requests must not lose the early ones. */
const KEPT_REQUESTS = 100_000

export const vendorAccounts: Record<
  string,
  { leads: number; open(this: void, now: () => number): Promise<VendorAccount> }
> = {
  HubSpot: {
    leads: 1500,
    async open(now) {
      const sandbox = await startHubspot({
        now,
        limits: { tenSecondly: null, daily: null, searchSecondly: null },
        settings: { searchLagMs: 2000, searchLagJitterMs: 2000 },
        keepRequests: KEPT_REQUESTS,
      })
      const live = () => [...sandbox.records('contacts')].filter(({ archived }) => !archived)
      return {
        connector: hubspot,
        settings: { baseUrl: sandbox.url, version: '2026-09', token: sandbox.token },
        people: 'contacts',
        properties: () =>
          new Map(live().map(({ properties }) => [String(properties['email']), properties])),
        there: () =>
          new Map(
            live().map(({ properties }) => [
              String(properties['email']),
              textOf(properties['phone'] ?? null),
            ]),
          ),
        failNext: (rule) => sandbox.failNext(rule),
        requests: () => sandbox.requests(),
        edit(email, phone) {
          const { id } = live().find(({ properties }) => properties['email'] === email)!
          sandbox.edit('contacts', id, { phone })
        },
        remove(email) {
          sandbox.remove(
            'contacts',
            live().find(({ properties }) => properties['email'] === email)!.id,
          )
        },
        stop: () => sandbox.stop(),
      }
    },
  },
  Salesforce: {
    leads: 1500,
    async open(now) {
      const sandbox = await startSalesforce({ now, keepRequests: KEPT_REQUESTS })
      const live = () => [...sandbox.records('Lead')].filter(({ isDeleted }) => !isDeleted)
      return {
        connector: salesforce,
        settings: { baseUrl: sandbox.url, accessToken: sandbox.token },
        people: 'leads',
        properties: () => new Map(live().map(({ values }) => [String(values['Email']), values])),
        there: () =>
          new Map(
            live().map(({ values }) => [String(values['Email']), textOf(values['Phone'] ?? null)]),
          ),
        failNext: (rule) => sandbox.failNext(rule),
        requests: () => sandbox.requests(),
        edit(email, phone) {
          const { id } = live().find(({ values }) => values['Email'] === email)!
          sandbox.edit('Lead', id, { Phone: phone })
        },
        remove(email) {
          sandbox.remove('Lead', live().find(({ values }) => values['Email'] === email)!.id)
        },
        stop: () => sandbox.stop(),
      }
    },
  },
  Pipedrive: {
    leads: 300,
    async open(now) {
      const sandbox = await startPipedrive({
        now,
        limits: { daily: null, tokenBurst: 1e6, searchBurst: 1e6 },
        keepRequests: KEPT_REQUESTS,
      })
      const live = () => [...sandbox.records('person')].filter(({ isDeleted }) => !isDeleted)
      const first = (list: unknown) =>
        textOf(objectOf(listOf(list as never)[0] ?? {})['value'] ?? null)
      const emailOf = (one: ReturnType<typeof live>[number]) => first(one.shown['emails'])
      return {
        connector: pipedrive,
        settings: { baseUrl: sandbox.url, token: sandbox.token, dailyTokens: 1_000_000 },
        people: 'persons',
        properties: () => new Map(live().map((one) => [String(emailOf(one)), one.shown])),
        there: () =>
          new Map(live().map((one) => [String(emailOf(one)), first(one.shown['phones'])])),
        failNext: (rule) => sandbox.failNext(rule),
        requests: () => sandbox.requests(),
        edit(email, phone) {
          const { id } = live().find((one) => emailOf(one) === email)!
          sandbox.edit('person', id, { phones: [{ value: phone }] })
        },
        remove(email) {
          sandbox.remove('person', live().find((one) => emailOf(one) === email)!.id)
        },
        stop: () => sandbox.stop(),
      }
    },
  },
}
