import type { Log } from '#core/log.ts'
import { SECOND_MS, type Clock } from '#core/time.ts'
import type { Principal } from '#gateway/operation.ts'
import type { Quotas, QuotaState } from '#gateway/quota.ts'
import { Block } from '#levels/quota-block.ts'
import { metersOf, spanOf, subjectsOf, type Allowance, type Meter } from '#levels/quota.rules.ts'
import {
  addUsage,
  listQuotas,
  settle,
  takeBlocks,
  type Settlement,
  type UsageCount,
} from '#levels/quota.store.ts'
import type { Store } from '#store/store.ts'

/** How long quotas are believed without a word of a change. */
const BELIEVED_MS = 5 * SECOND_MS
const MOST_QUOTAS = 10_000

interface Known {
  quotas: ReadonlyMap<string, Allowance>
  readAtMs: number
}

/**
 * The quotas as one process counts against them. It takes blocks of what is left before it admits requests by them, so that all
 * processes together never admit more, without a query for each request; what it does not use it gives back.
 */
export class QuotaMeters implements Quotas {
  readonly #store: () => Store
  readonly #clock: Clock
  readonly #log: Log | null
  readonly #known = new Map<string, Known>()
  readonly #reading = new Map<string, Promise<Known>>()
  readonly #blocks = new Map<string, Block>()
  readonly #usage = new Map<string, UsageCount>()

  constructor(store: () => Store, clock: Clock, log: Log | null) {
    this.#store = store
    this.#clock = clock
    this.#log = log
  }

  /** Quotas of the workspace changed. */
  forget(workspaceId: string): void {
    this.#known.delete(workspaceId)
  }

  async take(principal: Principal, now: Date): Promise<readonly QuotaState[]> {
    const { workspaceId } = principal
    const quotas = await this.#quotasOf(workspaceId)
    const blocks = metersOf(principal, quotas).map((meter) =>
      this.#blockOf(workspaceId, meter, now),
    )
    const isSpent = (block: Block) => block.isSpent(performance.now())
    for (;;) {
      const short = blocks.filter((block) => block.left === 0)
      if (short.length === 0 || short.some(isSpent)) break
      await this.#refill(workspaceId, short)
    }
    const refusing = blocks.filter(isSpent)
    const isAllowed = refusing.length === 0
    if (isAllowed) for (const block of blocks) block.use(performance.now())
    for (const block of refusing) block.refused += 1
    this.#count(principal, now, isAllowed)
    return blocks.map((block) => block.state(now, !refusing.includes(block)))
  }

  /** Tells the database what was used, and gives back blocks that were not; `all` of them when the process stops. */
  async flush(all = false): Promise<void> {
    const now = this.#clock.now()
    const usage = [...this.#usage.values()]
    this.#usage.clear()
    const settlements: Settlement[] = []
    for (const [key, block] of this.#blocks) {
      const isOver = block.span.endsAtMs <= now.getTime()
      const settlement = block.settle(performance.now(), all || isOver)
      if (settlement) settlements.push(settlement)
      if (isOver && block.isIdle) this.#blocks.delete(key)
    }
    if (usage.length + settlements.length === 0) return
    try {
      await this.#store().system(async (tx) => {
        await addUsage(tx, usage)
        await settle(tx, settlements, now)
      })
    } catch (error) {
      // What was to be given back stays taken: too few requests are better than too many.
      for (const one of usage) this.#add(one)
      for (const { used, refused, ...place } of settlements)
        this.#blocks.get(keyOf(place.workspaceId, place))?.owe(used, refused)
      this.#log?.warn({ error }, 'the use of quotas could not be noted; it is tried again')
    }
  }

  async #quotasOf(workspaceId: string): Promise<ReadonlyMap<string, Allowance>> {
    const known = this.#known.get(workspaceId)
    if (known && performance.now() - known.readAtMs < BELIEVED_MS) return known.quotas
    let reading = this.#reading.get(workspaceId)
    if (!reading) {
      reading = this.#read(workspaceId).finally(() => this.#reading.delete(workspaceId))
      this.#reading.set(workspaceId, reading)
    }
    return (await reading).quotas
  }

  async #read(workspaceId: string): Promise<Known> {
    const readAtMs = performance.now()
    const rows = await this.#store().read(workspaceId, (tx) => listQuotas(tx, MOST_QUOTAS, ''))
    const known = { quotas: new Map(rows.map((row) => [row.subject, row])), readAtMs }
    this.#known.set(workspaceId, known)
    return known
  }

  #blockOf(workspaceId: string, meter: Meter, now: Date): Block {
    const span = spanOf(meter.period, now)
    const key = keyOf(workspaceId, { ...meter, startsOn: span.startsOn })
    let block = this.#blocks.get(key)
    if (!block) this.#blocks.set(key, (block = new Block(workspaceId, meter, span)))
    block.setLimit(meter.limit)
    return block
  }

  /** One statement for all that are short; who comes meanwhile waits for the same answer. */
  async #refill(workspaceId: string, short: readonly Block[]): Promise<void> {
    const underWay = short.find((block) => block.filling !== null)
    for (const block of short) block.waiting += 1
    try {
      if (underWay) {
        await underWay.filling
        return
      }
      const filling = this.#fill(workspaceId, short)
      for (const block of short) block.filling = filling
      await filling
    } finally {
      for (const block of short) block.waiting -= 1
    }
  }

  async #fill(workspaceId: string, short: readonly Block[]): Promise<void> {
    await Promise.resolve() // those that came in the same turn are counted as waiting
    try {
      const wishes = short.map((block) => block.wish())
      const isNew = short.some((block) => !block.isKnown)
      const grants = await this.#store().transaction(workspaceId, (tx) =>
        takeBlocks(tx, wishes, isNew),
      )
      for (const block of short) {
        const { subject, period } = block.meter
        const grant = grants.find((one) => one.subject === subject && one.period === period)
        block.fill(grant ?? null, performance.now())
      }
    } finally {
      for (const block of short) block.filling = null
    }
  }

  #count(principal: Principal, now: Date, isAllowed: boolean): void {
    const { workspaceId } = principal
    const day = now.toISOString().slice(0, 10)
    const more = { requests: isAllowed ? 1 : 0, refused: isAllowed ? 0 : 1 }
    for (const subject of subjectsOf(principal)) this.#add({ workspaceId, day, subject, ...more })
  }

  #add({ requests, refused, ...place }: UsageCount): void {
    const key = `${place.workspaceId} ${place.day} ${place.subject}`
    const known = this.#usage.get(key)
    if (!known) this.#usage.set(key, { ...place, requests, refused })
    else {
      known.requests += requests
      known.refused += refused
    }
  }
}

function keyOf(
  workspaceId: string,
  place: { subject: string; period: string; startsOn: string },
): string {
  return `${workspaceId} ${place.subject} ${place.period} ${place.startsOn}`
}
