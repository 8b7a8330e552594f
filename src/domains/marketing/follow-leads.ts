import type { OutboxEvent, Subscriber } from '#jobs/job.ts'
import { recordOwnWork } from '#jobs/own-work.ts'
import type { Transaction } from '#store/store.ts'
import { joinedMember, type MemberState } from './member.rules.ts'
import { findMembersOf, findMembersOfLeads, saveMembers } from './member.store.ts'

/** A lead that turned out to be another one hands over its memberships. Leads whose people are merged by hand keep theirs. */
export const leadFollower: Subscriber = {
  name: 'marketing.leads',
  events: ['lead.merged'],
  handle: (events, tx, { clock }) => moveMembers(tx, events, clock.now()),
}

async function moveMembers(
  tx: Transaction,
  events: readonly OutboxEvent[],
  now: Date,
): Promise<void> {
  const survivorOf = new Map(
    events.flatMap(({ subjectId, data: { into } }) =>
      typeof into === 'string' ? [[subjectId, into] as const] : [],
    ),
  )
  const members = await findMembersOfLeads(tx, [...survivorOf.keys()])
  if (members.length === 0) return
  const target = (leadId: string): string => {
    const next = survivorOf.get(leadId)
    return next === undefined || next === leadId ? leadId : target(next)
  }
  const wanted = members.map(({ campaignId, leadId }) => ({ campaignId, leadId: target(leadId) }))
  const there = await findMembersOf(tx, wanted)
  const changed = new Map<string, MemberState>()
  for (const [i, member] of members.entries()) {
    const { campaignId, leadId } = wanted[i]!
    const key = `${campaignId} ${leadId}`
    const twin = there.get(key)
    const moved = { ...member, leadId, version: member.version + 1, updatedAt: now }
    if (twin) {
      // The CRM still has both records; which of them goes there is decided there, by those who merge them.
      changed.set(member.id, { ...member, deletedAt: now, updatedAt: now })
      const joined = joinedMember(changed.get(twin.id) ?? twin, member, now)
      changed.set(twin.id, joined)
      there.set(key, joined)
    } else {
      changed.set(member.id, moved)
      there.set(key, moved)
    }
  }
  await saveMembers(tx, [...changed.values()])
  const told = [...changed.values()].filter(({ deletedAt }) => deletedAt === null)
  await recordOwnWork(
    tx,
    {
      events: told.map(({ id, campaignId }) => ({
        event: 'campaign_member.updated',
        subjectId: id,
        data: { campaignId },
      })),
      audits: [...changed.values()].map(({ id, campaignId, leadId, deletedAt }) => ({
        action: deletedAt === null ? 'campaign_member.moved' : 'campaign_member.joined',
        subjectId: id,
        detail: { campaignId, leadId },
      })),
    },
    now,
  )
}
