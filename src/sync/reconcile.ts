import { sql } from 'kysely'
import type { Transaction } from '#store/store.ts'
import type { LinkedPage, Stream } from './connector.ts'
import { commit, type Run } from './engine.ts'
import { writeOutcomes } from './outcome.store.ts'
import { withPatience } from './retry.ts'
import { markReconciled } from './run.store.ts'

const PAGE = 5000

export interface Reconciliation {
  /** Live links here, and records at the vendor that carry an id of ours. */
  linkedHere: number
  linkedThere: number
  /** Links whose record the vendor does not list: queued to be sent again. */
  missingThere: number
  /** Records there under another id than our link's: the link was corrected. */
  movedThere: number
}

/**
 * Compares all links of a push stream with the vendor's own list of records that carry our ids, and heals: what the
 * vendor lost is queued to be sent again, and each discrepancy is an outcome of the run.
 *
 * The vendor's list is kept in memory as ids only: about 100 bytes a record.
 */
export async function reconcileStream(run: Run, stream: Stream): Promise<Reconciliation> {
  const { listLinked } = stream
  const there = new Map<string, string>()
  if (!listLinked) return { linkedHere: 0, linkedThere: 0, missingThere: 0, movedThere: 0 }
  let page: LinkedPage = { linked: [], cursor: null, done: false }
  while (!page.done) {
    const { cursor } = page
    page = await withPatience(() => {
      run.lease.assertHeld()
      return listLinked(cursor, run.signal)
    }, run.patience)
    for (const { localId, externalId } of page.linked) there.set(localId, externalId)
  }
  const result = { linkedHere: 0, linkedThere: there.size, missingThere: 0, movedThere: 0 }
  let after = ''
  for (;;) {
    const links = await run.engine.store.read(run.workspaceId, (tx) =>
      listLinks(tx, run.connectionId, stream.entity, after),
    )
    const last = links.at(-1)
    if (!last) {
      await commit(run, (tx) =>
        markReconciled(tx, run.connectionId, stream.name, run.engine.clock.now()),
      )
      return result
    }
    const missing = links.filter((link) => !there.has(link.localId))
    const moved = links.flatMap((link) => {
      const externalId = there.get(link.localId)
      return externalId && externalId !== link.externalId ? [{ ...link, externalId }] : []
    })
    await commit(run, (tx) => heal(tx, run, stream, missing, moved))
    result.linkedHere += links.length
    result.missingThere += missing.length
    result.movedThere += moved.length
    after = last.localId
  }
}

interface LinkRow {
  localId: string
  externalId: string
}

function listLinks(
  tx: Transaction,
  connectionId: string,
  entity: string,
  after: string,
): Promise<LinkRow[]> {
  return tx.query(sql<LinkRow>`
    select local_id, external_id from sync_links
    where connection_id = ${connectionId} and entity = ${entity} and deleted_at is null
      and fingerprint is not null and local_id > ${after}
    order by local_id limit ${PAGE}`)
}

async function heal(
  tx: Transaction,
  run: Run,
  stream: Stream,
  missing: readonly LinkRow[],
  moved: readonly LinkRow[],
): Promise<void> {
  const now = run.engine.clock.now()
  const ids = missing.map((link) => link.localId)
  if (ids.length > 0) {
    await tx.execute(sql`
      update sync_links set deleted_at = ${now}
      where connection_id = ${run.connectionId} and entity = ${stream.entity} and local_id = any(${ids})`)
    await tx.execute(sql`
      insert into sync_pending (connection_id, entity, local_id, first_seq, last_seq, since)
      select ${run.connectionId}, ${stream.entity}, id, 0, 0, ${now} from unnest(${ids}::text[]) as ids(id)
      on conflict (local_id, connection_id, entity) do nothing`)
  }
  if (moved.length > 0) {
    await tx.execute(sql`
      update sync_links l set external_id = r."externalId"
      from jsonb_to_recordset(${JSON.stringify(moved)}::jsonb) as r("localId" text, "externalId" text)
      where l.connection_id = ${run.connectionId} and l.entity = ${stream.entity} and l.local_id = r."localId"`)
  }
  const place = {
    runId: run.id,
    connectionId: run.connectionId,
    stream: `${stream.name}.reconciled`,
    entity: stream.entity,
    direction: 'push' as const,
  }
  const note = (code: string, detail: string) => (link: LinkRow) => ({
    ...link,
    outcome: 'skipped' as const,
    code,
    detail,
  })
  await writeOutcomes(
    tx,
    place,
    [
      ...missing.map(note('reconcile.missing', 'The vendor has lost it; it is sent again.')),
      ...moved.map(note('reconcile.moved', 'The vendor keeps it under another id now.')),
    ],
    now,
  )
}
