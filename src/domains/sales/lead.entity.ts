import { sql } from 'kysely'
import { areSuppressed } from '#compliance/suppressed.ts'
import { normaliseEmail } from '#core/email.ts'
import { optedOut } from '#people/opted-out.ts'
import { openOwnValues, ownValues, ownValuesJoin, type OwnValues } from '#people/layer.store.ts'
import { findExternalIds } from '#people/person-list.store.ts'
import { eitherOf } from '#store/either.ts'
import type { Transaction } from '#store/store.ts'
import type { Candidate, Entity, EntityField, EntityRecord, FieldValue } from '#sync/entity.ts'
import { findAccountsOf } from './kept-record.store.ts'
import { writeLeads } from './lead-sync.ts'
import { effectiveScore } from './lead.rules.ts'
import { leadColumns, toState, type LeadRow } from './lead.store.ts'
import { textOf } from './sync-values.ts'

interface LoadedRow extends LeadRow, OwnValues {
  campaignKey: string | null
  lastChannel: string | null
  readAt: Date
  personChangedAt: Date
  optedOut: boolean | null
}

const text = (name: string, label: string, more: Partial<EntityField> = {}): EntityField => ({
  name,
  label,
  type: 'text',
  ...more,
})
const computed = { computed: true } as const

const fields: readonly EntityField[] = [
  text('email', 'E-mail', { type: 'email', personal: true }),
  text('firstName', 'First name', { personal: true }),
  text('lastName', 'Last name', { personal: true }),
  text('phone', 'Phone', { type: 'phone', personal: true }),
  text('jobTitle', 'Job title', { personal: true }),
  text('company', 'Company'),
  text('country', 'Country'),
  text('status', 'Lifecycle status', { type: 'choice', critical: true }),
  text('emailOptOut', 'Opted out of e-mail', { type: 'boolean', critical: true, optOut: true }),
  text('owner', 'Owner', { type: 'reference', entity: 'owner', critical: true }),
  text('account', 'Account', { type: 'reference', entity: 'account' }),
  text('externalId', 'Id at the source', { personal: true, ...computed }),
  text('score', 'Score', { type: 'number', ...computed }),
  text('fitScore', 'Fit score', { type: 'number', ...computed }),
  text('engagementScore', 'Engagement score', { type: 'number', ...computed }),
  text('channel', 'First channel', computed),
  text('lastChannel', 'Last channel', computed),
  text('campaign', 'Campaign', computed),
  text('mqlAt', 'Qualified at', { type: 'datetime', ...computed }),
  text('capturedAt', 'Captured at', { type: 'datetime', ...computed }),
]

/** Leads as they go to a CRM, and how a CRM's contacts are recognised as leads. */
export const leadEntity: Entity = {
  name: 'lead',
  fields,
  pushAfter: ['lead.created', 'lead.updated', 'lead.qualified', 'lead.assigned', 'lead.scored'],

  async listIds(tx, afterId, limit) {
    const rows = await tx.query(sql<{ id: string }>`
      select id from leads
      where workspace_id = ${tx.workspaceId} and merged_into is null and id > ${afterId ?? ''}
        and not exists (select from people p where p.id = leads.person_id and p.erased_at is not null)
      order by id limit ${limit}`)
    return rows.map(({ id }) => id)
  },

  load: loadLeads,
  match: matchLeads,
  areSuppressed: areErased,
  write: writeLeads,
}

/** The same people once a CRM calls them contacts: they come in and change, but a lead becomes one by the CRM's doing. */
export const contactEntity: Entity = {
  name: 'contact',
  sharesIdsWith: 'lead',
  fields,
  pushAfter: leadEntity.pushAfter,
  load: loadLeads,
  match: matchLeads,
  areSuppressed: areErased,
  write: writeLeads,
}

function areErased(tx: Transaction, candidates: readonly Candidate[]): Promise<boolean[]> {
  return areSuppressed(
    tx,
    candidates.map(({ values }) => textOf(values, 'email')),
  )
}

/**
 * A lead goes to the CRM with the values of its own person, also while that one is merged into another by hand: the record there is
 * still about them, and a merge here must not write one person's address over another's. Consents are those of both.
 */
async function loadLeads(tx: Transaction, localIds: readonly string[]): Promise<EntityRecord[]> {
  const rows = await tx.query(sql<LoadedRow>`
    select ${leadColumns}, ${ownValues}, c.key as campaign_key, now() as read_at, p.updated_at as person_changed_at,
      ${optedOut(tx, 'l.person_id', 'above.into_id')} as opted_out, (
      select r.channel from lead_captures r
      where r.workspace_id = ${tx.workspaceId} and r.lead_id = l.id and r.channel <> 'unknown'
      order by r.captured_at desc, r.id desc limit 1
    ) as last_channel
    from leads l join people p on p.id = ${eitherOf('l.home_id', 'l.person_id')} left join campaigns c on c.id = l.campaign_id
      ${ownValuesJoin}
    where l.id = any(${localIds}::text[]) and l.merged_into is null and p.erased_at is null`)
  const externalIds = await findExternalIds(
    tx,
    rows.map(({ valuesOf }) => valuesOf),
  )
  const accounts = await findAccountsOf(
    tx,
    rows.map(({ id }) => id),
  )
  return rows.map((row) =>
    toRecord(tx, row, externalIds.get(row.valuesOf) ?? null, accounts.get(row.id) ?? null),
  )
}

async function matchLeads(
  tx: Transaction,
  candidates: readonly Candidate[],
): Promise<(string | null)[]> {
  const indexes = candidates.map((candidate) => emailIndex(tx, candidate))
  const ids = candidates.flatMap(({ localId }) => localId ?? [])
  const byId = await findByIds(tx, ids)
  const byEmail = await findByEmails(
    tx,
    indexes.flatMap((index) => index ?? []),
  )
  return candidates.map(({ localId }, i) => {
    const named = localId == null ? undefined : byId.get(localId)
    return named ?? byEmail.get(indexes[i]?.toString('hex') ?? '') ?? null
  })
}

function toRecord(
  tx: Transaction,
  { campaignKey, lastChannel, readAt, personChangedAt, optedOut, ...row }: LoadedRow,
  externalId: string | null,
  accountId: string | null,
): EntityRecord {
  const lead = toState(tx, row)
  const { email, firstName, lastName, phone, jobTitle } = openOwnValues(tx, row)
  const { company, country, industry, employees, domain } = lead.attributes
  return {
    localId: lead.id,
    values: {
      email: email ?? null,
      externalId,
      firstName: firstName ?? null,
      lastName: lastName ?? null,
      phone: phone ?? null,
      jobTitle: jobTitle ?? null,
      company,
      country,
      industry,
      employees,
      companyDomain: domain,
      status: lead.status,
      emailOptOut: optedOut,
      ...Object.fromEntries(
        Object.entries(lead.custom ?? {}).map(([key, value]) => [`custom.${key}`, customOf(value)]),
      ),
      isCustomer: lead.isCustomer,
      score: effectiveScore(lead, readAt),
      fitScore: lead.fitScore,
      engagementScore: lead.engagementScore,
      channel: lead.channel,
      lastChannel: lastChannel ?? lead.channel,
      campaign: campaignKey,
      mqlAt: lead.mqlAt === null ? null : toTheSecond(lead.mqlAt),
      capturedAt: lead.capturedAt.toISOString(),
    },
    references: {
      ...(lead.ownerId === null ? {} : { owner: { entity: 'owner', localId: lead.ownerId } }),
      ...(accountId === null ? {} : { account: { entity: 'account', localId: accountId } }),
    },
    changedAt: lead.updatedAt,
    clocks: Object.fromEntries(
      ['email', 'firstName', 'lastName', 'phone', 'jobTitle'].map((name) => [
        name,
        personChangedAt,
      ]),
    ),
  }
}

/** CRMs keep no smaller part of a moment. */
function toTheSecond(at: Date): string {
  return new Date(Math.floor(at.getTime() / 1000) * 1000).toISOString()
}

function customOf(value: unknown): FieldValue {
  if (value === null || value === undefined) return null
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    return value
  }
  return JSON.stringify(value)
}

function emailIndex(tx: Transaction, { values }: Candidate): Buffer | null {
  const email = textOf(values, 'email')
  return email === null ? null : tx.sealer.index('email', normaliseEmail(email))
}

/** Leads by id; of a merged one, the lead that took it in. */
async function findByIds(tx: Transaction, ids: readonly string[]): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map()
  const rows = await tx.query(sql<{ id: string; lead: string }>`
    select id, coalesce(merged_into, id)::text as lead from leads where id = any(${ids}::text[])`)
  return new Map(rows.map(({ id, lead }) => [id, lead]))
}

async function findByEmails(
  tx: Transaction,
  indexes: readonly Buffer[],
): Promise<Map<string, string>> {
  if (indexes.length === 0) return new Map()
  const rows = await tx.query(sql<{ valueIndex: Buffer; lead: string }>`
    select i.value_index, l.id::text as lead,
      coalesce(l.home_id, l.person_id) = coalesce(i.home_id, i.person_id) as is_own
    from identities i join leads l on l.workspace_id = i.workspace_id and l.person_id = i.person_id and l.merged_into is null
    where i.workspace_id = ${tx.workspaceId} and i.kind = 'email' and i.source = '' and i.value_index = any(${indexes}::bytea[])
    order by is_own -- where people were merged, the lead of whom the address names comes last and wins`)
  return new Map(rows.map(({ valueIndex, lead }) => [valueIndex.toString('hex'), lead]))
}
