import { sql } from 'kysely'
import { hubspot } from '#connectors/hubspot/index.ts'
import { MINUTE_MS, SECOND_MS, type ManualClock } from '#core/time.ts'
import type { HubspotSandbox } from '#sandbox/hubspot/index.ts'
import type { Store } from '#store/store.ts'
import { listConflicts } from '#sync/conflict.store.ts'
import type { Connector } from '#sync/connector.ts'
import type { Entity } from '#sync/entity.ts'
import { SKEW_MS } from '#sync/merge.ts'
import { resolveConflicts } from '#sync/resolve.ts'
import { listRecordChanges } from '#sync/change.store.ts'
import { TestHub, testEngine, testLead } from '#tests/sync.ts'

/** Fields that people edit on both sides, with HubSpot's property. */
const properties: Record<string, string> = {
  firstName: 'firstname',
  lastName: 'lastname',
  phone: 'phone',
  jobTitle: 'jobtitle',
  company: 'company',
  country: 'country',
  status: 'hub_lead_status',
}
const fields = Object.keys(properties)
/** Never overwritten without a person when both sides changed it. */
const CRITICAL = 'status'

export interface TwoWayFigures {
  edits: number
  runs: number
  calls: number
  /** Edits whose value is neither a final one, nor in the history, nor replaced by somebody who had it before their eyes. */
  lost: number
  /** Values that went back to the side where they were typed. */
  echoes: number
  /** Values that were written more than once to the other side. */
  repeated: number
  /** Fields whose final value is not that of the model, or differs between the sides. */
  wrong: number
  conflicts: number
  faults: number
}

interface Edit {
  side: 'hub' | 'crm'
  value: string
  atMs: number
}

/** Mulberry32: small, seeded and good enough to choose edits. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/**
 * Edits records at random on both sides of a HubSpot account that lags and fails, syncs every now and then, and compares
 * what comes of it with a straightforward model: a field ends with the value that was typed last, wherever; a critical one
 * that both sides changed between two syncs waits for a person with both values.
 */
export async function runTwoWay(
  store: Store,
  sandbox: HubspotSandbox,
  clock: ManualClock,
  options: {
    seed: number
    records: number
    edits: number
    editsPerRun: number
    progress?: (text: string) => void
  },
): Promise<TwoWayFigures> {
  const world = new World(store, sandbox, clock, options.seed)
  await world.open(options.records)
  for (let done = 0; done < options.edits; done += options.editsPerRun) {
    const count = Math.min(options.editsPerRun, options.edits - done)
    await world.edit(count)
    await world.sync(true)
    if (done % (options.editsPerRun * 20) === 0) options.progress?.(`${done + count} edits`)
  }
  await world.settle()
  return world.figures()
}

class World {
  readonly #store: Store
  readonly #sandbox: HubspotSandbox
  readonly #clock: ManualClock
  readonly #random: () => number
  readonly #edits = new Map<string, Edit[]>()
  readonly #origin = new Map<string, Edit['side']>()
  readonly #written = new Map<string, number>()
  readonly #contactOf = new Map<string, string>()
  /** What the hub has, by record and field, as far as it was edited. */
  readonly #here = new Map<string, string>()
  /** Values that somebody replaced on the very side where they stood: what they saw, they meant to change. */
  readonly #replaced = new Set<string>()
  #hub!: TestHub
  #leads: string[] = []
  #made = 0
  #echoes = 0
  #runs = 0
  #calls = 0
  #faults = 0
  #conflicts = 0
  #isDeciding = false

  constructor(store: Store, sandbox: HubspotSandbox, clock: ManualClock, seed: number) {
    this.#store = store
    this.#sandbox = sandbox
    this.#clock = clock
    this.#random = seeded(seed)
  }

  async open(records: number): Promise<void> {
    const engine = testEngine(this.#store, this.#clock, {
      connectors: new Map([['hubspot', this.#watched()]]),
      random: this.#random,
    })
    const lead = this.#watchedLead()
    engine.entities = new Map([...engine.entities, ['lead', lead]])
    this.#hub = await TestHub.open(engine, this.#sandbox)
    this.#leads = await this.#hub.addLeads(records)
    await this.sync(false)
    const prefix = 'hub_lead_id'
    for (const record of this.#sandbox.records('contacts')) {
      const id = record.properties[prefix]
      if (id) this.#contactOf.set(id, record.id)
    }
    if (this.#contactOf.size !== records) throw new Error('not every lead became a contact')
  }

  /** The connector, with every value that it writes looked at. */
  #watched(): Connector {
    return {
      ...hubspot,
      open: (connection) => {
        const session = hubspot.open(connection)
        const streams = session.streams.map((stream) => {
          const { push } = stream
          if (!push) return stream
          return {
            ...stream,
            push: async (changes: Parameters<typeof push>[0], signal: AbortSignal) => {
              const results = await push(changes, signal)
              changes.forEach((change, i) => {
                if (results[i]?.kind !== 'written') return
                for (const [field, property] of Object.entries(properties)) {
                  const value = change.properties[property]
                  if (typeof value === 'string')
                    this.#note(change.record.localId, field, value, 'crm')
                }
              })
              return results
            },
          }
        })
        return { ...session, streams }
      },
    }
  }

  #watchedLead(): Entity {
    return {
      ...testLead,
      write: async (tx, writes, now) => {
        for (const { localId, values } of writes) {
          for (const [field, value] of Object.entries(values)) {
            if (typeof value !== 'string') continue
            this.#note(localId ?? '', field, value, 'hub')
            this.#here.set(`${localId}.${field}`, value)
          }
        }
        return testLead.write!(tx, writes, now)
      },
    }
  }

  /** A value arrives on a side: one that was typed there is an echo. */
  #note(localId: string, field: string, value: string, to: Edit['side']): void {
    const from = this.#origin.get(value)
    if (from === undefined || this.#isDeciding) return
    if (from === to) this.#echoes += 1
    const key = `${localId}.${field}=${value}`
    this.#written.set(key, (this.#written.get(key) ?? 0) + 1)
  }

  async edit(count: number): Promise<void> {
    const hubEdits = new Map<string, Record<string, string>>()
    for (let n = 0; n < count; n += 1) {
      this.#clock.advance(Math.ceil(this.#random() * 2 * SECOND_MS))
      const localId = this.#leads[Math.floor(this.#random() * this.#leads.length)]!
      const field = fields[Math.floor(this.#random() * fields.length)]!
      const side = this.#random() < 0.5 ? 'hub' : 'crm'
      const atMs = this.#clock.now().getTime()
      const key = `${localId}.${field}`
      const edits = this.#edits.get(key) ?? []
      const last = edits.at(-1)
      // Two people on one field within the tolerance of clocks: the model cannot say who was last, so time passes.
      if (last && last.side !== side && atMs - last.atMs <= 2 * SKEW_MS) {
        this.#clock.advance(3 * SKEW_MS)
      }
      const value = `v${this.#made}`
      this.#made += 1
      this.#origin.set(value, side)
      edits.push({ side, value, atMs: this.#clock.now().getTime() })
      this.#edits.set(key, edits)
      const seen =
        side === 'hub'
          ? this.#here.get(key)
          : this.#sandbox.read('contacts', this.#contactOf.get(localId)!, properties[field]!)
      if (seen) this.#replaced.add(seen)
      if (side === 'hub') this.#here.set(key, value)
      if (side === 'crm') {
        this.#sandbox.edit('contacts', this.#contactOf.get(localId)!, {
          [properties[field]!]: value,
        })
      } else {
        await this.#hub.changeLead(localId, { [field]: value })
        hubEdits.set(localId, { ...hubEdits.get(localId), [field]: value })
      }
    }
    await this.#hub.note([...hubEdits.keys()], this.#made)
  }

  /** One run, with faults at random calls when asked; it may fail, the next one goes on. */
  async sync(isFaulty: boolean): Promise<string> {
    const before = this.#faults
    if (isFaulty) this.#breakSomething()
    const run = await this.#hub.run(['owners', 'contacts'])
    if (this.#faults > before) this.#sandbox.liftFaults()
    this.#runs += 1
    this.#calls += run.calls
    return run.state
  }

  #breakSomething(): void {
    const count = Math.floor(this.#random() * 3)
    for (let i = 0; i < count; i += 1) {
      this.#faults += 1
      const after = Math.floor(this.#random() * 6)
      const times = this.#random() < 0.2 ? 12 : 1 // now and then the vendor is away for the rest of the run
      const kind = Math.floor(this.#random() * 5)
      const target = { path: '*/contacts*', after, count: times }
      if (kind === 0) this.#sandbox.failNext({ kind: 'drop-after', ...target })
      else if (kind === 1) this.#sandbox.failNext({ kind: 'drop-before', ...target })
      else {
        const status = [500, 503, 429][kind - 2]!
        this.#sandbox.failNext({ kind: 'status', status, ...target })
      }
    }
  }

  /** Runs until both sides rest, decides every conflict, and runs until both sides rest again. */
  async settle(): Promise<void> {
    await this.#rest()
    await this.#compare()
    this.#isDeciding = true
    const { engine, workspaceId } = this.#hub
    for (;;) {
      const now = this.#clock.now()
      const decided = await engine.store.transaction(workspaceId, async (tx) => {
        const page = await listConflicts(tx, { state: 'open' }, '', 200, now)
        const context = { entities: engine.entities, actor: 'key_test', now }
        for (const choice of ['hub', 'crm'] as const) {
          const ids = page
            .filter((_, i) => (i % 2 === 0) === (choice === 'hub'))
            .map(({ id }) => id)
          if (ids.length > 0) await resolveConflicts(tx, context, ids, { choice, note: null })
        }
        return page.length
      })
      if (decided === 0) break
    }
    await this.#rest()
  }

  async #rest(): Promise<void> {
    for (let i = 0; i < 6; i += 1) {
      this.#clock.advance(10 * MINUTE_MS)
      await this.sync(false)
    }
  }

  #wrong = 0
  #lost = 0

  /** Against the model, before anybody decides about conflicts. */
  async #compare(): Promise<void> {
    const { engine, workspaceId } = this.#hub
    const now = this.#clock.now()
    for (const localId of this.#leads) {
      const [row] = await this.#hub.query(sql<{ values: Record<string, string | null> }>`
        select values from test_leads where id = ${localId}`)
      const { open, history } = await engine.store.read(workspaceId, async (tx) => ({
        open: await listConflicts(tx, { state: 'open', localId }, '', 100, now),
        history: await listRecordChanges(tx, { entity: 'lead', localId }, null, 100_000),
      }))
      const kept = new Map<string, Set<unknown>>()
      for (const change of history.flatMap((one) => one.changes)) {
        const values = kept.get(change.field) ?? new Set()
        for (const value of [change.base, change.ours, change.theirs]) values.add(value)
        kept.set(change.field, values)
      }
      for (const field of fields) {
        const conflict = open.find((one) => one.field === field)
        this.#compareField(
          localId,
          field,
          row?.values[field] ?? null,
          conflict?.sides ?? null,
          kept.get(field) ?? new Set(),
        )
        if (conflict) this.#conflicts += 1
      }
    }
  }

  #compareField(
    localId: string,
    field: string,
    ours: string | null,
    conflict: { ours: unknown; theirs: unknown } | null,
    kept: ReadonlySet<unknown>,
  ): void {
    const edits = this.#edits.get(`${localId}.${field}`) ?? []
    const last = edits.at(-1)
    if (!last) return
    const theirs = this.#sandbox.read('contacts', this.#contactOf.get(localId)!, properties[field]!)
    if (conflict) {
      // Both values wait, as both sides have them; nothing else than a critical field may wait.
      const isShown = conflict.ours === ours && conflict.theirs === theirs
      const lastOf = (side: Edit['side']) => edits.findLast((edit) => edit.side === side)?.value
      const isRight = ours === lastOf('hub') && theirs === lastOf('crm')
      if (field !== CRITICAL || !isShown || !isRight) this.#wrong += 1
    } else if (ours !== last.value || theirs !== last.value) this.#wrong += 1
    edits.forEach((edit, i) => {
      const next = edits[i + 1]
      const isOver = this.#replaced.has(edit.value) && next !== undefined
      if (isOver || edit.value === ours || edit.value === theirs) return
      if (!kept.has(edit.value)) this.#lost += 1
    })
  }

  /** Whether both sides agree everywhere after all was decided. */
  async figures(): Promise<TwoWayFigures> {
    for (const localId of this.#leads) {
      const [row] = await this.#hub.query(sql<{ values: Record<string, string | null> }>`
        select values from test_leads where id = ${localId}`)
      const id = this.#contactOf.get(localId)!
      for (const [field, property] of Object.entries(properties)) {
        const theirs = this.#sandbox.read('contacts', id, property)
        if ((row?.values[field] ?? null) !== theirs) this.#wrong += 1
      }
    }
    return {
      edits: this.#made,
      runs: this.#runs,
      calls: this.#calls,
      lost: this.#lost,
      echoes: this.#echoes,
      repeated: [...this.#written.values()].filter((count) => count > 1).length,
      wrong: this.#wrong,
      conflicts: this.#conflicts,
      faults: this.#faults,
    }
  }
}
