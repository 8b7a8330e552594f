import { SingleBar, Presets } from 'cli-progress'
import type { ImportRecord } from '#imports/import.store.ts'
import type { Progress } from '#imports/run.store.ts'

export interface Meter {
  update(progress: Progress): void
  /** Says once that another process is at it. */
  wait(): void
  stop(): void
}

const LINE_EVERY_MS = 5000

/** How far an import is: a bar on a terminal, a line every few seconds elsewhere. */
export function startMeter({ sizeBytes }: Pick<ImportRecord, 'sizeBytes'>): Meter {
  return process.stderr.isTTY ? startBar(sizeBytes) : startLines(sizeBytes)
}

function startBar(sizeBytes: number): Meter {
  const bar = new SingleBar(
    {
      format: '{bar} {percentage} % | {rows} rows | {rejected} rejected | {eta_formatted} left',
      stream: process.stderr,
      hideCursor: true,
    },
    Presets.shades_classic,
  )
  bar.start(Math.max(1, sizeBytes), 0, { rows: 0, rejected: 0 })
  return {
    update: ({ bytesRead, position, rejected }) =>
      bar.update(Math.min(sizeBytes, bytesRead), { rows: position, rejected }),
    wait: () => undefined,
    stop: () => bar.stop(),
  }
}

function startLines(sizeBytes: number): Meter {
  let saidAtMs = performance.now()
  let hasWaited = false
  const say = (text: string) => process.stderr.write(`${text}\n`)
  return {
    update({ bytesRead, position, rejected }) {
      if (performance.now() - saidAtMs < LINE_EVERY_MS) return
      saidAtMs = performance.now()
      const percent = Math.floor((100 * bytesRead) / Math.max(1, sizeBytes))
      say(`${percent} % of the file, ${position} rows, ${rejected} rejected`)
    },
    wait() {
      if (!hasWaited) say('another process is at this import; waiting for it')
      hasWaited = true
    },
    stop: () => undefined,
  }
}
