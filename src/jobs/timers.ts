import { sql } from 'kysely'
import { MINUTE_MS } from '#core/time.ts'
import type { JobContext, Timer } from '#jobs/job.ts'

const HOLD_MS = 2 * MINUTE_MS

/**
 * Runs each timer once for each due time, in whichever process comes first. Due times that passed while nobody ran are made up for by
 * one run. A run that fails is due again after a minute at most, and its failure is logged.
 */
export class Timers {
  readonly #timers: readonly Timer[]
  readonly #context: JobContext

  constructor(timers: readonly Timer[], context: JobContext) {
    this.#timers = timers
    this.#context = context
  }

  async prepare(): Promise<void> {
    const now = this.#context.clock.now()
    await this.#context.store.system(async (tx) => {
      for (const timer of this.#timers) {
        await tx.execute(sql`
          insert into timers (name, next_due_at) values (${timer.name}, ${new Date(now.getTime() + timer.everyMs)}) on conflict do nothing`)
      }
    })
  }

  /** Runs what is due at the clock's present. @returns the names of those that ran. */
  async tick(): Promise<string[]> {
    const ran: string[] = []
    for (const timer of this.#timers) {
      if (this.#context.signal.aborted) break
      if (await this.#take(timer)) {
        await this.#runOne(timer)
        ran.push(timer.name)
      }
    }
    return ran
  }

  /** Holds the timer while it runs; a process that dies lets go when the hold ends, and the due time stands until a run is over. */
  async #take(timer: Timer): Promise<boolean> {
    const now = this.#context.clock.now()
    const taken = await this.#context.store.system((tx) =>
      tx.execute(sql`
        update timers set held_until = ${new Date(now.getTime() + HOLD_MS)}
        where name = ${timer.name} and next_due_at <= ${now} and (held_until is null or held_until <= ${now})`),
    )
    return taken > 0
  }

  async #runOne(timer: Timer): Promise<void> {
    const { store, clock, log } = this.#context
    const renewal = setInterval(() => void this.#renew(timer), HOLD_MS / 3)
    let failed = false
    try {
      await timer.run(this.#context)
    } catch (error) {
      failed = true
      log.error({ timer: timer.name, error }, 'a timer failed')
    } finally {
      clearInterval(renewal)
    }
    const now = clock.now()
    await store.system((tx) =>
      tx.execute(
        failed
          ? sql`update timers set held_until = ${new Date(now.getTime() + Math.min(timer.everyMs, MINUTE_MS))} where name = ${timer.name}`
          : sql`
            update timers set held_until = null, last_run_at = ${now}, next_due_at = next_due_at
              + (floor(extract(epoch from ${now}::timestamptz - next_due_at) * 1000 / ${timer.everyMs}) + 1) * ${timer.everyMs} * interval '1 millisecond'
            where name = ${timer.name}`,
      ),
    )
  }

  async #renew(timer: Timer): Promise<void> {
    const { store, clock, log } = this.#context
    const until = new Date(clock.now().getTime() + HOLD_MS)
    await store
      .system((tx) =>
        tx.execute(sql`update timers set held_until = ${until} where name = ${timer.name}`),
      )
      .catch((error: unknown) =>
        log.warn({ timer: timer.name, error }, 'a timer could not renew its hold'),
      )
  }
}
