import { sql } from 'kysely'
import type { DataProfile } from '#analytics/attribution/accuracy-card.ts'
import { isNotMarketing } from '#analytics/attribution/causal/model.ts'
import type { Transaction } from '#store/store.ts'

/** What can be seen of the workspace's data: three counts over whole tables, so keep the answer for a while. */
export async function readDataProfile(tx: Transaction): Promise<DataProfile> {
  const [byChannel, deals] = await Promise.all([
    tx.query(sql<{ channel: string; touches: number }>`
      select channel, count(*)::int as touches from touchpoints group by channel`),
    tx.find(sql<{ conversions: number; people: number }>`
      select count(*)::int as conversions, coalesce(sum(p.people), 0)::int as people
      from opportunities o
      left join (select opportunity_id, count(distinct person_id) as people from opportunity_people group by 1) p on p.opportunity_id = o.id
      where o.status = 'won' and o.deleted_at is null`),
  ])
  const touches = byChannel.reduce((sum, each) => sum + each.touches, 0)
  const direct = byChannel
    .filter(({ channel }) => isNotMarketing(channel))
    .reduce((sum, each) => sum + each.touches, 0)
  const { conversions = 0, people = 0 } = deals ?? {}
  return {
    touches,
    conversions,
    channels: byChannel.length,
    contactsPerAccount: people / Math.max(1, conversions),
    holdouts: 0,
    directShare: direct / Math.max(1, touches),
  }
}
