import { sql, type RawBuilder } from 'kysely'
import type { Transaction } from '#store/store.ts'

/** Which deals a batch of events may have changed. */
export interface DirtyCauses {
  opportunityIds: readonly string[]
  touchpointIds: readonly string[]
  personIds: readonly string[]
  campaignIds: readonly string[]
}

/**
 * Marks the deals that these records bear upon; answers how many.
 *
 * A touch bears upon the deals of its person that had not closed before it, a person upon all its deals, a campaign upon
 * the deals that it touched. Deals may still list a person that was merged since.
 */
export function markDirty(tx: Transaction, causes: DirtyCauses, now: Date): Promise<number> {
  return mark(
    tx,
    now,
    sql`
    with touched as (
      select person_id, case when bool_or(occurred_at is null) then null else min(occurred_at) end as first_at from (
        select person_id, occurred_at from touchpoints where id = any(${causes.touchpointIds})
        union all select unnest(${causes.personIds}::text[]), null
        union all select merged_into, null from people where id = any(${causes.personIds}) and merged_into is not null
      ) t group by person_id
    ), members as (
      select person_id, first_at from touched
      union select p.id, t.first_at from people p join touched t on p.merged_into = t.person_id
    )
    select op.opportunity_id
      from members m
      join opportunity_people op on op.person_id = m.person_id
      join opportunities o on o.id = op.opportunity_id
      where m.first_at is null or o.closed_at is null or o.closed_at >= m.first_at
    union select id from opportunities where id = any(${causes.opportunityIds})
    union select opportunity_id from deal_touches where kind = 'campaign' and key = any(${causes.campaignIds})
    union select op.opportunity_id
      from (select distinct person_id from touchpoints where campaign_id = any(${causes.campaignIds})) t
      join opportunity_people op on op.person_id = t.person_id`,
  )
}

/** Marks every deal that is in the ledger or should be; answers how many. */
export function markAllDirty(tx: Transaction, now: Date): Promise<number> {
  return mark(
    tx,
    now,
    sql`
    select id from opportunities where deleted_at is null
    union select opportunity_id from attribution_deals
    union select opportunity_id from deal_touches`,
  )
}

/** In the order of their ids, so that two that mark the same deals wait for each other and do not deadlock. */
function mark(tx: Transaction, now: Date, deals: RawBuilder<unknown>): Promise<number> {
  return tx.execute(sql`
    insert into attribution_dirty (workspace_id, opportunity_id, since)
    select ${tx.workspaceId}, deal.id, ${now}::timestamptz from (${deals}) as deal (id) order by deal.id
    on conflict (opportunity_id) do update set marks = attribution_dirty.marks + 1`)
}
