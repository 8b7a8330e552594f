import type { Stream } from './connector.ts'
import type { Run } from './engine.ts'
import type { Candidate } from './entity.ts'
import { mapCandidate, type StreamRules } from './field-rules.ts'
import type { Values } from './merge.ts'
import { theirsOf } from './merge-record.ts'
import { resolve, type LinkIds } from './passage.ts'
import { findReferenced } from './reference.store.ts'
import { withPatience } from './retry.ts'
import type { SeenThere } from './undo-record.rules.ts'

/**
 * Reads records of the vendor as they are now, without taking anything of them in: what an undo is about to put back must not
 * come in as somebody's edit there. One call for as many as the vendor gives at once.
 * @returns by the vendor's id, each of those that were asked for.
 */
export async function readThere(
  run: Run,
  stream: Stream,
  rules: StreamRules,
  externalIds: readonly string[],
): Promise<Map<string, SeenThere>> {
  const { fetch } = stream
  const seen = new Map<string, SeenThere>()
  if (!fetch) return seen
  const size = stream.fetchSize ?? stream.batchSize
  for (let from = 0; from < externalIds.length; from += size) {
    const part = externalIds.slice(from, from + size)
    const candidates = (
      await withPatience(() => {
        run.lease.assertHeld()
        return fetch(part, run.signal)
      }, run.patience)
    ).map((one) => mapCandidate(one, rules.mappings))
    const links = await run.engine.store.read(run.workspaceId, (tx) =>
      findReferenced(tx, run.connectionId, candidates),
    )
    for (const id of part) seen.set(id, { isGone: true, modifiedAt: null, values: {} })
    for (const candidate of candidates) {
      const { externalId, deleted: isGone, modifiedAt } = candidate
      seen.set(externalId, { isGone, modifiedAt, values: valuesOf(rules, candidate, links) })
    }
  }
  return seen
}

/** The fields of a candidate as the base keeps them: references as `<their id>=<our id>`. */
function valuesOf(rules: StreamRules, candidate: Candidate, links: LinkIds): Values {
  const references = resolve(candidate, links)
  const values: Values = {}
  for (const field of rules.fields.values()) {
    const theirs = theirsOf({ candidate, references }, field)
    if (theirs && theirs.value !== undefined) values[field.name] = theirs.key
  }
  return values
}
