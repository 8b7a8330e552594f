import { sql, type RawBuilder } from 'kysely'
import { openPersonal } from '#people/person.store.ts'
import { normaliseEmail } from '#core/email.ts'
import type { Transaction } from '#store/store.ts'
import { effectiveScore, type LeadState } from './lead.rules.ts'
import type { Lead, LeadMatch, LeadQuery, ListedLead } from './lead.schema.ts'
import { leadColumns, toState, type LeadRow } from './lead.store.ts'
import type { PastLead } from './routing-trial.rules.ts'
import { findOpenTasks } from './task.store.ts'
import { toRouted } from './progress.rules.ts'

const REASONS_SHOWN = 3

export type LeadFilter = Omit<LeadQuery, 'limit' | 'cursor'>

export interface ListPage {
  limit: number
  /** The creation time and id of the last row of the page before. */
  after: { createdAt: string; id: string } | null
}

/** What counts as score in SQL, as `effectiveScore` has it. */
const effective = (now: Date) =>
  sql`case when l.override_until > ${now}::timestamptz then l.override_score else l.score end`

/** Leads that pass the filter, newest first; one more than the page holds. */
export async function listLeads(
  tx: Transaction,
  filter: LeadFilter,
  page: ListPage,
  now: Date,
): Promise<ListedLead[]> {
  const {
    status,
    ownerId,
    campaignId,
    channel,
    minScore,
    isOpen,
    isMql,
    isOverdue,
    personId,
    from,
    to,
    q,
  } = filter
  const { after } = page
  const conditions: RawBuilder<unknown>[] = [
    sql`l.workspace_id = ${tx.workspaceId}`,
    sql`l.merged_into is null`,
  ]
  if (status !== undefined) conditions.push(sql`l.status = ${status}`)
  if (ownerId === 'none') conditions.push(sql`l.owner_id is null`)
  else if (ownerId !== undefined) conditions.push(sql`l.owner_id = ${ownerId}`)
  if (campaignId !== undefined) conditions.push(sql`l.campaign_id = ${campaignId}`)
  if (channel !== undefined) conditions.push(sql`l.channel = ${channel}`)
  if (minScore !== undefined) conditions.push(sql`(${effective(now)}) >= ${minScore}`)
  if (isOpen !== undefined) conditions.push(sql`(l.status in ('new', 'working')) = ${isOpen}`)
  if (isMql !== undefined)
    conditions.push(isMql ? sql`l.mql_at is not null` : sql`l.mql_at is null`)
  if (isOverdue !== undefined)
    conditions.push(sql`${sql.raw(isOverdue ? '' : 'not ')}exists (select from tasks t
      where t.workspace_id = ${tx.workspaceId} and t.lead_id = l.id and t.state = 'open' and t.due_at <= ${now}::timestamptz)`)
  if (personId !== undefined) conditions.push(sql`l.person_id = ${personId}`)
  if (from !== undefined) conditions.push(sql`l.captured_at >= ${from}::timestamptz`)
  if (to !== undefined) conditions.push(sql`l.captured_at < ${to}::timestamptz`)
  if (q !== undefined) {
    const index = tx.sealer.index('email', normaliseEmail(q))
    conditions.push(sql`l.person_id in (
      select i.person_id from identities i
      where i.workspace_id = ${tx.workspaceId} and i.kind = 'email' and i.source = '' and i.value_index = ${index})`)
  }
  if (after !== null)
    conditions.push(
      sql`(l.created_at, l.id) < (${after.createdAt}::timestamptz, ${after.id}::text)`,
    )
  const rows = await tx.query(sql<LeadRow & { personal: Buffer | null }>`
    select ${leadColumns}, p.personal from leads l join people p on p.id = l.person_id
    where ${sql.join(conditions, sql` and `)}
    order by l.created_at desc, l.id desc
    limit ${page.limit + 1}`)
  const tasks = await findOpenTasks(
    tx,
    rows.map(({ id }) => id),
  )
  return rows.map(({ personal, ...row }) => {
    const lead = toState(tx, row)
    return {
      ...toLead(tx, lead, personal, now),
      followUpDueAt: tasks.get(lead.id)?.dueAt ?? null,
      reasons: strongest(lead.scoreParts),
    }
  })
}

function strongest(parts: LeadState['scoreParts']): ListedLead['reasons'] {
  return parts
    .filter(({ part }) => part !== 'total')
    .toSorted((a, b) => Math.abs(b.points) - Math.abs(a.points))
    .slice(0, REASONS_SHOWN)
    .map(({ label, points }) => ({ label, points }))
}

/** A lead with its person's attributes; null when there is none. `mergedInto` tells of one that another lead took in. */
export async function findLeadWithPerson(
  tx: Transaction,
  id: string,
): Promise<{ lead: LeadState; personal: Buffer | null; mergedInto: string | null } | null> {
  const row = await tx.find(sql<LeadRow & { personal: Buffer | null; mergedInto: string | null }>`
    select ${leadColumns}, l.merged_into, p.personal from leads l join people p on p.id = l.person_id where l.id = ${id}`)
  if (row === null) return null
  const { personal, mergedInto, ...lead } = row
  return { lead: toState(tx, lead), personal, mergedInto }
}

/** A lead as callers see it. */
export function toLead(tx: Transaction, lead: LeadState, personal: Buffer | null, now: Date): Lead {
  const { email, firstName, lastName, jobTitle } = openPersonal(tx, lead.personId, personal)
  const {
    id,
    personId,
    status,
    isCustomer,
    channel,
    campaignId,
    fitScore,
    engagementScore,
    mqlAt,
    ownerId,
    disposition,
  } = lead
  const { capturedAt, createdAt, updatedAt, version } = lead
  const { company, country } = lead.attributes
  return {
    id,
    personId,
    email: email ?? null,
    firstName: firstName ?? null,
    lastName: lastName ?? null,
    jobTitle: jobTitle ?? null,
    company,
    country,
    status,
    isCustomer,
    channel,
    campaignId,
    score: effectiveScore(lead, now),
    fitScore,
    engagementScore,
    mqlAt,
    ownerId,
    disposition,
    capturedAt,
    createdAt,
    updatedAt,
    version,
  }
}

export interface ReceiptRow {
  id: `cap_${string}`
  match: LeadMatch
  source: string
  channel: string
  campaignId: `cmp_${string}` | null
  touchpointId: `tch_${string}` | null
  capturedAt: Date
  receivedAt: Date
}

/** The last receipts of a lead, newest first. */
export async function listReceipts(
  tx: Transaction,
  leadId: string,
  limit: number,
): Promise<ReceiptRow[]> {
  return tx.query(sql<ReceiptRow>`
    select id, match, source, channel, campaign_id, touchpoint_id, captured_at, received_at from lead_captures
    where workspace_id = ${tx.workspaceId} and lead_id = ${leadId}
    order by received_at desc, id desc limit ${limit}`)
}

/** The newest leads as routing sees them, for trying rules. */
export async function listRecentRouted(tx: Transaction, limit: number): Promise<PastLead[]> {
  const rows = await tx.query(sql<LeadRow>`
    select ${leadColumns} from leads l
    where l.workspace_id = ${tx.workspaceId} and l.merged_into is null
    order by l.created_at desc, l.id desc limit ${limit}`)
  return rows.map((row) => {
    const lead = toState(tx, row)
    return {
      ...toRouted(lead, lead.capturedAt),
      id: lead.id,
      ownerId: lead.ownerId,
      at: lead.capturedAt,
    }
  })
}
