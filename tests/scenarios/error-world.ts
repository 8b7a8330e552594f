import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { HOUR_MS, MINUTE_MS, SECOND_MS, type ManualClock } from '#core/time.ts'
import { startHubspot } from '#sandbox/hubspot/index.ts'
import { listOf, objectOf, textOf } from '#sandbox/json.ts'
import { startPipedrive } from '#sandbox/pipedrive/index.ts'
import { startSalesforce } from '#sandbox/salesforce/index.ts'
import { readSettings, updateConnection } from '#sync/connection.store.ts'
import type { Pace } from '#sync/engine.ts'
import type { Sandboxes, VendorName } from '#tests/scenarios/error-cases/case.ts'
import type { TestHub, TestWorkspace } from '#tests/hub.ts'

/** Pauses take no time; a vendor that does not answer is given up after half a second. */
export const quickPace: Pace = {
  wait: async (durationMs, signal) => {
    await sleep(Math.min(durationMs, 1), undefined, { signal })
  },
  callTimeoutMs: SECOND_MS / 2,
}

/** An open item as the API shows it. */
export interface Item {
  connectionId: string
  stream: string
  record: string
  code: string
  title: string
  whatToDo: string
  detail: string | null
  occurrences: number
}

/** A vendor's account, a workspace with a connection to it, and what people do on either side. */
export class World<Name extends VendorName = VendorName> {
  readonly sandbox: Sandboxes[Name]
  readonly hub: TestHub
  readonly clock: ManualClock
  readonly workspace: TestWorkspace
  readonly vendor: Name
  connectionId = ''
  /** Addresses of the people that are to be there at the end, each once. */
  readonly people = new Set<string>()
  readonly #notes = new Map<string, string>()
  /** Lifts what `breaks` injected. */
  lift: () => void = () => undefined

  constructor(
    hub: TestHub,
    clock: ManualClock,
    vendor: Name,
    sandbox: Sandboxes[Name],
    workspace: TestWorkspace,
  ) {
    this.hub = hub
    this.clock = clock
    this.vendor = vendor
    this.sandbox = sandbox
    this.workspace = workspace
  }

  async connect(settings: Record<string, unknown> = {}): Promise<void> {
    const key = this.vendor === 'salesforce' ? 'accessToken' : 'token'
    const made = await this.workspace.post('/api/v1/connections', {
      vendor: this.vendor,
      name: 'CRM',
      settings: { baseUrl: this.sandbox.url, [key]: this.sandbox.token, ...settings },
    })
    expect(made.status, made.text).toBe(201)
    this.connectionId = made.body.id
  }

  /** Keeps an id from one step of a case to the next. */
  note(name: string, id: string): void {
    this.#notes.set(name, id)
  }

  noted(name: string): string {
    const id = this.#notes.get(name)
    if (id === undefined) throw new Error(`nothing is noted as ${name}`)
    return id
  }

  /** The vendor's id of the one person that it has. */
  onlyPerson(): string {
    const [id, ...more] = readers[this.vendor](this.sandbox).map((one) => one.id)
    if (id === undefined || more.length > 0) throw new Error(`there are ${more.length + 1} people`)
    return id
  }

  async stop(): Promise<void> {
    // The schedule of the tests behind this one is not to find it.
    await this.workspace.delete(`/api/v1/connections/${this.connectionId}`)
    await this.sandbox.stop()
  }

  /** Captures a person as a form does; answers the lead's id. It is sent by the next run. */
  async capture(email: string, more: Record<string, unknown> = {}): Promise<string> {
    const made = await this.workspace.post('/api/v1/integrations/sales/leads', { email, ...more })
    expect(made.status, made.text).toBeLessThan(300)
    this.people.add(email)
    return made.body.id
  }

  /** Captures a person of whom only a cookie is known. */
  async captureUnnamed(anonymousId: string): Promise<void> {
    const made = await this.workspace.post('/api/v1/integrations/sales/leads', { anonymousId })
    expect(made.status, made.text).toBeLessThan(300)
    this.people.add('')
  }

  /** Signs the connection for all domains that it touches. */
  async sign(): Promise<void> {
    const path = `/api/v1/connections/${this.connectionId}/approval`
    const { signatures } = (await this.workspace.get(path)).body
    for (const { domain } of signatures) {
      const signed = await this.workspace.post(path, { domain })
      expect(signed.status, signed.text).toBeLessThan(300)
    }
  }

  async leadsHere(): Promise<number> {
    return (await this.workspace.get('/api/v1/leads?limit=100')).body.data.length
  }

  async change(leadId: string, values: Record<string, unknown>): Promise<void> {
    const changed = await this.workspace.patch(`/api/v1/leads/${leadId}`, values)
    expect(changed.status, changed.text).toBe(200)
  }

  /** Gives the lead to the owner with the address. */
  async giveTo(leadId: string, email: string): Promise<void> {
    const { data } = (await this.workspace.get('/api/v1/owners?limit=100')).body
    const owner = data.find((one: { email: string | null }) => one.email === email)
    const body = { ownerId: owner?.id }
    const given = await this.workspace.post(`/api/v1/leads/${leadId}/reroute`, body)
    expect(given.status, given.text).toBe(200)
  }

  /** What can be done to the sandbox from outside only. */
  async control(method: string, path: string, body: unknown): Promise<void> {
    const answer = await fetch(`${this.sandbox.url}/__sim/${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    expect(answer.status).toBeLessThan(300)
  }

  /** Maps a custom field of leads to a property there. */
  async map(stream: string, field: string, property: string): Promise<void> {
    const path = `/api/v1/connections/${this.connectionId}/streams/${stream}/fields/${field}`
    const made = await this.workspace.put(path, { property, direction: 'push', policy: null })
    expect(made.status, made.text).toBeLessThan(300)
  }

  /** Writes settings past the test that the API makes of them: what changed is the world outside. */
  async reconnect(settings: Record<string, unknown>): Promise<void> {
    await this.hub.app.store.transaction(this.workspace.id, async (tx) => {
      const known = await readSettings(tx, this.connectionId, 'lock')
      const now = this.clock.now()
      await updateConnection(tx, this.connectionId, { settings: { ...known, ...settings } }, now)
    })
  }

  /** Runs the connection now; answers the run once it has ended. A minute passes after it. */
  async run(more: { streams?: string[]; reconcile?: boolean } = {}) {
    const path = `/api/v1/connections/${this.connectionId}/runs`
    const asked = await this.workspace.post(path, more)
    expect(asked.status, asked.text).toBe(202)
    await this.hub.settle()
    this.clock.advance(MINUTE_MS)
    return (await this.workspace.get(`/api/v1/sync/runs/${asked.body.id}`)).body
  }

  /** Lets the schedule find what it tries again, some hours later. */
  async waitForSchedule(): Promise<void> {
    this.clock.advance(5 * HOUR_MS)
    await this.hub.app.jobs.tick()
    await this.hub.settle()
  }

  async items(code?: string): Promise<Item[]> {
    const query = code === undefined ? '' : `&code=${code}`
    const { body } = await this.workspace.get(`/api/v1/sync/errors?limit=100${query}`)
    return body.data
  }

  async retry({ connectionId, stream, code }: Item): Promise<number> {
    const group = { connectionId, stream, code }
    return (await this.workspace.post('/api/v1/sync/errors/retry', group)).body.items
  }

  /** Addresses of all people that live at the vendor, sorted; '' for one without. */
  emailsThere(): string[] {
    return readers[this.vendor](this.sandbox)
      .map(({ email }) => email)
      .toSorted()
  }
}

interface Person {
  id: string
  email: string
}

function readHubspot(sandbox: Sandboxes['hubspot']): Person[] {
  return [...sandbox.records('contacts')].flatMap(({ id, archived, properties }) =>
    archived ? [] : [{ id, email: properties['email'] ?? '' }],
  )
}

function readPipedrive(sandbox: Sandboxes['pipedrive']): Person[] {
  return [...sandbox.records('person')].flatMap(({ id, isDeleted, shown }) => {
    const email = textOf(objectOf(listOf(shown['emails'])[0])['value']) ?? ''
    return isDeleted ? [] : [{ id, email }]
  })
}

/** Leads and contacts; a converted lead lives on as its contact. */
function readSalesforce(sandbox: Sandboxes['salesforce']): Person[] {
  const rows = ['Lead', 'Contact'].flatMap((object) => [...sandbox.records(object)])
  return rows.flatMap(({ id, isDeleted, values: { Email: email, IsConverted: isConverted } }) =>
    isDeleted || isConverted === true
      ? []
      : [{ id, email: typeof email === 'string' ? email : '' }],
  )
}

const readers: Record<VendorName, (sandbox: Sandboxes[VendorName]) => Person[]> = {
  hubspot: (sandbox) => readHubspot(sandbox as Sandboxes['hubspot']),
  pipedrive: (sandbox) => readPipedrive(sandbox as Sandboxes['pipedrive']),
  salesforce: (sandbox) => readSalesforce(sandbox as Sandboxes['salesforce']),
}

/** An empty account of the vendor on the clock, without limits that a test does not set. */
export function startSandbox<Name extends VendorName>(
  vendor: Name,
  now: () => number,
): Promise<Sandboxes[Name]> {
  const starts: { [Key in VendorName]: () => Promise<Sandboxes[Key]> } = {
    hubspot: () =>
      startHubspot({ now, limits: { tenSecondly: null, daily: null, searchSecondly: null } }),
    pipedrive: () =>
      startPipedrive({ now, limits: { daily: null, tokenBurst: 100_000, searchBurst: 100_000 } }),
    salesforce: () => startSalesforce({ now }),
  }
  return starts[vendor]()
}
