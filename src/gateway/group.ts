import type { Exchange } from '#gateway/exchange.ts'
import type { Operation, Principal } from '#gateway/operation.ts'
import { isDataFault } from '#gateway/perform-inputs.ts'
import { performUnit, type Unit } from '#gateway/unit.ts'
import type { Store } from '#store/store.ts'

const MAX_ITEMS = 250

interface Waiting {
  exchange: Exchange
  resolve: () => void
  reject: (thrown: unknown) => void
}

/**
 * Lets concurrent requests of a collective operation share a transaction: one commit, one fsync for all of them.
 * There is no timer: whenever a writer is free it takes all that waits, so a lone request is not delayed.
 * Nobody is answered before the commit.
 */
export class Group {
  readonly #store: Store
  readonly #operation: Operation
  readonly #principal: Principal
  readonly #writers: number
  #waiting: Waiting[] = []
  #running = 0

  constructor(store: Store, operation: Operation, principal: Principal, writers: number) {
    this.#store = store
    this.#operation = operation
    this.#principal = principal
    this.#writers = writers
  }

  perform(exchange: Exchange): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ exchange, resolve, reject })
      this.#flush()
    })
  }

  get isIdle(): boolean {
    return this.#running === 0 && this.#waiting.length === 0
  }

  #flush(): void {
    while (this.#running < this.#writers && this.#waiting.length > 0) {
      const members = this.#take()
      this.#running += 1
      void this.#run(members).finally(() => {
        this.#running -= 1
        this.#flush()
      })
    }
  }

  /** As many as fit one transaction; of twins under one idempotency key only the first, so that the second finds its answer. */
  #take(): Waiting[] {
    const taken: Waiting[] = []
    const left: Waiting[] = []
    const keys = new Set<string>()
    let items = 0
    for (const member of this.#waiting) {
      const { idempotencyKey, items: own } = member.exchange
      const fits = taken.length === 0 || items + own.length <= MAX_ITEMS
      if (!fits || (idempotencyKey !== null && keys.has(idempotencyKey))) {
        left.push(member)
        continue
      }
      if (idempotencyKey !== null) keys.add(idempotencyKey)
      items += own.length
      taken.push(member)
    }
    this.#waiting = left
    return taken
  }

  async #run(members: Waiting[]): Promise<void> {
    try {
      await this.#commit(members, false)
      for (const member of members) member.resolve()
    } catch (thrown) {
      if (members.length === 1 && !isDataFault(thrown)) {
        members[0]!.reject(thrown)
        return
      }
      // One of them spoils it for all: each alone, its items behind savepoints.
      for (const member of members) {
        await this.#commit([member], isDataFault(thrown)).then(member.resolve, member.reject)
      }
    }
  }

  async #commit(members: Waiting[], careful: boolean): Promise<void> {
    const exchanges = members.map((member) => member.exchange)
    for (const exchange of exchanges) exchange.answer = null
    const unit: Unit = {
      operation: this.#operation,
      principal: this.#principal,
      exchanges,
      careful,
    }
    await this.#store.transaction(this.#principal.workspaceId, (tx) => performUnit(tx, unit))
  }
}

/** The groups of a running gateway, one for each operation and principal in use. */
export class Groups {
  readonly #groups = new Map<string, Group>()
  readonly #store: Store
  readonly #writers: number

  constructor(store: Store, writers: number) {
    this.#store = store
    this.#writers = writers
  }

  perform(exchange: Exchange, principal: Principal): Promise<void> {
    const key = `${exchange.operation.id} ${principal.id}`
    let group = this.#groups.get(key)
    if (!group) {
      if (this.#groups.size > 1000) this.#forgetIdle()
      group = new Group(this.#store, exchange.operation, principal, this.#writers)
      this.#groups.set(key, group)
    }
    return group.perform(exchange)
  }

  #forgetIdle(): void {
    for (const [key, group] of this.#groups) if (group.isIdle) this.#groups.delete(key)
  }
}
