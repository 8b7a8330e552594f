import { cpus, totalmem } from 'node:os'

export interface Figure {
  name: string
  value: number
  unit: string
  /** The figure asked for, as text; null when none is. */
  bar: string | null
  /** Whether it was met; null without a bar. */
  ok: boolean | null
}

/** The machine in one line: what the figures hold for. */
export function machine(): string {
  const cores = cpus()
  return `${cores.length} x ${cores[0]?.model.trim() ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`
}

/** A figure with a bar that it should not fall below or exceed. */
export function figure(
  name: string,
  value: number,
  unit: string,
  bar?: { atLeast: number } | { atMost: number },
): Figure {
  const rounded = Number.isInteger(value) ? value : Number(value.toPrecision(4))
  if (bar === undefined) return { name, value: rounded, unit, bar: null, ok: null }
  return 'atLeast' in bar
    ? { name, value: rounded, unit, bar: `≥ ${bar.atLeast}`, ok: value >= bar.atLeast }
    : { name, value: rounded, unit, bar: `≤ ${bar.atMost}`, ok: value <= bar.atMost }
}

/** The closing line of every benchmark and evaluation. */
export function report(name: string, figures: Figure[]): void {
  for (const { name: title, value, unit, bar, ok } of figures) {
    process.stdout.write(
      `${title.padEnd(60)} ${String(value).padStart(12)} ${unit}${bar === null ? '' : `   (asked: ${bar}${ok ? ', met' : ', NOT met'})`}\n`,
    )
  }
  process.stdout.write(`${JSON.stringify({ name, machine: machine(), figures })}\n`)
}
