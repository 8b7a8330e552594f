import type { PageOf } from '#core/page.ts'
import type { Transaction } from '#store/store.ts'

/** A page of deals with their names opened. */
export function withDealNames<Row extends { opportunityId: string; name: Buffer }>(
  tx: Transaction,
  { data, nextCursor }: PageOf<Row>,
): PageOf<Omit<Row, 'name'> & { name: string }> {
  const nameOf = ({ opportunityId, name }: Row) =>
    tx.sealer.open<string>(name, `opportunities.name:${opportunityId}`)
  return { data: data.map((row) => ({ ...row, name: nameOf(row) })), nextCursor }
}
