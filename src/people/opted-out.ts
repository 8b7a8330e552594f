import { sql, type RawBuilder } from 'kysely'
import type { Transaction } from '#store/store.ts'

/**
 * Whether the last word of these people, columns of the statement, on marketing e-mail is a no; null: they never said anything. Four
 * look-ups in an index whatever the planner knows: also in a transaction that has just written everything it reads.
 */
export function optedOut(
  tx: Pick<Transaction, 'workspaceId'>,
  ...people: readonly string[]
): RawBuilder<boolean | null> {
  return sql`(
    select bool_or(said.status in ('denied', 'withdrawn')) from (
      select distinct on (c.channel) k.status
      from unnest(array[${sql.join(people.map((one) => sql.ref(one)))}]::text[]) as t(id)
        cross join unnest(array['email', 'any']) as c(channel)
        cross join lateral (
          select status, occurred_at from consents
          where workspace_id = ${tx.workspaceId} and person_id = t.id and purpose = 'marketing' and channel = c.channel
          order by occurred_at desc limit 1) k
      order by c.channel, k.occurred_at desc) said)`
}
