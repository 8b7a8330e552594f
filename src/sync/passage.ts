import type { Transaction } from '#store/store.ts'
import type { Candidate, EntityWrite } from './entity.ts'
import type { KnownLink, Match } from './match.ts'
import { isSame, type Values } from './merge.ts'
import type { MergedPart } from './merge-record.ts'
import type { Outcome } from './outcome.store.ts'

/** What both sides agreed on when a record was last taken in: its values, and the vendor ids that it names with ours. */
export interface Base {
  values: Values
  references: EntityWrite['references']
}

/** One candidate on its way through the page. */
export interface Passage {
  candidate: Candidate
  outcome: Outcome | null
  write: EntityWrite | null
  base: Base | null
  /** What the merge field by field made of it, on streams that have one. */
  merged: MergedPart | null
  /** Both sides changed a field and the time decides: looked at again with the vendor's history. */
  isDeferred?: boolean
  /** It cannot be here without records that are not known yet: looked at again once they are. */
  waitsFor?: EntityWrite['references']
  /** The vendor's record is gone: it is written here alone, and its link stays as it is. */
  isUnlinked?: boolean
}

export type LinkIds = ReadonlyMap<string, string>

/** What the page's decisions rest on besides the candidates. */
export interface PageFacts {
  tx: Transaction
  connectionId: string
  entity: string
  links: LinkIds
}

export function settled(
  candidate: Candidate,
  localId: string | null,
  outcome: Outcome['outcome'],
  code: string | null = null,
  detail: string | null = null,
): Passage {
  const { externalId } = candidate
  return {
    candidate,
    outcome: { localId, externalId, outcome, code, detail },
    write: null,
    base: null,
    merged: null,
  }
}

export function passage(candidate: Candidate, localId: string | null, base: Base): Passage {
  const { externalId, deleted, modifiedAt } = candidate
  return {
    candidate,
    outcome: null,
    write: { localId, externalId, deleted, modifiedAt, ...base },
    base,
    merged: null,
  }
}

/** Decides what can be decided alike on all streams; null when the record's values are to be looked at. */
export function passageOfMatch(candidate: Candidate, match: Match): Passage | null {
  if (match.kind === 'ambiguous') {
    return settled(candidate, null, 'conflict', match.code, match.detail)
  }
  if (!candidate.deleted) return null
  if (match.kind === 'new') return settled(candidate, null, 'skipped', 'record.never_known')
  if (match.link?.deletedAt) return settled(candidate, match.localId, 'unchanged')
  return passage(candidate, match.localId, { values: {}, references: {} })
}

/** A record that the vendor alone writes: everything that differs from the last time is taken. */
export function passageOfOwned(facts: PageFacts, candidate: Candidate, match: Match): Passage {
  const localId = match.kind === 'known' ? match.localId : null
  const link = match.kind === 'known' ? match.link : null
  const references = resolve(candidate, facts.links)
  const base = openBase(facts, candidate.externalId, link)
  const isChanged =
    base === null ||
    Object.entries(candidate.values).some(([field, value]) => !isSame(base.values[field], value))
  if (!isChanged && isSameReferences(base.references, references) && !link?.deletedAt) {
    return settled(candidate, localId, 'unchanged', ...unresolvedText(references))
  }
  return passage(candidate, localId, {
    values: { ...base?.values, ...candidate.values },
    references,
  })
}

export function resolve(candidate: Candidate, links: LinkIds): EntityWrite['references'] {
  const references: EntityWrite['references'] = {}
  for (const [field, { entity, externalIds, roles }] of Object.entries(candidate.references)) {
    references[field] = externalIds.map((externalId) => ({
      externalId,
      localId: links.get(`${entity}:${externalId}`) ?? null,
      ...(roles ? { role: roles[externalId] ?? null } : {}),
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
      .map((field) => [
        field,
        ...all[field]!.map((one) => `${one.externalId}=${one.localId}=${one.role ?? ''}`),
      ])
  return JSON.stringify(text(base)) === JSON.stringify(text(references))
}

/** A record may be written while a record that it names is not known here: the outcome says so. */
export function unresolvedText(
  references: EntityWrite['references'],
): [string | null, string | null] {
  const missing = Object.entries(references).flatMap(([field, named]) => {
    const ids = named.filter((one) => one.localId === null).map((one) => one.externalId)
    return ids.length > 0 ? [`${field}: ${ids.slice(0, 5).join(', ')}`] : []
  })
  return missing.length > 0
    ? ['reference.unknown', `Not known here yet: ${missing.join('; ')}.`]
    : [null, null]
}

export function baseContext(connectionId: string, entity: string, externalId: string): string {
  return `sync_links.base:${connectionId}:${entity}:${externalId}`
}

function openBase(
  { tx, connectionId, entity }: PageFacts,
  externalId: string,
  link: KnownLink | null,
): Base | null {
  if (!link?.base) return null
  return tx.sealer.open<Base>(link.base, baseContext(connectionId, entity, externalId))
}
