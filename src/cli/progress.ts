import { SingleBar } from 'cli-progress'
import type { Progress } from '#demo/load.ts'

/** A bar a step on a terminal, one line a finished step elsewhere; on standard error, so that output stays clean. */
export function showProgress(): Progress {
  if (!process.stderr.isTTY) {
    return (step, done, total) => {
      if (done >= total)
        process.stderr.write(`${step}: ${total > 1 ? total.toLocaleString('en') : 'done'}\n`)
    }
  }
  let bar: { step: string; line: SingleBar } | null = null
  return (step, done, total) => {
    if (bar?.step !== step) {
      bar?.line.stop()
      const line = new SingleBar({
        format: `${step.padEnd(22)} {bar} {value}/{total}`,
        hideCursor: true,
        stream: process.stderr,
      })
      line.start(total, done)
      bar = { step, line }
    }
    bar.line.update(done)
    if (done >= total) {
      bar.line.stop()
      bar = null
    }
  }
}
