import assert from 'node:assert/strict'
import { newId } from '#core/id.ts'
import type { EventDraft } from '#jobs/job.ts'
import type { Entity, EntityField, EntityWrite, EntityWritten } from '#sync/entity.ts'
import { responseDay, syncedMember, type MemberState } from './member.rules.ts'
import {
  findMemberLeads,
  findMembers,
  findMembersOf,
  listMemberIds,
  loadMembers,
  saveMembers,
} from './member.store.ts'

const fields: readonly EntityField[] = [
  { name: 'campaign', label: 'Campaign', type: 'reference', entity: 'campaign', required: true },
  { name: 'lead', label: 'Person', type: 'reference', entity: 'lead', required: true },
  { name: 'status', label: 'Status', type: 'choice' },
  { name: 'respondedAt', label: 'First responded', type: 'datetime' },
]

/**
 * Who belongs to which campaign. A membership says nothing of consent: whoever opted out stays so, and is not put into a campaign at
 * a vendor unless they responded to it.
 */
export const memberEntity: Entity = {
  name: 'campaign_member',
  fields,
  pushAfter: ['campaign_member.created', 'campaign_member.updated', 'campaign_member.deleted'],
  listIds: listMemberIds,
  async load(tx, localIds) {
    return (await loadMembers(tx, localIds)).map(({ optedOut, ...member }) => ({
      localId: member.id,
      values: { status: member.status, respondedAt: responseDay(member.respondedAt) },
      references: {
        campaign: { entity: 'campaign', localId: member.campaignId },
        lead: { entity: 'lead', localId: member.leadId },
      },
      changedAt: member.updatedAt,
      ...(optedOut && member.respondedAt === null ? { withheld: 'member.opted_out' } : {}),
    }))
  },
  async match(tx, _candidates, references) {
    const pairs = references.map(pairOf)
    const leads = await findMemberLeads(
      tx,
      pairs.flatMap((pair) => pair?.leadId ?? []),
    )
    const wanted = pairs.map((pair) => {
      const leadId = leads.get(pair?.leadId ?? '')?.leadId
      return pair && leadId !== undefined ? { campaignId: pair.campaignId, leadId } : null
    })
    const known = await findMembersOf(
      tx,
      wanted.flatMap((pair) => pair ?? []),
    )
    return wanted.map((pair) =>
      pair ? (known.get(`${pair.campaignId} ${pair.leadId}`)?.id ?? null) : null,
    )
  },
  async write(tx, writes, now) {
    const ids = writes.flatMap(({ localId }) => localId ?? [])
    const held = new Map((await findMembers(tx, ids)).map((member) => [member.id, member]))
    const leads = await findMemberLeads(
      tx,
      writes.flatMap(({ references }) => references['lead']?.[0]?.localId ?? []),
    )
    const after = new Map<string, MemberState>()
    const written = writes.map((write): EntityWritten => {
      const before = write.localId === null ? null : (held.get(write.localId) ?? null)
      const named = leads.get(write.references['lead']?.[0]?.localId ?? '')?.leadId
      if (write.deleted) {
        assert(before, 'A membership that was never known here is not written as deleted.')
        after.set(before.id, { ...before, deletedAt: now, updatedAt: now })
        return { localId: before.id, outcome: 'deleted' }
      }
      const state = syncedMember(
        before ?? made(write, now),
        write,
        named ?? before?.leadId ?? '',
        now,
      )
      after.set(state.id, state)
      return { localId: state.id, outcome: before === null ? 'created' : 'updated' }
    })
    await saveMembers(tx, [...after.values()])
    const events = written.map(({ localId, outcome }): EventDraft => ({
      event: `campaign_member.${outcome}`,
      subjectId: localId,
      data: { campaignId: after.get(localId)!.campaignId },
    }))
    return { written, events }
  },
}

function pairOf(
  references: EntityWrite['references'],
): { campaignId: string; leadId: string } | null {
  const campaignId = references['campaign']?.[0]?.localId
  const leadId = references['lead']?.[0]?.localId
  return campaignId && leadId ? { campaignId, leadId } : null
}

/** @throws AssertionError when the engine lets a membership through without its campaign: it holds such ones back. */
function made({ references }: EntityWrite, now: Date): MemberState {
  const campaignId = references['campaign']?.[0]?.localId
  assert(campaignId, 'A membership names its campaign.')
  return {
    id: newId('cmb'),
    campaignId,
    leadId: '',
    status: 'Sent',
    respondedAt: null,
    version: 0,
    createdAt: now,
    updatedAt: now,
    deletedAt: null,
  }
}
