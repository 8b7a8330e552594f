import { VendorFault, type PullPage, type Stream } from './connector.ts'
import { commit, type Run } from './engine.ts'
import type { Candidate, Entity } from './entity.ts'
import type { Outcome } from './outcome.store.ts'
import {
  findUnknown,
  linkIdentified,
  listRevisits,
  settleRevisits,
  type Revisit,
} from './reference.store.ts'
import { keepCursor, readCursor, writePage } from './write.ts'
import { withPatience } from './retry.ts'

/** Pages of one run of one stream: a bound for a vendor whose paging never ends. */
const MAX_PAGES = 100_000

export type PullStream = Stream & Required<Pick<Stream, 'pull'>>

/**
 * Reads what the vendor changed since the kept position: pull, map, match, merge, write, page by page. The rows of a page
 * and the position after it are kept in one transaction, so that a run that was cut off goes on where it stopped.
 * @throws VendorFault when the vendor cannot go on.
 */
export async function pullStream(run: Run, stream: PullStream, entity: Entity): Promise<void> {
  await revisit(run, stream, entity)
  await pullPages(run, stream, entity)
  // What both sides changed is looked at once more, with its history: whose edit came last is not guessed.
  if (run.rulesOf(entity, stream)) await revisit(run, stream, entity)
}

async function pullPages(run: Run, stream: PullStream, entity: Entity): Promise<void> {
  let cursor = await run.engine.store.read(run.workspaceId, (tx) =>
    readCursor(tx, run.connectionId, stream.name),
  )
  let wasLost = false
  for (let pages = 0; pages < MAX_PAGES; pages += 1) {
    let page: PullPage
    try {
      page = await withPatience(() => stream.pull(cursor, run.signal), run.patience)
    } catch (error) {
      const isLost = error instanceof VendorFault && error.kind === 'cursor_lost'
      if (!isLost || wasLost) throw error
      wasLost = true
      cursor = null // start again from the beginning: what is known already comes out as unchanged
      continue
    }
    await keepPage(run, stream, entity, page.candidates, page.cursor)
    if (page.done) return
    cursor = page.cursor
  }
  throw new VendorFault('transient', `The stream did not end after ${MAX_PAGES} pages.`)
}

/** Looks again at records that someone asked for, and at those that named a record which is known by now. */
export async function revisit(run: Run, stream: Stream, entity: Entity): Promise<void> {
  const { fetch } = stream
  if (!fetch) return
  const limit = stream.fetchSize ?? stream.batchSize
  let after = ''
  for (;;) {
    const due = await run.engine.store.read(run.workspaceId, (tx) =>
      listRevisits(tx, run.connectionId, stream.name, after, limit),
    )
    const last = due.at(-1)
    if (last === undefined) return
    const ids = due.map((one) => one.externalId)
    const candidates = await withPatience(() => fetch(ids, run.signal, 'history'), run.patience)
    const found = new Set(candidates.map((candidate) => candidate.externalId))
    const gone = ids.filter((id) => !found.has(id))
    await keepPage(run, stream, entity, candidates, undefined, { gone, seen: due })
    // Others come in behind while it goes on: those before them must not wait for the end of that.
    if (due.length < limit) return
    after = last.externalId
  }
}

async function keepPage(
  run: Run,
  stream: Stream,
  entity: Entity,
  candidates: readonly Candidate[],
  cursor: unknown,
  { gone, seen }: { gone: readonly string[]; seen: readonly Revisit[] } = { gone: [], seen: [] },
): Promise<void> {
  await identifyNamed(run, candidates)
  const now = run.engine.clock.now()
  const outcomes = await commit(run, async (tx) => {
    const written = await writePage(tx, run, stream, entity, candidates, gone, now)
    if (seen.length > 0) await settleRevisits(tx, run.connectionId, stream.name, seen)
    if (cursor !== undefined) await keepCursor(tx, run.connectionId, stream.name, cursor)
    return written
  })
  count(run, stream, outcomes.outcomes)
}

/** Asks the vendor about records that the page names and that have no link: it may keep our ids on them. */
async function identifyNamed(run: Run, candidates: readonly Candidate[]): Promise<void> {
  const { identify } = run.session
  if (!identify) return
  const unknown = await run.engine.store.read(run.workspaceId, (tx) =>
    findUnknown(tx, run.connectionId, candidates),
  )
  for (const [name, externalIds] of unknown) {
    const entity = run.engine.entities.get(name)
    if (!entity) continue
    const found = await withPatience(() => identify(name, externalIds, run.signal), run.patience)
    if (found.length === 0) continue
    await commit(run, (tx) => linkIdentified(tx, run, entity, found, run.engine.clock.now()))
  }
}

function count(run: Run, stream: Stream, outcomes: readonly Outcome[]): void {
  if (!run.engine.metrics) return
  const labels = { vendor: run.vendor, stream: stream.name, direction: 'pull' }
  for (const { outcome } of outcomes) run.engine.metrics.syncRecords.inc({ ...labels, outcome })
}
