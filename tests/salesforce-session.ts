import { ManualClock } from '#core/time.ts'
import { startSalesforce, type SalesforceSandbox } from '#sandbox/salesforce/index.ts'
import {
  VendorFault,
  type OpenConnection,
  type PushChange,
  type Session,
  type Stream,
  type VendorCall,
} from '#sync/connector.ts'
import type { Candidate, EntityRecord } from '#sync/entity.ts'
import { salesforce } from '#connectors/salesforce/index.ts'

export const signal = new AbortController().signal

/** An org with a clock that stands still, and sessions to it. For tests. */
export class TestOrg {
  readonly sandbox: SalesforceSandbox
  readonly clock: ManualClock
  readonly calls: VendorCall[] = []
  readonly saved: Record<string, unknown>[] = []
  readonly #sessions: Session[] = []

  private constructor(sandbox: SalesforceSandbox, clock: ManualClock) {
    this.sandbox = sandbox
    this.clock = clock
  }

  static async start(): Promise<TestOrg> {
    const clock = new ManualClock(new Date('2026-11-23T08:00:00Z'))
    const sandbox = await startSalesforce({ now: () => clock.now().getTime() })
    return new TestOrg(sandbox, clock)
  }

  open(settings: Record<string, unknown> = {}, options: Partial<OpenConnection> = {}): Session {
    const session = salesforce.open({
      id: 'con_1',
      settings: { baseUrl: this.sandbox.url, accessToken: this.sandbox.token, ...settings },
      clock: this.clock,
      onCall: (call) => this.calls.push(call),
      saveSettings: async (changes) => void this.saved.push(changes),
      // Waiting takes no time but that of the org.
      wait: async (durationMs) => this.clock.advance(durationMs),
      ...options,
    })
    this.#sessions.push(session)
    return session
  }

  /** Settings of an app without a session of its own. */
  app(more: Record<string, unknown> = {}): Record<string, unknown> {
    const { clientId, clientSecret } = this.sandbox.oauthApp
    return { accessToken: undefined, clientId, clientSecret, ...more }
  }

  /** Calls to paths that hold the text. */
  count(path: string): number {
    return this.calls.filter((call) => call.path.includes(path)).length
  }

  async stop(): Promise<void> {
    for (const session of this.#sessions.splice(0)) await session.close()
    await this.sandbox.stop()
  }
}

export function streamOf(session: Session, name: string): Stream & Required<Pick<Stream, 'pull'>> {
  const stream = session.streams.find((each) => each.name === name)
  if (!stream?.pull) throw new Error(`no stream ${name}`)
  return { ...stream, pull: stream.pull }
}

/** Pulls until the stream is done; the candidates, and the cursor for the next time. */
export async function pullAll(
  stream: ReturnType<typeof streamOf>,
  from: unknown = null,
): Promise<{ candidates: Candidate[]; cursor: unknown; pages: number }> {
  const candidates: Candidate[] = []
  let cursor = from
  for (let pages = 1; pages < 1000; pages += 1) {
    const page = await stream.pull(cursor, signal)
    candidates.push(...page.candidates)
    cursor = page.cursor === null ? null : (JSON.parse(JSON.stringify(page.cursor)) as unknown)
    if (page.done) return { candidates, cursor, pages }
  }
  throw new Error('the stream does not end')
}

/** A change of a record that the org does not have yet, or of one with an id. */
export function changeOf(
  stream: Stream,
  record: EntityRecord,
  externalId: string | null = null,
  references: Record<string, string> = {},
): PushChange {
  const properties = stream.toVendor!(record, references)
  return { key: record.localId, record, externalId, properties }
}

export async function faultOf(work: Promise<unknown>): Promise<VendorFault> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  if (error instanceof VendorFault) return error
  throw new Error('no fault', { cause: error })
}
