/** Talks to a hub as any integrator does: HTTP and an API key. */
export class HubClient {
  readonly #url: string
  readonly #key: string

  constructor(url: string, key: string) {
    this.#url = url
    this.#key = key
  }

  get<T>(path: string): Promise<T> {
    return this.#send<T>('GET', path)
  }

  post<T>(path: string, body: unknown): Promise<T> {
    return this.#send<T>('POST', path, body)
  }

  put<T>(path: string, body: unknown): Promise<T> {
    return this.#send<T>('PUT', path, body)
  }

  patch<T>(path: string, body: unknown): Promise<T> {
    return this.#send<T>('PATCH', path, body)
  }

  /** Sends items in batches; every one must be taken. @throws Error that names the first refusal. */
  async postAll(
    path: string,
    key: string,
    items: readonly unknown[],
    batchSize: number,
    onBatch: (done: number) => void,
  ): Promise<void> {
    for (let from = 0; from < items.length; from += batchSize) {
      const batch = items.slice(from, from + batchSize)
      const answer = await this.post<{
        outcomes: { problem?: { detail: string } }[]
        summary: { refused: number }
      }>(path, { [key]: batch })
      const refused = answer.outcomes.find((outcome) => outcome.problem !== undefined)
      if (refused)
        throw new Error(
          `${path} refused ${answer.summary.refused} of ${batch.length}: ${refused.problem?.detail ?? ''}`,
        )
      onBatch(from + batch.length)
    }
  }

  async #send<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await fetch(this.#url + path, {
      method,
      headers: {
        authorization: `Bearer ${this.#key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    if (!answer.ok)
      throw new Error(`${method} ${path} answered ${answer.status}: ${text.slice(0, 500)}`)
    return JSON.parse(text) as T
  }
}
