import { newId } from '#core/id.ts'
import { cutPage, decodeCursor } from '#core/page.ts'
import { Problem } from '#core/problem.ts'
import { getLiving } from '#domains/marketing/campaign.operations.ts'
import { defineOperation, type Settled } from '#gateway/operation.ts'
import type { Transaction } from '#store/store.ts'
import { respondedAfter, type MemberState } from './member.rules.ts'
import {
  CampaignMember,
  CampaignMemberChange,
  CampaignMemberPage,
  CampaignMemberPath,
  CampaignMemberQuery,
  NewCampaignMember,
} from './member.schema.ts'
import {
  findMemberLeads,
  findMembers,
  findMembersOf,
  findOpenCampaigns,
  listMembers,
  saveMembers,
} from './member.store.ts'

const tag = 'Marketing'
const path = '/api/v1/campaigns/{campaignId}/members'
const pathOfOne = `${path}/{memberId}`

export const addCampaignMember = defineOperation({
  id: 'addCampaignMember',
  method: 'POST',
  path,
  scope: 'campaigns:write',
  tag,
  summary: 'Put a lead, or many, into a campaign',
  description:
    'Somebody who is in it already is answered with 200 as they are. Membership says nothing of consent: CRMs are not told of members who opted out before they responded.',
  subject: (member) => member.id,
  version: (member) => member.version,
  input: NewCampaignMember,
  output: CampaignMember,
  batch: { key: 'members', max: 500 },
  async performMany(inputs, context) {
    const { tx, now } = context
    const leads = await findMemberLeads(
      tx,
      inputs.map(({ leadId }) => leadId),
    )
    const campaigns = await findOpenCampaigns(
      tx,
      inputs.map(({ campaignId }) => campaignId),
    )
    const pairs = inputs.map(({ campaignId, leadId }) => ({
      campaignId,
      leadId: leads.get(leadId)?.leadId ?? leadId,
    }))
    const known = await findMembersOf(tx, pairs)
    const made: MemberState[] = []
    const settled = inputs.map((input, i): Settled<CampaignMember> => {
      const lead = leads.get(input.leadId)
      if (!lead || !campaigns.has(input.campaignId))
        return {
          kind: 'refused',
          problem: new Problem(
            'resource.not_found',
            `There is no ${lead ? 'campaign' : 'lead'} with this id.`,
          ),
        }
      const key = `${pairs[i]!.campaignId} ${pairs[i]!.leadId}`
      const held = known.get(key)
      if (held) return { kind: 'done', output: shown(held, lead.personId), status: 200 }
      const member: MemberState = {
        id: newId('cmb'),
        ...pairs[i]!,
        status: input.status,
        respondedAt: respondedAfter(null, input.status, input.respondedAt, now),
        version: 1,
        createdAt: now,
        updatedAt: now,
        deletedAt: null,
      }
      made.push(member)
      known.set(key, member)
      return { kind: 'done', output: shown(member, lead.personId), status: 201 }
    })
    await saveMembers(tx, made)
    for (const { id, campaignId } of made)
      context.emit({ event: 'campaign_member.created', subjectId: id, data: { campaignId } })
    return settled
  },
})

export const listCampaignMembers = defineOperation({
  id: 'listCampaignMembers',
  method: 'GET',
  path,
  scope: 'campaigns:read',
  tag,
  summary: 'List the members of a campaign',
  input: CampaignMemberQuery,
  output: CampaignMemberPage,
  csv: [
    { title: 'Id', field: 'id' },
    { title: 'Campaign', field: 'campaignId' },
    { title: 'Lead', field: 'leadId' },
    { title: 'Person', field: 'personId' },
    { title: 'Status', field: 'status' },
    { title: 'First responded', field: 'respondedAt' },
    { title: 'Since', field: 'createdAt' },
  ],
  async perform(query, { tx }) {
    await getLiving(tx, query.campaignId, 'read')
    const after = query.cursor === undefined ? null : String(decodeCursor(query.cursor, 1)[0])
    return cutPage(await listMembers(tx, query, after), query.limit, (row) => [row.id])
  },
})

export const changeCampaignMember = defineOperation({
  id: 'changeCampaignMember',
  method: 'PATCH',
  path: pathOfOne,
  scope: 'campaigns:write',
  tag,
  summary: 'Change the status of a member',
  event: 'campaign_member.updated',
  subject: (member) => member.id,
  version: (member) => member.version,
  input: CampaignMemberChange,
  output: CampaignMember,
  async perform({ memberId, campaignId, status, respondedAt }, { tx, now, expectedVersion }) {
    const member = await getMember(tx, campaignId, memberId, expectedVersion)
    const next = status ?? member.status
    const after: MemberState = {
      ...member,
      status: next,
      respondedAt: respondedAfter(member.respondedAt, next, respondedAt, now),
      version: member.version + 1,
      updatedAt: now,
    }
    await saveMembers(tx, [after])
    return shown(after, await personOf(tx, after))
  },
})

export const removeCampaignMember = defineOperation({
  id: 'removeCampaignMember',
  method: 'DELETE',
  path: pathOfOne,
  scope: 'campaigns:write',
  tag,
  summary: 'Take a member out of a campaign',
  description: 'CRMs that have the membership delete it as well. Touches and credits stay.',
  event: 'campaign_member.deleted',
  subject: (_output, { memberId }) => memberId,
  status: 204,
  input: CampaignMemberPath,
  output: CampaignMember,
  async perform({ campaignId, memberId }, { tx, now, expectedVersion }) {
    const member = await getMember(tx, campaignId, memberId, expectedVersion)
    await saveMembers(tx, [{ ...member, deletedAt: now, updatedAt: now }])
    return shown(member, await personOf(tx, member))
  },
})

async function getMember(
  tx: Transaction,
  campaignId: string,
  memberId: string,
  expectedVersion: number | null,
): Promise<MemberState> {
  const [member] = await findMembers(tx, [memberId])
  if (member?.campaignId !== campaignId)
    throw new Problem('resource.not_found', 'There is no such member of the campaign.')
  if (member.deletedAt !== null)
    throw new Problem('resource.gone', 'They are not in the campaign any more.')
  if (expectedVersion !== null && expectedVersion !== member.version)
    throw new Problem(
      'resource.version_mismatch',
      'The membership changed since you read it: read it again and repeat the change.',
    )
  return member
}

async function personOf(tx: Transaction, { leadId }: MemberState): Promise<string> {
  const lead = (await findMemberLeads(tx, [leadId])).get(leadId)
  if (!lead) throw new Problem('resource.gone', 'The person was erased.')
  return lead.personId
}

function shown({ deletedAt: _over, ...member }: MemberState, personId: string): CampaignMember {
  return { ...member, personId } as CampaignMember
}
