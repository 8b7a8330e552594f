import { installationSealer } from '#access/installation.ts'
import { detectThreats } from '#access/threats/detect-threats.ts'
import { Guard } from '#access/threats/guard.ts'
import { deleteOldSignals } from '#access/threats/signal.store.ts'
import type { Batch, Signals } from '#access/threats/signals.ts'
import { subjectOf } from '#access/threats/subject.ts'
import { openAddress, readMeasuresInForce } from '#access/threats/threat.store.ts'
import type { Log } from '#core/log.ts'
import type { Metrics } from '#core/metrics.ts'
import { HOUR_MS, type Clock } from '#core/time.ts'
import type { Answered, Watch } from '#gateway/gateway.ts'
import type { Principal } from '#gateway/operation.ts'
import type { Timer } from '#jobs/job.ts'
import type { Store } from '#store/store.ts'

export interface WatchParts {
  store: Store
  clock: Clock
  log: Log
  metrics: Metrics
}

/** Threat detection and prevention of one process: what it saw, what is in force, and the round in which one becomes the other. */
export class ThreatWatch implements Watch {
  readonly signals: Signals
  readonly guard: Guard
  readonly #parts: WatchParts
  #round: Promise<unknown> = Promise.resolve()

  constructor(signals: Signals, parts: WatchParts) {
    this.signals = signals
    this.guard = new Guard(parts.clock)
    this.#parts = parts
  }

  /** @param everyMs  between rounds; 0: only by `tick`. @returns what ends it, after a last round. */
  async start(everyMs: number): Promise<() => Promise<void>> {
    const { store, log } = this.#parts
    const warn = (error: unknown) => log.warn({ error }, 'threats could not be looked for')
    const stopListening = await store.listen('throughline_measures', () => {
      this.reload().catch(warn)
    })
    await this.reload()
    const timer = everyMs === 0 ? null : setInterval(() => void this.tick().catch(warn), everyMs)
    timer?.unref()
    return async () => {
      if (timer !== null) clearInterval(timer)
      await stopListening()
      if (timer !== null) await this.tick().catch(warn)
      await this.#round
    }
  }

  /** One round: what was seen is written down and judged, and what is in force is read again, whoever decided it. */
  tick(): Promise<void> {
    return this.#next(async () => {
      const { metrics, log } = this.#parts
      const batch = this.signals.drain()
      const kinds = await this.#detect(batch)
      for (const kind of kinds) metrics.threats.inc({ kind })
      if (kinds.length > 0) log.warn({ kinds }, 'signs of an attack')
      await this.#read()
    })
  }

  async #detect(batch: Batch): Promise<string[]> {
    const { store, clock } = this.#parts
    try {
      const sealer = await installationSealer(store)
      return await detectThreats({ store, sealer }, batch, clock.now())
    } catch (error) {
      this.signals.putBack(batch)
      throw error
    }
  }

  reload(): Promise<void> {
    return this.#next(() => this.#read())
  }

  admitAddress(remoteAddress: string): void {
    this.guard.admitAddress(remoteAddress)
  }

  admit(principal: Principal): void {
    this.guard.admit(principal)
  }

  answered({ principal, operationId, path, status }: Answered): void {
    const call = { operationId, path, status }
    this.signals.answered(subjectOf(principal), principal.workspaceId, call)
  }

  rowsRead(principal: Principal, rows: number): void {
    if (rows > 0) this.signals.rowsRead(subjectOf(principal), principal.workspaceId, rows)
  }

  /** Rounds do not overlap, so that an older reading never replaces a newer one. */
  #next(work: () => Promise<void>): Promise<void> {
    const next = this.#round.then(work)
    this.#round = next.catch(() => undefined)
    return next
  }

  async #read(): Promise<void> {
    const { store, clock } = this.#parts
    const rows = await store.system((tx) => readMeasuresInForce(tx, clock.now()))
    const known = []
    for (const { workspaceId, place, ...row } of rows) {
      if (row.kind !== 'block' || place === null) known.push(row)
      else {
        const sealer = await store.sealerOf(workspaceId)
        known.push({ ...row, subject: openAddress(sealer, row.subject, place) })
      }
    }
    this.guard.replace(known)
  }
}

/** Signs that no rule looks at any more are let go. */
export const threatTidyTimer: Timer = {
  name: 'access.threat-signs',
  everyMs: HOUR_MS,
  run: ({ store, clock }) => store.system((tx) => deleteOldSignals(tx, clock.now())),
}
