import { sql, type RawBuilder } from 'kysely'
import type { DirtyReason } from '#reports/change.rules.ts'
import type { Transaction } from '#store/store.ts'

/** Which deals a batch of events may have changed. */
export interface DirtyCauses {
  opportunityIds: readonly string[]
  touchpointIds: readonly string[]
  personIds: readonly string[]
  campaignIds: readonly string[]
  leadIds?: readonly string[]
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
    select op.opportunity_id, case when m.first_at is null then 'person' else 'touch' end as reason
      from members m
      join opportunity_people op on op.person_id = m.person_id
      join opportunities o on o.id = op.opportunity_id
      where m.first_at is null or o.closed_at is null or o.closed_at >= m.first_at
    union select id, 'deal' from opportunities where id = any(${causes.opportunityIds})
    union select opportunity_id, 'campaign' from deal_touches where kind = 'campaign' and key = any(${causes.campaignIds})
    union select op.opportunity_id, 'campaign'
      from (select distinct person_id from touchpoints where campaign_id = any(${causes.campaignIds})) t
      join opportunity_people op on op.person_id = t.person_id
    union select op.opportunity_id, 'touch' from leads l join opportunity_people op on op.person_id = l.person_id
      where l.id = any(${causes.leadIds ?? []}::text[])`,
  )
}

/** Marks every deal that is in the ledger or should be; answers how many. */
export function markAllDirty(
  tx: Transaction,
  now: Date,
  reason: DirtyReason = 'all',
): Promise<number> {
  return mark(
    tx,
    now,
    sql`
    select opportunity_id, ${reason}::text as reason from (
      select id as opportunity_id from opportunities where deleted_at is null
      union select opportunity_id from attribution_deals
      union select opportunity_id from deal_touches
    ) every_deal`,
  )
}

/** Marks the won deals, as after a change of a model: nothing else depends on it. Answers how many. */
export function markWonDirty(tx: Transaction, now: Date): Promise<number> {
  return mark(
    tx,
    now,
    sql`select distinct opportunity_id, 'model' as reason from attribution_deals`,
  )
}

/**
 * In the order of their ids, so that two that mark the same deals wait for each other and do not deadlock. The close is noted for
 * the order in which deals are computed.
 */
function mark(tx: Transaction, now: Date, deals: RawBuilder<unknown>): Promise<number> {
  return tx.execute(sql`
    insert into attribution_dirty (workspace_id, opportunity_id, since, closed_at, reasons)
    select ${tx.workspaceId}, deal.opportunity_id, ${now}::timestamptz,
      (select o.closed_at from opportunities o where o.id = deal.opportunity_id), deal.reasons
    from (
      select opportunity_id, array_agg(reason) as reasons from (${deals}) as marked group by opportunity_id
    ) as deal
    order by deal.opportunity_id
    on conflict (opportunity_id) do update set marks = attribution_dirty.marks + 1,
      reasons = array(select distinct unnest(attribution_dirty.reasons || excluded.reasons))`)
}

/** Those that wait longest come first, and of those deals that closed together: they share their sums by day. */
export const dirtyOrder = sql`since, closed_at, opportunity_id`
