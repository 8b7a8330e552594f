import type { PersonalChanges, PersonalStore } from '#compliance/personal-store.ts'
import {
  findLivePerson,
  keepChanges,
  openChanges,
  subjectOf,
  type RequestRow,
} from '#compliance/privacy.store.ts'
import { Problem } from '#core/problem.ts'
import type { OperationContext } from '#gateway/operation.ts'

/**
 * Puts right what every module keeps of the person, in the transaction of the decision. What stood before and after is kept sealed
 * with the request, to which the audit entry refers: the log itself holds names of fields alone and outlives an erasure.
 *
 * @throws Problem `resource.gone` when the person was erased since, `privacy.address_taken`.
 */
export async function rectify(
  { tx, now, audit, emit }: Pick<OperationContext, 'tx' | 'now' | 'audit' | 'emit'>,
  stores: readonly PersonalStore[],
  { id: requestId, personId: askedFor, changes }: RequestRow,
): Promise<void> {
  const kept = openChanges(tx, requestId, changes)
  const personId = await findLivePerson(tx, askedFor)
  if (kept === null || personId === null)
    throw new Problem('resource.gone', 'The person was erased since: refuse the request.')
  const subject = await subjectOf(tx, [personId])
  const before: Record<string, unknown> = {}
  for (const store of stores) {
    const done = await store.rectify?.(tx, subject, kept.asked, { requestId, personId, now })
    if (done === undefined) continue
    Object.assign(before, done.before)
    for (const event of done.events) emit(event)
  }
  await keepChanges(tx, requestId, { asked: kept.asked, before })
  const fields = Object.keys(kept.asked).sort()
  const values = `/api/v1/privacy/requests/${requestId}`
  audit({
    action: 'person.rectified',
    subjectId: personId,
    detail: { requestId, fields, before: `${values}#/before`, after: `${values}#/changes` },
  })
  emit({ event: 'privacy.person_rectified', subjectId: personId, data: { requestId, fields } })
}

/** What a request of this kind asks to be put right. @throws Problem `request.invalid` */
export function askedChanges(
  kind: RequestRow['kind'],
  changes: PersonalChanges | undefined,
): PersonalChanges | null {
  const given = changes && givenOnly(changes)
  const isGiven = given !== undefined && Object.keys(given).length > 0
  if (kind === 'rectification' && isGiven) return given
  if (kind !== 'rectification' && changes === undefined) return null
  const detail =
    kind === 'rectification'
      ? 'Say what is wrong: at least one field, as it should be.'
      : 'Only a rectification changes fields: leave it out.'
  throw new Problem('request.invalid', detail, { errors: [{ pointer: '/changes', detail }] })
}

/** Without the fields that were left out. */
export function givenOnly(changes: PersonalChanges): Record<string, string | null> {
  const given: Record<string, string | null> = {}
  for (const [name, value] of Object.entries(changes) as [string, string | null | undefined][])
    if (value !== undefined) given[name] = value
  return given
}
