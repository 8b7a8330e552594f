import type { ProbeFile, ProbeLine } from '#cli/probe.file.ts'
import { SECOND_MS, type Clock } from '#core/time.ts'

const TIMEOUT_MS = 10 * SECOND_MS

export interface ProberOptions {
  /** The hub's address as its users have it. */
  url: string
  /** A key with workspace:read and probes:write. */
  key: string
  name: string
  everyMs: number
  file: ProbeFile
  clock: Clock
}

/** Looks at a hub from outside: whether it says that it is ready, and whether it answers a read as it should. */
export class Prober {
  readonly #options: ProberOptions

  constructor(options: ProberOptions) {
    this.#options = options
  }

  /** One look, written to the file before anything is told. */
  async probe(): Promise<ProbeLine> {
    const { clock, everyMs, file } = this.#options
    const at = clock.now()
    const startedAtMs = performance.now()
    const fault = await this.#look()
    const durationMs = Math.round(performance.now() - startedAtMs)
    const line: ProbeLine = { at, everyMs, ok: fault === null, durationMs, fault }
    await file.add(line)
    return line
  }

  /** Tells the hub what it has not been told yet. @returns how many probes it took; fewer than there are when it does not answer. */
  async deliver(): Promise<number> {
    const { file, name } = this.#options
    for (let told = 0; ;) {
      const { lines, end } = await file.next()
      if (lines.length === 0) return told
      const body = JSON.stringify({ prober: name, probes: lines })
      const answer = await this.#fetch('/api/v1/probes', { method: 'POST', body }).catch(() => null)
      await answer?.arrayBuffer().catch(() => null)
      if (answer?.status !== 201) return told
      await file.markSent(end)
      told += lines.length
    }
  }

  /** What is wrong; null: nothing. */
  async #look(): Promise<ProbeLine['fault']> {
    try {
      const ready = await this.#fetch('/readyz')
      if (ready.status !== 200 || (await textAt(ready, 'status')) !== 'ready') return 'not_ready'
      const read = await this.#fetch('/api/v1/workspace')
      if (read.status !== 200) return 'read_refused'
      return (await textAt(read, 'id'))?.startsWith('wsp_') ? null : 'read_wrong'
    } catch (error) {
      return error instanceof Error && error.name === 'TimeoutError' ? 'timeout' : 'unreachable'
    }
  }

  #fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const { url, key, everyMs } = this.#options
    return fetch(url + path, {
      ...init,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      redirect: 'error',
      signal: AbortSignal.timeout(Math.min(TIMEOUT_MS, Math.max(SECOND_MS, everyMs))),
    })
  }
}

async function textAt(answer: Response, field: string): Promise<string | null> {
  const body: unknown = await answer.json().catch(() => null)
  const value: unknown =
    typeof body === 'object' && body !== null ? Reflect.get(body, field) : undefined
  return typeof value === 'string' ? value : null
}
