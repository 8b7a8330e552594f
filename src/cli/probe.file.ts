import { appendFile, open, readFile, rename, writeFile } from 'node:fs/promises'
import { z } from 'zod'
import { NewProbes } from '#levels/probe.schema.ts'

const Line = NewProbes.shape.probes.element
/** One probe, as a line of the prober's own file. */
export type ProbeLine = z.output<typeof Line>

const MOST_BYTES = 64 * 1024

/** What a prober found, a line each, and how much of it the hub has taken. It outlives the prober as well as the hub. */
export class ProbeFile {
  readonly #path: string
  #sent: number | null = null

  constructor(path: string) {
    this.#path = path
  }

  async add(line: ProbeLine): Promise<void> {
    await appendFile(this.#path, `${JSON.stringify(z.encode(Line, line))}\n`)
  }

  /** The next lines that were not taken yet, some hundreds at most, and where they end. */
  async next(): Promise<{ lines: ProbeLine[]; end: number }> {
    const from = await this.#readSent()
    const handle = await open(this.#path, 'r')
    try {
      const { size } = await handle.stat()
      const start = from > size ? 0 : from // another file took its place
      const { buffer, bytesRead } = await handle.read(
        Buffer.alloc(Math.min(MOST_BYTES, size - start)),
        { position: start },
      )
      // The last line may be half written, or cut off here.
      const whole = buffer.subarray(0, buffer.subarray(0, bytesRead).lastIndexOf(0x0a) + 1)
      return { lines: parse(whole.toString()), end: start + whole.length }
    } finally {
      await handle.close()
    }
  }

  async markSent(end: number): Promise<void> {
    this.#sent = end
    await writeFile(`${this.#path}.sent.new`, String(end))
    await rename(`${this.#path}.sent.new`, `${this.#path}.sent`)
  }

  async readAll(): Promise<ProbeLine[]> {
    return parse(await readFile(this.#path, 'utf8'))
  }

  async #readSent(): Promise<number> {
    if (this.#sent === null) {
      const text = await readFile(`${this.#path}.sent`, 'utf8').catch(() => '0')
      this.#sent = /^\d{1,15}$/.test(text) ? Number(text) : 0
    }
    return this.#sent
  }
}

/** A line that a crash cut off is left out. */
function parse(text: string): ProbeLine[] {
  return text.split('\n').flatMap((line) => {
    try {
      const parsed = Line.safeParse(JSON.parse(line))
      return parsed.success ? [parsed.data] : []
    } catch {
      return []
    }
  })
}
