import type { Transaction } from '#store/store.ts'

/** A figure that the hub is held to, and what it means. */
export interface Kpi {
  /** Unique, snake_case. */
  id: string
  name: string
  definition: string
  /** What it is measured over, such as `30d` or `now`. */
  window: string
  unit: 'share' | 'milliseconds' | 'minutes'
  /** What is wanted of it, `now` and `later`; none where the requirements ask for an improvement on a baseline. */
  targets: readonly {
    level: 'now' | 'later'
    comparison: 'at_most' | 'at_least'
    value: number
  }[]
}

/** A figure as it stands, or why there is none. */
export type Measured = { value: number; note?: string } | { value: null; reason: string }

/** The figures of one module: it alone knows how to measure them. */
export interface KpiSource {
  kpis: readonly Kpi[]
  /** All of them at once, by id; those that are left out have no value. */
  measure(tx: Transaction, now: Date): Promise<Readonly<Record<string, Measured>>>
}
