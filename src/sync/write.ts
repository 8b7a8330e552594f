import { sql } from 'kysely'
import type { EventDraft } from '#jobs/job.ts'
import type { Transaction } from '#store/store.ts'
import type { Stream } from './connector.ts'
import type { Run } from './engine.ts'
import type { Candidate, Entity, EntityWrite, EntityWritten } from './entity.ts'
import { mapCandidate } from './field-rules.ts'
import { sealBase } from './base.ts'
import { followGone, writeConverted } from './gone.store.ts'
import { matchCandidates } from './match.ts'
import { decideMerged, keepMerged, loadOurs, noteWritten } from './merged-page.ts'
import { writeOutcomes, type Outcome } from './outcome.store.ts'
import {
  baseContext,
  passageOfMatch,
  passageOfOwned,
  settled,
  unresolvedText,
  type Passage,
} from './passage.ts'
import { findReferenced, writeRevisits } from './reference.store.ts'

export interface PageWritten {
  outcomes: Outcome[]
  /** The vendor's ids of records that are to be looked at again with their history; they are among the revisits. */
  deferred: readonly string[]
}

/**
 * Writes one page: match, merge, the module's rows, links, outcomes, items and revisits, all in the caller's transaction
 * and each table with one statement.
 * @param gone  vendor ids that were asked for and are not there any more.
 * @param cause  whether the records came as changes or were read before they are written.
 */
export async function writePage(
  tx: Transaction,
  run: Run,
  stream: Stream,
  entity: Entity,
  candidates: readonly Candidate[],
  gone: readonly string[],
  now: Date,
  cause: 'pull' | 'before_push' = 'pull',
): Promise<PageWritten> {
  const rules = run.rulesOf(entity, stream)
  const latest = [...new Map(candidates.map((one) => [one.externalId, one])).values()].map((one) =>
    mapCandidate(one, rules?.mappings ?? []),
  )
  await followGone(tx, run, entity, latest, now)
  const links = await findReferenced(tx, run.connectionId, latest)
  const matches = await matchCandidates(tx, run.connectionId, entity, latest, links)
  const ours = rules ? await loadOurs(tx, run.connectionId, entity, matches) : null
  const facts = { tx, connectionId: run.connectionId, entity: entity.name, links }
  const suppressed = await entity.areSuppressed?.(tx, latest)
  const passages = latest.map((candidate, i) => {
    const match = matches[i]!
    if (suppressed?.[i] && !candidate.deleted)
      return settled(candidate, null, 'refused', 'record.suppressed')
    const early = passageOfMatch(candidate, match)
    if (early) return early
    return rules && ours
      ? decideMerged(facts, rules, ours, candidate, match, stream.keepsHistory ?? false)
      : passageOfOwned(facts, candidate, match)
  })
  await writePassages(tx, run, stream, entity, passages, now)
  if (cause === 'before_push') await noteSeen(tx, run.connectionId, entity.name, passages)
  await writeConverted(tx, run, entity, passages, now)
  await writeRevisits(tx, run.connectionId, stream, passages, gone, now)
  const outcomes = passages.map((passage) => passage.outcome!)
  const place = {
    runId: run.id,
    connectionId: run.connectionId,
    stream: stream.name,
    entity: entity.name,
    direction: 'pull' as const,
  }
  // Before a push only news are kept: the outcome of the record is that of the push.
  const isNews = (outcome: Outcome) => cause === 'pull' || outcome.outcome !== 'unchanged'
  const deferred = new Set(passages.filter((one) => one.isDeferred).map((one) => one.outcome))
  const told = outcomes.filter((outcome) => isNews(outcome) && !deferred.has(outcome))
  await writeOutcomes(tx, place, told, now)
  const ids = passages.flatMap((one) => (one.isDeferred ? [one.candidate.externalId] : []))
  return { outcomes: told, deferred: ids }
}

/** The module's rows, links, history and conflicts of records that are decided about. Each table with one statement. */
export async function writePassages(
  tx: Transaction,
  run: Run,
  stream: Stream,
  entity: Entity,
  passages: readonly Passage[],
  now: Date,
): Promise<void> {
  const rules = run.rulesOf(entity, stream)
  const events = await writeRecords(tx, run, entity, passages, now)
  await run.engine.publish(tx, events, now)
  if (rules) await noteWritten(tx, entity, rules, passages)
  await writeLinks(tx, run.connectionId, entity.name, passages, now)
  if (rules) await keepMerged(tx, run, stream, rules, passages, now)
}

/** Hands the writes to the module; records that it cannot write are isolated and refused, the others go on. */
async function writeRecords(
  tx: Transaction,
  run: Run,
  entity: Entity,
  passages: readonly Passage[],
  now: Date,
): Promise<EventDraft[]> {
  const due = passages.filter((one) => one.write !== null)
  const events: EventDraft[] = []
  const parts = due.length > 0 ? [due] : []
  for (let part = parts.shift(); part; part = parts.shift()) {
    const writes = part.map((one) => one.write!)
    try {
      const answer = await tx.savepoint(() => writeWith(tx, entity, writes, now))
      events.push(...answer.events)
      part.forEach((one, i) => accept(one, answer.written[i]!))
    } catch (error) {
      const middle = part.length >> 1
      if (middle > 0) parts.push(part.slice(0, middle), part.slice(middle))
      else refuse(run, part[0]!, error)
    }
  }
  return events
}

async function writeWith(
  tx: Transaction,
  entity: Entity,
  writes: readonly EntityWrite[],
  now: Date,
): Promise<{ written: EntityWritten[]; events: EventDraft[] }> {
  if (!entity.write) throw new Error(`The entity ${entity.name} takes nothing in.`)
  const answer = await entity.write(tx, writes, now)
  if (answer.written.length !== writes.length) {
    throw new Error(`The entity ${entity.name} answered ${answer.written.length} of its writes.`)
  }
  return answer
}

function accept(one: Passage, { localId, outcome }: EntityWritten): void {
  const [code, detail] = unresolvedText(one.write!.references)
  if (one.outcome !== null) {
    // The merge has told the outcome already (a conflict beside fields that were taken): it stays.
    one.outcome = { ...one.outcome, localId }
    return
  }
  one.outcome = { localId, externalId: one.candidate.externalId, outcome, code, detail }
}

function refuse(run: Run, one: Passage, error: unknown): void {
  const { externalId } = one.candidate
  run.engine.log.warn({ runId: run.id, externalId, error }, 'a record cannot be written')
  // The text of an error may quote values; its name and code do not.
  const name = error instanceof Error ? error.name : 'Error'
  const code = error instanceof Error && 'code' in error ? ` ${String(error.code)}` : ''
  one.outcome = {
    localId: one.write?.localId ?? null,
    externalId,
    outcome: 'refused',
    code: 'record.not_writable',
    detail: `Writing it here failed with ${name}${code}.`,
  }
  one.write = null
}

async function writeLinks(
  tx: Transaction,
  connectionId: string,
  entity: string,
  passages: readonly Passage[],
  now: Date,
): Promise<void> {
  const rows = passages.flatMap(({ candidate, outcome, write, base, merged, isUnlinked }) => {
    const localId = outcome?.localId
    if (isUnlinked || !localId || (!write && !merged?.isBaseChanged)) return []
    const { externalId } = candidate
    const sealed = merged
      ? sealBase(tx, connectionId, entity, localId, merged.base)
      : tx.sealer.seal(base, baseContext(connectionId, entity, externalId))
    return [
      {
        localId,
        externalId,
        modifiedAt: candidate.modifiedAt,
        base: candidate.deleted ? null : `\\x${sealed.toString('hex')}`,
        deletedAt: candidate.deleted ? now : null,
        goneTo: candidate.deleted ? (candidate.mergedInto ?? '') : null,
      },
    ]
  })
  if (rows.length === 0) return
  await tx.execute(sql`
    insert into sync_links (connection_id, entity, local_id, external_id, external_modified_at, base, deleted_at, gone_to, linked_at)
    select ${connectionId}, ${entity}, "localId", "externalId", "modifiedAt", base, "deletedAt", "goneTo", ${now}
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as r("localId" text, "externalId" text, "modifiedAt" timestamptz, base bytea, "deletedAt" timestamptz, "goneTo" text)
    on conflict (local_id, connection_id, entity) do update
    set external_id = excluded.external_id, external_modified_at = excluded.external_modified_at,
      base = excluded.base, deleted_at = excluded.deleted_at, gone_to = excluded.gone_to`)
}

/**
 * Keeps when the vendor had changed the records that are about to be written: should a write be lost, nobody's later edit
 * explains it.
 */
async function noteSeen(
  tx: Transaction,
  connectionId: string,
  entity: string,
  passages: readonly Passage[],
): Promise<void> {
  const seen = passages.filter(
    ({ outcome, isDeferred, candidate }) =>
      outcome?.outcome === 'unchanged' && !isDeferred && candidate.modifiedAt !== null,
  )
  if (seen.length === 0) return
  await tx.execute(sql`
    update sync_links l set external_modified_at = r.at
    from unnest(${seen.map((one) => one.candidate.externalId)}::text[],
      ${seen.map((one) => one.candidate.modifiedAt!)}::timestamptz[]) as r(id, at)
    where l.connection_id = ${connectionId} and l.entity = ${entity} and l.external_id = r.id
      and l.deleted_at is null and l.external_modified_at is distinct from r.at`)
}

export async function readCursor(
  tx: Transaction,
  connectionId: string,
  stream: string,
): Promise<unknown> {
  const row = await tx.find(sql<{ cursor: unknown }>`
    select cursor from sync_streams where connection_id = ${connectionId} and name = ${stream}`)
  return row?.cursor ?? null
}

export async function keepCursor(
  tx: Transaction,
  connectionId: string,
  stream: string,
  cursor: unknown,
): Promise<void> {
  await tx.execute(sql`
    update sync_streams set cursor = ${JSON.stringify(cursor)}::jsonb
    where connection_id = ${connectionId} and name = ${stream}`)
}
