import { Hold, HoldPage, HoldPath, HoldQuery, LiftHold, NewHold } from '#compliance/hold.schema.ts'
import {
  findHold,
  insertHold,
  isThere,
  liftHold,
  listHolds,
  lockHolds,
} from '#compliance/hold.store.ts'
import { newId } from '#core/id.ts'
import { cutPage, decodeCursor } from '#core/page.ts'
import { Problem } from '#core/problem.ts'
import { defineOperation, type Operation } from '#gateway/operation.ts'

const tag = 'Retention'

/** @param kinds  the names of the kinds that can be held as a whole. */
export function holdOperations(kinds: ReadonlySet<string>): readonly Operation[] {
  const place = defineOperation({
    id: 'placeLegalHold',
    method: 'POST',
    path: '/api/v1/retention/holds',
    scope: 'holds:write',
    tag,
    summary:
      'Keep the data of a person, of an account or of a kind, whatever rules and requests say',
    event: 'retention.hold_placed',
    subject: ({ id }) => id,
    location: ({ id }) => `/api/v1/retention/holds/${id}`,
    input: NewHold,
    output: Hold,
    async perform({ target, subject, reason }, context) {
      const { tx, principal, now } = context
      const isKnown = target === 'kind' ? kinds.has(subject) : await isThere(tx, target, subject)
      if (!isKnown)
        throw new Problem('request.invalid', `There is no such ${target} to hold.`, {
          errors: [{ pointer: '/subject', detail: `Name a ${target} that is there.` }],
        })
      await lockHolds(tx, 'exclusive')
      const placed = { placedBy: principal.id, placedAt: now }
      const lifted = { liftedBy: null, liftedAt: null, liftReason: null }
      const hold: Hold = { id: newId('hld'), target, subject, reason, ...placed, ...lifted }
      await insertHold(tx, hold)
      context.audit({ action: 'hold.placed', subjectId: hold.id, detail: { target, subject } })
      return hold
    },
  })

  const lift = defineOperation({
    id: 'liftLegalHold',
    method: 'POST',
    path: '/api/v1/retention/holds/{holdId}/lift',
    scope: 'holds:write',
    tag,
    freshWithinMinutes: 15,
    summary: 'End a hold: rules and requests reach the data again',
    event: 'retention.hold_lifted',
    status: 200,
    subject: ({ id }) => id,
    input: LiftHold,
    output: Hold,
    async perform({ holdId, reason }, context) {
      const { tx, principal, now } = context
      const hold = await liftHold(tx, holdId, { by: principal.id, at: now, reason })
      if (!hold) {
        if (await findHold(tx, holdId))
          throw new Problem('hold.lifted', 'The hold was lifted before: nothing is left to do.')
        throw new Problem('resource.not_found', 'There is no hold with this id.')
      }
      const { target, subject } = hold
      context.audit({ action: 'hold.lifted', subjectId: holdId, detail: { target, subject } })
      return hold
    },
  })

  const get = defineOperation({
    id: 'getLegalHold',
    method: 'GET',
    path: '/api/v1/retention/holds/{holdId}',
    scope: 'retention:read',
    tag,
    summary: 'A legal hold: what it keeps, why, since when and by whom',
    input: HoldPath,
    output: Hold,
    async perform({ holdId }, { tx }) {
      const hold = await findHold(tx, holdId)
      if (!hold) throw new Problem('resource.not_found', 'There is no hold with this id.')
      return hold
    },
  })

  const list = defineOperation({
    id: 'listLegalHolds',
    method: 'GET',
    path: '/api/v1/retention/holds',
    scope: 'retention:read',
    tag,
    summary: 'List legal holds, the newest first',
    input: HoldQuery,
    output: HoldPage,
    csv: [
      { title: 'Id', field: 'id' },
      { title: 'Of', field: 'target' },
      { title: 'Subject', field: 'subject' },
      { title: 'Reason', field: 'reason' },
      { title: 'Placed by', field: 'placedBy' },
      { title: 'Placed', field: 'placedAt' },
      { title: 'Lifted by', field: 'liftedBy' },
      { title: 'Lifted', field: 'liftedAt' },
    ],
    async perform({ standing, limit, cursor }, { tx }) {
      const before = cursor === undefined ? null : String(decodeCursor(cursor, 1)[0])
      const isStanding = standing === undefined ? null : standing === 'true'
      const rows = await listHolds(tx, isStanding, before, limit)
      return cutPage(rows, limit, (row) => [row.id])
    },
  })
  return [place, list, get, lift]
}
