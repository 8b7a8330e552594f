import { newId } from '#core/id.ts'
import type { Log } from '#core/log.ts'
import { SECOND_MS } from '#core/time.ts'
import { insertAccess, type AccessEntry } from '#gateway/access-log.store.ts'
import type { Store } from '#store/store.ts'

/** An entry waits for so long at most before it is written. */
const WAIT_MS = SECOND_MS
/** Written by one statement. */
const BATCH = 1000
/** Beyond so many, whoever reads waits until they are written: no read goes unlogged. */
const FULL = 10_000

export type Access = Omit<AccessEntry, 'id'>

/**
 * Who read personal data, and who was refused, on the way to the audit log. Entries are gathered and written by one statement for
 * many, beside the requests: a request waits for nothing but memory. A process that is killed loses those of its last second.
 */
export class AccessLog {
  readonly #store: Store
  readonly #log: Log
  #waiting: AccessEntry[] = []
  /** Refusals of the same kind within one writing are one entry with a count. */
  readonly #refusals = new Map<string, AccessEntry>()
  #timer: NodeJS.Timeout | null = null
  #writing: Promise<void> = Promise.resolve()

  constructor(store: Store, log: Log) {
    this.#store = store
    this.#log = log
  }

  /** A promise only where too many wait: it rejects when they cannot be written. */
  note(access: Access): void | Promise<void> {
    if (access.action === 'access.refused' && this.#isCounted(access)) return
    const entry = { id: newId('aud'), ...access }
    this.#waiting.push(entry)
    if (access.action === 'access.refused') this.#refusals.set(keyOf(access), entry)
    if (this.#waiting.length >= FULL) return this.flush()
    this.#timer ??= setTimeout(() => {
      this.flush().catch((error: unknown) =>
        this.#log.error({ error }, 'reads wait to be written to the audit log'),
      )
    }, WAIT_MS).unref()
  }

  #isCounted(access: Access): boolean {
    const known = this.#refusals.get(keyOf(access))
    if (!known) return false
    known.detail['count'] = Number(known.detail['count'] ?? 1) + 1
    return true
  }

  /** Writes all that waits. What cannot be written stays for the next time. */
  flush(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    const written = this.#writing.then(() => this.#write())
    this.#writing = written.catch(() => undefined)
    return written
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH)
      this.#refusals.clear()
      try {
        await this.#store.system((tx) => insertAccess(tx, batch))
      } catch (error) {
        this.#waiting.unshift(...batch)
        throw error
      }
    }
  }
}

const keyOf = ({ workspaceId, principalId, detail }: Access) =>
  JSON.stringify([workspaceId, principalId, detail['operation'], detail['status'], detail['code']])
