import { sql } from 'kysely'
import { optedOut } from '#people/opted-out.ts'
import { eitherOf } from '#store/either.ts'
import type { Transaction } from '#store/store.ts'
import type { MemberState } from './member.rules.ts'
import type { CampaignMember, CampaignMemberQuery } from './member.schema.ts'

const columns = sql.raw(
  'm.id, m.campaign_id, m.lead_id, m.status, m.responded_at, m.version, m.created_at, m.updated_at, m.deleted_at',
)

/** Memberships by id, also those that ended; locked when they are to be changed. */
export async function findMembers(
  tx: Transaction,
  ids: readonly string[],
  lock: 'lock' | 'read' = 'lock',
): Promise<MemberState[]> {
  if (ids.length === 0) return []
  return tx.query(sql<MemberState>`
    select ${columns} from campaign_members m where m.id = any(${[...ids]}::text[])
    order by m.id ${lock === 'lock' ? sql`for no key update` : sql``}`)
}

/** By campaign and lead, as `campaign lead`: the membership that stands. */
export async function findMembersOf(
  tx: Transaction,
  pairs: readonly { campaignId: string; leadId: string }[],
): Promise<Map<string, MemberState>> {
  if (pairs.length === 0) return new Map()
  const rows = await tx.query(sql<MemberState>`
    select ${columns}
    from jsonb_to_recordset(${JSON.stringify(pairs)}::jsonb) as r("campaignId" text, "leadId" text)
    join campaign_members m on m.workspace_id = ${tx.workspaceId} and m.campaign_id = r."campaignId"
      and m.lead_id = r."leadId" and m.deleted_at is null
    order by m.id for no key update of m`)
  return new Map(rows.map((row) => [`${row.campaignId} ${row.leadId}`, row]))
}

/** A lead that can belong to a campaign. */
export interface MemberLead {
  /** The lead itself, or the one that took it in. */
  leadId: string
  personId: string
}

/** By id of a lead: the lead that stands for it now; those who were erased are left out. */
export async function findMemberLeads(
  tx: Transaction,
  leadIds: readonly string[],
): Promise<Map<string, MemberLead>> {
  if (leadIds.length === 0) return new Map()
  const rows = await tx.query(sql<MemberLead & { id: string }>`
    select l.id, s.id as lead_id, s.person_id
    from leads l join leads s on s.id = ${eitherOf('l.merged_into', 'l.id')}
    join people p on p.id = ${eitherOf('s.home_id', 's.person_id')}
    where l.id = any(${[...leadIds]}::text[]) and p.erased_at is null`)
  return new Map(rows.map(({ id, ...lead }) => [id, lead]))
}

/** Which of the campaigns are there and not deleted. */
export async function findOpenCampaigns(
  tx: Transaction,
  ids: readonly string[],
): Promise<Set<string>> {
  const rows = await tx.query(sql<{ id: string }>`
    select id from campaigns where id = any(${[...ids]}::text[]) and deleted_at is null`)
  return new Set(rows.map(({ id }) => id))
}

export interface LoadedMember extends MemberState {
  /** Who stands for the person opted out of marketing e-mail. */
  optedOut: boolean | null
}

/** Memberships that stand, with whether their person opted out; people who were erased are left out. */
export async function loadMembers(
  tx: Transaction,
  ids: readonly string[],
): Promise<LoadedMember[]> {
  return tx.query(sql<LoadedMember>`
    select m.id, m.campaign_id, s.id as lead_id, m.status, m.responded_at, m.version, m.created_at, m.updated_at, m.deleted_at,
      ${optedOut(tx, 's.person_id', 's.home_id')} as opted_out
    from campaign_members m join leads l on l.id = m.lead_id join leads s on s.id = ${eitherOf('l.merged_into', 'l.id')}
    join people p on p.id = ${eitherOf('s.home_id', 's.person_id')}
    where m.id = any(${[...ids]}::text[]) and m.deleted_at is null and p.erased_at is null`)
}

/** Of campaigns that are not deleted. */
export async function listMemberIds(
  tx: Transaction,
  afterId: string | null,
  limit: number,
): Promise<string[]> {
  const rows = await tx.query(sql<{ id: string }>`
    select m.id from campaign_members m join campaigns c on c.id = m.campaign_id
    where m.workspace_id = ${tx.workspaceId} and m.deleted_at is null and c.deleted_at is null and m.id > ${afterId ?? ''}
    order by m.id limit ${limit}`)
  return rows.map(({ id }) => id)
}

/** Adds memberships or replaces them. Those that end go first, so that another may take their place. */
export async function saveMembers(tx: Transaction, members: readonly MemberState[]): Promise<void> {
  for (const isOver of [true, false]) {
    const rows = members.filter(({ deletedAt }) => (deletedAt !== null) === isOver)
    if (rows.length === 0) continue
    await tx.execute(sql`
      insert into campaign_members as known
        (id, workspace_id, campaign_id, lead_id, status, responded_at, version, created_at, updated_at, deleted_at)
      select r.id, ${tx.workspaceId}, r."campaignId", r."leadId", r.status, r."respondedAt", r.version, r."createdAt",
        r."updatedAt", r."deletedAt"
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(id text, "campaignId" text, "leadId" text, status text,
        "respondedAt" timestamptz, version integer, "createdAt" timestamptz, "updatedAt" timestamptz, "deletedAt" timestamptz)
      order by r.id
      on conflict (id) do update
      set lead_id = excluded.lead_id, status = excluded.status, responded_at = excluded.responded_at,
        version = excluded.version, updated_at = excluded.updated_at, deleted_at = excluded.deleted_at`)
  }
}

/** The memberships of leads that were merged into others, as they stand. */
export async function findMembersOfLeads(
  tx: Transaction,
  leadIds: readonly string[],
): Promise<MemberState[]> {
  return tx.query(sql<MemberState>`
    select ${columns} from campaign_members m
    where m.workspace_id = ${tx.workspaceId} and m.lead_id = any(${[...leadIds]}::text[]) and m.deleted_at is null
    order by m.id for no key update`)
}

/** With their people, for callers. */
export async function listMembers(
  tx: Transaction,
  { campaignId, status, responded, limit }: CampaignMemberQuery,
  afterId: string | null,
): Promise<CampaignMember[]> {
  const rows = await tx.query(sql<CampaignMember & Pick<MemberState, 'deletedAt'>>`
    select ${columns}, l.person_id from campaign_members m join leads l on l.id = m.lead_id
    where m.workspace_id = ${tx.workspaceId} and m.campaign_id = ${campaignId} and m.deleted_at is null
      and (${status ?? null}::text is null or m.status = ${status ?? null})
      and (${responded ?? null}::boolean is null or (m.responded_at is not null) = ${responded ?? null})
      and m.id > ${afterId ?? ''}
    order by m.id limit ${limit + 1}`)
  return rows.map(({ deletedAt: _over, ...member }) => member)
}
