import { MINUTE_MS, type Clock } from '#core/time.ts'
import type { ObservedCall } from '#gateway/gateway.ts'
import { bucketOf } from '#levels/histogram.rules.ts'
import { classOf } from '#levels/level.rules.ts'
import { addCalls, type NotedCalls } from '#levels/level.store.ts'
import type { Store } from '#store/store.ts'

/** Minutes of calls that wait for a database which is away; more would fill the memory. */
const MOST_ROWS = 50_000

/** Counts the calls that this process answered, and tells the database of each minute once it is over. */
export class CallRecorder {
  readonly #store: () => Store
  readonly #clock: Clock
  readonly #rows = new Map<string, NotedCalls>()

  constructor(store: () => Store, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  record({ workspaceId, operation, status, durationMs }: ObservedCall): void {
    const atMs = Math.floor(this.#clock.now().getTime() / MINUTE_MS) * MINUTE_MS
    const ended = classOf(status)
    const bucket = bucketOf(durationMs)
    const key = `${workspaceId} ${atMs} ${operation} ${ended} ${bucket}`
    const known = this.#rows.get(key)
    if (known) known.calls += 1
    else if (this.#rows.size < MOST_ROWS)
      this.#rows.set(key, { workspaceId, atMs, operation, class: ended, bucket, calls: 1 })
  }

  /** @param isLast  the process stops: the running minute too. */
  async flush(isLast: boolean): Promise<void> {
    const minuteMs = Math.floor(this.#clock.now().getTime() / MINUTE_MS) * MINUTE_MS
    const over = [...this.#rows].filter(([, row]) => isLast || row.atMs !== minuteMs)
    if (over.length === 0) return
    // What is counted while the statement runs must not be forgotten by it.
    for (const [key] of over) this.#rows.delete(key)
    try {
      await this.#store().system((tx) =>
        addCalls(
          tx,
          over.map(([, row]) => row),
        ),
      )
    } catch (error) {
      for (const [key, row] of over) {
        const known = this.#rows.get(key)
        if (known) known.calls += row.calls
        else this.#rows.set(key, row)
      }
      throw error
    }
  }
}
