import type { Log } from '#core/log.ts'
import { SECOND_MS } from '#core/time.ts'

const EVERY_MS = SECOND_MS

/** What a process keeps in memory and has to tell the database. `isLast`: it stops, so all of it. */
export type Flush = (isLast: boolean) => Promise<void>

/** Lets each process tell every second what it counted, and once more when it stops. */
export class Pulse {
  readonly #duties: readonly Flush[]
  readonly #log: Log
  readonly #timer: NodeJS.Timeout
  #running: Promise<void> = Promise.resolve()
  #isBusy = false

  constructor(duties: readonly Flush[], log: Log) {
    this.#duties = duties
    this.#log = log
    this.#timer = setInterval(() => {
      if (!this.#isBusy) void this.flush()
    }, EVERY_MS)
    this.#timer.unref()
  }

  /** Never rejects. What comes while another is under way waits for it. */
  flush(isLast = false): Promise<void> {
    this.#isBusy = true
    this.#running = this.#running.then(async () => {
      for (const duty of this.#duties)
        await duty(isLast).catch((error: unknown) =>
          this.#log.warn({ error }, 'what was counted could not be noted'),
        )
      this.#isBusy = false
    })
    return this.#running
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.flush(true)
  }
}
