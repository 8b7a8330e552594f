import { sql } from 'kysely'
import { normaliseEmail } from '#people/identity.rules.ts'
import { findExternalIds, openPersonal } from '#people/person.store.ts'
import type { Transaction } from '#store/store.ts'
import type { Candidate, Entity, EntityRecord } from '#sync/entity.ts'
import { effectiveScore } from './lead.rules.ts'
import { leadColumns, toState, type LeadRow } from './lead.store.ts'
import { textOf } from './sync-values.ts'

interface LoadedRow extends LeadRow {
  personal: Buffer | null
  campaignKey: string | null
  lastChannel: string | null
  readAt: Date
}

/** Leads as they go to a CRM, and how a CRM's contacts are recognised as leads. */
export const leadEntity: Entity = {
  name: 'lead',
  pushAfter: ['lead.created', 'lead.updated', 'lead.qualified', 'lead.assigned', 'lead.scored'],

  async listIds(tx, afterId, limit) {
    const rows = await tx.query(sql<{ id: string }>`
      select id from leads
      where workspace_id = ${tx.workspaceId} and merged_into is null and id > ${afterId ?? ''}
      order by id limit ${limit}`)
    return rows.map(({ id }) => id)
  },

  async load(tx, localIds) {
    const rows = await tx.query(sql<LoadedRow>`
      select ${leadColumns}, p.personal, c.key as campaign_key, now() as read_at, (
        select r.channel from lead_captures r
        where r.workspace_id = ${tx.workspaceId} and r.lead_id = l.id and r.channel <> 'unknown'
        order by r.captured_at desc, r.id desc limit 1
      ) as last_channel
      from leads l join people p on p.id = l.person_id left join campaigns c on c.id = l.campaign_id
      where l.id = any(${localIds}::text[]) and l.merged_into is null`)
    const externalIds = await findExternalIds(
      tx,
      rows.map(({ personId }) => personId),
    )
    return rows.map((row) => toRecord(tx, row, externalIds.get(row.personId) ?? null))
  },

  async match(tx, candidates) {
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
  },
}

function toRecord(
  tx: Transaction,
  { personal, campaignKey, lastChannel, readAt, ...row }: LoadedRow,
  externalId: string | null,
): EntityRecord {
  const lead = toState(tx, row)
  const { email, firstName, lastName, phone, jobTitle } = openPersonal(tx, lead.personId, personal)
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
      isCustomer: lead.isCustomer,
      score: effectiveScore(lead, readAt),
      fitScore: lead.fitScore,
      engagementScore: lead.engagementScore,
      channel: lead.channel,
      lastChannel: lastChannel ?? lead.channel,
      campaign: campaignKey,
      mqlAt: lead.mqlAt?.toISOString() ?? null,
      capturedAt: lead.capturedAt.toISOString(),
    },
    references: lead.ownerId === null ? {} : { owner: { entity: 'owner', localId: lead.ownerId } },
  }
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
    select i.value_index, l.id::text as lead
    from identities i join leads l on l.workspace_id = i.workspace_id and l.person_id = i.person_id and l.merged_into is null
    where i.workspace_id = ${tx.workspaceId} and i.kind = 'email' and i.source = '' and i.value_index = any(${indexes}::bytea[])`)
  return new Map(rows.map(({ valueIndex, lead }) => [valueIndex.toString('hex'), lead]))
}
