import { sql } from 'kysely'
import { addressIndex } from '#compliance/suppressed.ts'
import {
  LiftSuppression,
  Suppression,
  SuppressionPage,
  SuppressionQuery,
} from '#compliance/suppression.schema.ts'
import { cutPage, decodeCursor } from '#core/page.ts'
import { Problem } from '#core/problem.ts'
import { defineOperation, type Operation } from '#gateway/operation.ts'
import type { Transaction } from '#store/store.ts'

const tag = 'Privacy'
const columns = sql.raw(
  `'sup_' || left(encode(address_index, 'hex'), 16) as id, request_id, suppressed_at, lifted_at, lifted_by, lift_reason`,
)

function findStanding(tx: Transaction, index: Buffer, by: string, reason: string, now: Date) {
  return tx.find(sql<Suppression>`
    update suppressed_addresses set lifted_at = ${now}, lifted_by = ${by}, lift_reason = ${reason}
    where workspace_id = ${tx.workspaceId} and address_index = ${index} and lifted_at is null returning ${columns}`)
}

const lift = defineOperation({
  id: 'liftSuppression',
  method: 'POST',
  path: '/api/v1/privacy/suppressions/lift',
  scope: 'privacy:approve',
  tag,
  freshWithinMinutes: 15,
  summary: 'Let an erased address come in again by imports and syncs',
  description:
    'Only a keyed hash of an erased address is kept, so that the address itself must be given. Rows and records that were refused come in when they are sent again.',
  event: 'privacy.suppression_lifted',
  subject: ({ requestId }) => requestId,
  status: 200,
  input: LiftSuppression,
  output: Suppression,
  async perform({ email, reason }, { tx, principal, now }) {
    const lifted = await findStanding(tx, addressIndex(tx, email), principal.id, reason, now)
    if (!lifted)
      throw new Problem(
        'resource.not_found',
        'This address is not suppressed: it was never erased here, or that was lifted before.',
      )
    return lifted
  },
})

const list = defineOperation({
  id: 'listSuppressions',
  method: 'GET',
  path: '/api/v1/privacy/suppressions',
  scope: 'privacy:read',
  tag,
  summary: 'Erased addresses that do not come back, by the request that erased them',
  description: 'Without the addresses: only keyed hashes of them are kept.',
  input: SuppressionQuery,
  output: SuppressionPage,
  async perform({ limit, cursor }, { tx }) {
    const [at, index] = cursor === undefined ? [] : decodeCursor(cursor, 2).map(String)
    const rows = await tx.query(sql<Suppression & { index: string }>`
      select ${columns}, encode(address_index, 'hex') as index from suppressed_addresses
      where workspace_id = ${tx.workspaceId} and (${at === undefined}
        or (suppressed_at, encode(address_index, 'hex')) < (${at ?? null}::timestamptz, ${index ?? ''}))
      order by suppressed_at desc, encode(address_index, 'hex') desc limit ${limit + 1}`)
    const page = cutPage(rows, limit, (row) => [row.suppressedAt.toISOString(), row.index])
    return { ...page, data: page.data.map(({ index: _hash, ...row }) => row) }
  },
})

export const suppressionOperations: readonly Operation[] = [list, lift]
