import { sql } from 'kysely'
import type { EventDraft } from '#jobs/job.ts'
import type { Transaction } from '#store/store.ts'
import type { Stream } from './connector.ts'
import type { Run } from './engine.ts'
import type { Candidate, Entity, EntityWrite, EntityWritten } from './entity.ts'
import { findReferenced, writeRevisits } from './reference.store.ts'
import { matchCandidates, type KnownLink, type Match } from './match.ts'
import { merge, type Values } from './merge.ts'
import { writeOutcomes, type Outcome } from './outcome.store.ts'

/** What both sides agreed on when a record was last taken in: its values, and the vendor ids that it names with ours. */
interface Base {
  values: Values
  references: EntityWrite['references']
}

/** One candidate on its way through the page. */
interface Passage {
  candidate: Candidate
  outcome: Outcome | null
  write: EntityWrite | null
  base: Base | null
}

type LinkIds = ReadonlyMap<string, string>

/**
 * Writes one page: match, merge, the module's rows, links, outcomes, items and revisits, all in the caller's transaction
 * and each table with one statement.
 * @param gone  vendor ids that were asked for and are not there any more.
 */
export async function writePage(
  tx: Transaction,
  run: Run,
  stream: Stream,
  entity: Entity,
  candidates: readonly Candidate[],
  gone: readonly string[],
  now: Date,
): Promise<Outcome[]> {
  const latest = [...new Map(candidates.map((one) => [one.externalId, one])).values()]
  const matches = await matchCandidates(tx, run.connectionId, entity, latest)
  const links = await findReferenced(tx, run.connectionId, latest)
  const passages = latest.map((candidate, i) =>
    passageOf(tx, run.connectionId, entity.name, candidate, matches[i]!, links),
  )
  const events = await writeRecords(tx, run, entity, passages, now)
  await run.engine.publish(tx, events, now)
  await writeLinks(tx, run.connectionId, entity.name, passages, now)
  await writeRevisits(tx, run.connectionId, stream, passages, gone, now)
  const outcomes = passages.map((passage) => passage.outcome!)
  const place = {
    runId: run.id,
    connectionId: run.connectionId,
    stream: stream.name,
    entity: entity.name,
    direction: 'pull' as const,
  }
  await writeOutcomes(tx, place, outcomes, now)
  return outcomes
}

/** Decides about one candidate: an outcome at once, or a write whose outcome the module will tell. */
function passageOf(
  tx: Transaction,
  connectionId: string,
  entity: string,
  candidate: Candidate,
  match: Match,
  links: LinkIds,
): Passage {
  const { externalId } = candidate
  const settle = (
    localId: string | null,
    outcome: Outcome['outcome'],
    code: string | null,
    detail: string | null,
  ): Passage => ({
    candidate,
    outcome: { localId, externalId, outcome, code, detail },
    write: null,
    base: null,
  })
  if (match.kind === 'ambiguous') return settle(null, 'conflict', match.code, match.detail)
  const localId = match.kind === 'known' ? match.localId : null
  const link = match.kind === 'known' ? match.link : null
  if (candidate.deleted) {
    if (localId === null) return settle(null, 'skipped', 'record.never_known', null)
    if (link?.deletedAt) return settle(localId, 'unchanged', null, null)
    return passage(candidate, localId, { values: {}, references: {} })
  }
  const references = resolve(candidate, links)
  const base = openBase(tx, connectionId, entity, externalId, link)
  const merged = merge(base?.values ?? null, null, candidate.values, () => 'theirs')
  if (merged.kind === 'conflict') {
    const detail = `Changed on both sides: ${merged.fields.join(', ')}.`
    return settle(localId, 'conflict', 'merge.both_changed', detail)
  }
  const isSame = merged.kind === 'keep' && isSameReferences(base?.references, references)
  if (isSame && !link?.deletedAt) return settle(localId, 'unchanged', ...unresolvedText(references))
  const values = merged.kind === 'take' ? merged.values : (base?.values ?? {})
  return passage(candidate, localId, { values, references })
}

function passage(candidate: Candidate, localId: string | null, base: Base): Passage {
  const { externalId, deleted, modifiedAt } = candidate
  return {
    candidate,
    outcome: null,
    write: { localId, externalId, deleted, modifiedAt, ...base },
    base,
  }
}

function resolve(candidate: Candidate, links: LinkIds): EntityWrite['references'] {
  const references: EntityWrite['references'] = {}
  for (const [field, { entity, externalIds }] of Object.entries(candidate.references)) {
    references[field] = externalIds.map((externalId) => ({
      externalId,
      localId: links.get(`${entity}:${externalId}`) ?? null,
    }))
  }
  return references
}

function isSameReferences(
  base: EntityWrite['references'] | undefined,
  references: EntityWrite['references'],
): boolean {
  if (!base) return false
  const text = (all: EntityWrite['references']) =>
    Object.keys(all)
      .sort()
      .map((field) => [field, ...all[field]!.map((one) => `${one.externalId}=${one.localId}`)])
  return JSON.stringify(text(base)) === JSON.stringify(text(references))
}

/** A record may be written while a record that it names is not known here: the outcome says so. */
function unresolvedText(references: EntityWrite['references']): [string | null, string | null] {
  const missing = Object.entries(references).flatMap(([field, named]) => {
    const ids = named.filter((one) => one.localId === null).map((one) => one.externalId)
    return ids.length > 0 ? [`${field}: ${ids.slice(0, 5).join(', ')}`] : []
  })
  return missing.length > 0
    ? ['reference.unknown', `Not known here yet: ${missing.join('; ')}.`]
    : [null, null]
}

function baseContext(connectionId: string, entity: string, externalId: string): string {
  return `sync_links.base:${connectionId}:${entity}:${externalId}`
}

function openBase(
  tx: Transaction,
  connectionId: string,
  entity: string,
  externalId: string,
  link: KnownLink | null,
): Base | null {
  if (!link?.base) return null
  return tx.sealer.open<Base>(link.base, baseContext(connectionId, entity, externalId))
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
  const rows = passages.flatMap(({ candidate, outcome, write, base }) => {
    if (!write || !outcome?.localId) return []
    const { externalId } = candidate
    const sealed = tx.sealer.seal(base, baseContext(connectionId, entity, externalId))
    return [
      {
        localId: outcome.localId,
        externalId,
        modifiedAt: candidate.modifiedAt,
        base: candidate.deleted ? null : `\\x${sealed.toString('hex')}`,
        deletedAt: candidate.deleted ? now : null,
      },
    ]
  })
  if (rows.length === 0) return
  await tx.execute(sql`
    insert into sync_links (connection_id, entity, local_id, external_id, external_modified_at, base, deleted_at, linked_at)
    select ${connectionId}, ${entity}, "localId", "externalId", "modifiedAt", base, "deletedAt", ${now}
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as r("localId" text, "externalId" text, "modifiedAt" timestamptz, base bytea, "deletedAt" timestamptz)
    on conflict (local_id, connection_id, entity) do update
    set external_id = excluded.external_id, external_modified_at = excluded.external_modified_at,
      base = excluded.base, deleted_at = excluded.deleted_at`)
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
