import { DAY_MS } from '#core/time.ts'
import { VendorFault, type OpenConnection, type Quota } from '#sync/connector.ts'
import type { PipedriveSettings } from './auth.ts'

/** Tokens are set aside in steps of this part of the allocation. */
const STEP = 0.02
const LEAST_STEP = 200
/** A batch above this part of the allocation is begun although it may not fit. */
const LARGE = 0.25

/**
 * Counts the tokens of a day, since Pipedrive tells nobody how many are left, and stops at the hub's share of them.
 *
 * Before a step is used it is set aside in the connection's settings: a process that dies leaves its day counted too
 * high, never too low. Pipedrive does not say at which midnight it starts again. With days in UTC here, a day of theirs
 * may hold two shares: at 50 % even that stays within the budget.
 */
export class TokenMeter {
  readonly #connection: OpenConnection
  readonly #allocation: number
  #day: string
  #spent: number
  #setAside: number
  /** While a step is being set aside nobody goes on. */
  #keeping: Promise<void> = Promise.resolve()

  constructor(connection: OpenConnection, settings: PipedriveSettings) {
    this.#connection = connection
    this.#allocation = Math.floor((settings.dailyTokens * settings.sharePercent) / 100)
    this.#day = this.#today()
    this.#spent = settings.usage?.day === this.#day ? settings.usage.tokens : 0
    this.#setAside = this.#spent
  }

  /**
   * Counts a call before it is made.
   * @throws VendorFault `rate_daily` when the share of the day does not hold it.
   */
  async take(tokens: number): Promise<void> {
    this.#startDay()
    if (this.#spent + tokens > this.#allocation) throw this.#spentFault()
    this.#spent += tokens
    if (this.#spent > this.#setAside) {
      const step = Math.max(LEAST_STEP, Math.floor(this.#allocation * STEP))
      this.#setAside = Math.min(this.#allocation, this.#spent + step)
      this.#keeping = this.#keep(this.#setAside)
    }
    await this.#keeping
  }

  /**
   * Whether a batch fits into what is left of the day, so that none is cut off in its midst. One that is large beside the
   * whole share goes as far as it gets.
   * @throws VendorFault `rate_daily` when it does not fit.
   */
  assertHolds(tokens: number): void {
    this.#startDay()
    const isLarge = tokens > this.#allocation * LARGE
    if (!isLarge && this.#spent + tokens > this.#allocation) throw this.#spentFault()
  }

  /** Pipedrive itself says that the day is over, whatever was counted here: no more calls until the next one. */
  async exhaust(): Promise<VendorFault> {
    this.#startDay()
    this.#spent = this.#allocation
    this.#setAside = this.#allocation
    await this.#keep(this.#allocation)
    return this.#spentFault()
  }

  quota(): Quota {
    this.#startDay()
    const resetsAt = new Date(this.#connection.clock.now().getTime() + this.#msToMidnight())
    return { name: 'daily tokens', limit: this.#allocation, used: this.#spent, resetsAt }
  }

  /** Gives back what was set aside and not used. */
  async close(): Promise<void> {
    if (this.#setAside === this.#spent) return
    this.#setAside = this.#spent
    await this.#keep(this.#spent)
  }

  #spentFault(): VendorFault {
    const text = `The hub’s share of the day, ${this.#allocation} API tokens, is used up.`
    return new VendorFault('rate_daily', text, { retryAfterMs: this.#msToMidnight() })
  }

  #startDay(): void {
    const today = this.#today()
    if (today === this.#day) return
    this.#day = today
    this.#spent = 0
    this.#setAside = 0
  }

  #today(): string {
    return this.#connection.clock.now().toISOString().slice(0, 10)
  }

  #msToMidnight(): number {
    return DAY_MS - (this.#connection.clock.now().getTime() % DAY_MS)
  }

  #keep(tokens: number): Promise<void> {
    return this.#connection.saveSettings({ usage: { day: this.#day, tokens } })
  }
}
