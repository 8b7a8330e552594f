/** Calls of one stream: of the sync, and of reading back. */
export interface StreamCalls {
  calls: number
  checks: number
}

/** The calls of a session, stream by stream, until they are kept. Calls before the first stream are those of `''`. */
export class CallLedger {
  stream = ''
  isCheck = false
  #count = 0
  #unkept = new Map<string, StreamCalls>()

  /** Those of the sync, without reading back. */
  get count(): number {
    return this.#count
  }

  note(): void {
    const of = this.#unkept.get(this.stream) ?? { calls: 0, checks: 0 }
    if (this.isCheck) of.checks += 1
    else {
      of.calls += 1
      this.#count += 1
    }
    this.#unkept.set(this.stream, of)
  }

  /** What came since it was asked last. */
  takeUnkept(): ReadonlyMap<string, StreamCalls> {
    const unkept = this.#unkept
    this.#unkept = new Map()
    return unkept
  }
}
