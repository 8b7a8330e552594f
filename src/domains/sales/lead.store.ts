import { sql, type RawBuilder } from 'kysely'
import type { ConsentStatus } from '#people/capture.ts'
import type { Transaction } from '#store/store.ts'
import type { LeadState } from './lead.rules.ts'
import type { LeadMatch } from './lead.schema.ts'

/**
 * Lets one transaction at a time change this workspace's leads and their routing, until it commits. Every writer of leads
 * takes it before it reads them, so that decisions rest on what is still so when they are written: one lead a person, one
 * crossing of the threshold, a balanced rotation. Requests that come at once share a transaction, so little waits here.
 */
export async function lockLeads(tx: Transaction): Promise<void> {
  await tx.execute(
    sql`select pg_advisory_xact_lock(hashtextextended(${`sales.leads ${tx.workspaceId}`}::text, 0))`,
  )
}

/** A lead as its row is; `custom` is sealed. */
export interface LeadRow extends Omit<LeadState, 'custom' | 'override'> {
  custom: Buffer | null
  overrideScore: number | null
  overrideReason: string | null
  overrideBy: string | null
  overrideUntil: Date | null
}

const columns = sql.raw(
  [
    'id person_id home_id status is_customer channel campaign_id attributes custom fit_score engagement_score score score_parts',
    'score_version scored_at override_score override_reason override_by override_until mql_at owner_id routing disposition',
    'captured_at created_at updated_at version',
  ]
    .flatMap((line) => line.split(' '))
    .map((name) => `l.${name}`)
    .join(', '),
)

/** The columns of `LeadRow` of a table `leads l`, for statements that read more than leads. */
export const leadColumns: RawBuilder<unknown> = columns

export function toState(tx: Transaction, row: LeadRow): LeadState {
  const { overrideScore, overrideReason, overrideBy, overrideUntil, custom, routing, ...rest } = row
  const hasOverride = overrideScore !== null && overrideUntil !== null
  return {
    ...rest,
    routing: routing !== null && Object.keys(routing).length > 0 ? routing : null,
    custom:
      custom === null
        ? null
        : tx.sealer.open<Record<string, unknown>>(custom, customContext(row.id)),
    override: hasOverride
      ? {
          score: overrideScore,
          reason: overrideReason ?? '',
          by: overrideBy ?? '',
          until: overrideUntil,
        }
      : null,
  }
}

const customContext = (id: string) => `leads.custom:${id}`

/** These leads, or those of these people and of whom was merged into them or out of them, without the ones that were merged into another. */
export async function findLeads(
  tx: Transaction,
  by: { ids: readonly string[] } | { personIds: readonly string[] },
): Promise<LeadState[]> {
  const rows = await tx.query(
    'ids' in by
      ? sql<LeadRow>`select ${columns} from leads l where l.id = any(${by.ids}::text[]) and l.merged_into is null`
      : sql<LeadRow>`
          select ${columns} from leads l
          where l.workspace_id = ${tx.workspaceId} and l.merged_into is null
            and (l.person_id = any(${by.personIds}::text[]) or l.home_id = any(${by.personIds}::text[]))
          order by l.id`,
  )
  return rows.map((row) => toState(tx, row))
}

/** Where a walk over leads stands: after this lead of this person; empty at the start. */
export interface LeadPlace {
  personId: string
  leadId: string
}

/** The next leads in the order of their people, for going through all of them. */
export async function listLeadsAfter(
  tx: Transaction,
  { personId, leadId }: LeadPlace,
  limit: number,
): Promise<LeadState[]> {
  const rows = await tx.query(sql<LeadRow>`
    select ${columns} from leads l
    where l.workspace_id = ${tx.workspaceId} and (l.person_id, l.id) > (${personId}, ${leadId}) and l.merged_into is null
    order by l.person_id, l.id limit ${limit}`)
  return rows.map((row) => toState(tx, row))
}

/** The next leads, in the same order, that have no owner and that sales has not turned down. */
export async function listWaitingLeadsAfter(
  tx: Transaction,
  { personId, leadId }: LeadPlace,
  limit: number,
): Promise<LeadState[]> {
  const rows = await tx.query(sql<LeadRow>`
    select ${columns} from leads l
    where l.workspace_id = ${tx.workspaceId} and (l.person_id, l.id) > (${personId}, ${leadId}) and l.owner_id is null
      and l.merged_into is null and l.status <> 'disqualified'
    order by l.person_id, l.id limit ${limit}`)
  return rows.map((row) => toState(tx, row))
}

/** The sealed attributes of people. */
export async function findPersonals(
  tx: Transaction,
  personIds: readonly string[],
): Promise<{ personId: string; personal: Buffer | null }[]> {
  return tx.query(sql<{ personId: string; personal: Buffer | null }>`
    select id as person_id, personal from people where id = any(${personIds}::text[])`)
}

interface ConsentFact {
  purpose: string
  channel: string
  status: ConsentStatus
  source: string
  hasProof: boolean
  occurredAt: Date
}

/** What is known of a person when a submission comes. */
export interface PersonFacts {
  personId: string
  personal: Buffer | null
  updatedAt: Date
  /** Whether an opportunity that the person belongs to is won. */
  hasWon: boolean
  consents: ConsentFact[]
}

/**
 * What a capture asks about people. Each table is read once and for itself: joined, a plan made while the tables were
 * small would read them once a person when they have grown.
 */
export async function findPersonFacts(
  tx: Transaction,
  personIds: readonly string[],
): Promise<Map<string, PersonFacts>> {
  const people = await tx.query(sql<{ personId: string; personal: Buffer | null; updatedAt: Date }>`
    select id as person_id, personal, updated_at from people where id = any(${personIds}::text[])`)
  const related = await tx.find(sql<{
    won: string[]
    consents: (Omit<ConsentFact, 'occurredAt'> & { personId: string; occurredAt: string })[] | null
  }>`
    select array(
        select op.person_id::text
        from opportunity_people op join opportunities o on o.id = op.opportunity_id
        where op.workspace_id = ${tx.workspaceId} and op.person_id = any(${personIds}::text[])
          and o.status = 'won' and o.deleted_at is null
      ) as won, (
        select jsonb_agg(jsonb_build_object('personId', c.person_id, 'purpose', c.purpose, 'channel', c.channel,
          'status', c.status, 'source', c.source, 'hasProof', c.proof is not null, 'occurredAt', c.occurred_at))
        from consents c where c.workspace_id = ${tx.workspaceId} and c.person_id = any(${personIds}::text[])
      ) as consents`)
  const won = new Set(related?.won)
  const consents = Map.groupBy(related?.consents ?? [], ({ personId }) => personId)
  const facts = people.map(({ personId, personal, updatedAt }): PersonFacts => ({
    personId,
    personal,
    updatedAt,
    hasWon: won.has(personId),
    consents: (consents.get(personId) ?? []).map((one) => ({
      ...one,
      occurredAt: new Date(one.occurredAt),
    })),
  }))
  return new Map(facts.map((one) => [one.personId, one]))
}

/** Which people, of these and of those they were merged into, belong to a won opportunity. */
export async function findWinners(
  tx: Transaction,
  personIds: readonly string[],
): Promise<Set<string>> {
  const rows = await tx.query(sql<{ personId: string }>`
    select distinct op.person_id
    from opportunity_people op join opportunities o on o.id = op.opportunity_id
    where op.workspace_id = ${tx.workspaceId} and o.status = 'won' and o.deleted_at is null
      and (op.person_id = any(${personIds}::text[]) or op.home_id = any(${personIds}::text[]))`)
  return new Set(rows.map(({ personId }) => personId))
}

/** Which of these ids and keys name campaigns: by text as given, in lower case. */
export async function findCampaigns(
  tx: Transaction,
  names: readonly string[],
): Promise<Map<string, string>> {
  const rows = await tx.query(sql<{ id: string; key: string }>`
    select id, key from campaigns
    where workspace_id = ${tx.workspaceId} and deleted_at is null and (id = any(${names}::text[]) or key = any(${names}::text[]))`)
  return new Map(
    rows.flatMap(({ id, key }) => [
      [key, id],
      [id, id],
    ]),
  )
}

/** Adds new leads and writes changed ones. The caller holds `lockLeads` and counts versions up. */
export async function saveLeads(tx: Transaction, leads: readonly LeadState[]): Promise<void> {
  if (leads.length === 0) return
  const rows = leads.map(({ custom, override, ...lead }) => ({
    ...lead,
    routing: lead.routing ?? {},
    custom: custom === null ? null : tx.sealer.seal(custom, customContext(lead.id)).toString('hex'),
    overrideScore: override?.score ?? null,
    overrideReason: override?.reason ?? null,
    overrideBy: override?.by ?? null,
    overrideUntil: override?.until ?? null,
  }))
  await tx.execute(sql`
    insert into leads (id, workspace_id, person_id, home_id, status, is_customer, channel, campaign_id, attributes, custom, fit_score,
      engagement_score, score, score_parts, score_version, scored_at, override_score, override_reason, override_by,
      override_until, mql_at, owner_id, routing, disposition, captured_at, created_at, updated_at, version)
    select r.id, ${tx.workspaceId}, r."personId", r."homeId", r.status, r."isCustomer", r.channel, r."campaignId", r.attributes,
      decode(r.custom, 'hex'), r."fitScore", r."engagementScore", r.score, r."scoreParts", r."scoreVersion", r."scoredAt",
      r."overrideScore", r."overrideReason", r."overrideBy", r."overrideUntil", r."mqlAt", r."ownerId", r.routing,
      r.disposition, r."capturedAt", r."createdAt", r."updatedAt", r.version
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(id text, "personId" text, "homeId" text, status text, "isCustomer" boolean,
      channel text, "campaignId" text, attributes jsonb, custom text, "fitScore" smallint, "engagementScore" smallint,
      score smallint, "scoreParts" jsonb, "scoreVersion" integer, "scoredAt" timestamptz, "overrideScore" smallint,
      "overrideReason" text, "overrideBy" text, "overrideUntil" timestamptz, "mqlAt" timestamptz, "ownerId" text,
      routing jsonb, disposition text, "capturedAt" timestamptz, "createdAt" timestamptz, "updatedAt" timestamptz,
      version integer)
    on conflict (id) do update set person_id = excluded.person_id, home_id = excluded.home_id, status = excluded.status,
      is_customer = excluded.is_customer, channel = excluded.channel, campaign_id = excluded.campaign_id,
      attributes = excluded.attributes, custom = excluded.custom, fit_score = excluded.fit_score,
      engagement_score = excluded.engagement_score, score = excluded.score, score_parts = excluded.score_parts,
      score_version = excluded.score_version, scored_at = excluded.scored_at, override_score = excluded.override_score,
      override_reason = excluded.override_reason, override_by = excluded.override_by,
      override_until = excluded.override_until, mql_at = excluded.mql_at, owner_id = excluded.owner_id,
      routing = excluded.routing, disposition = excluded.disposition, captured_at = excluded.captured_at,
      updated_at = excluded.updated_at, version = excluded.version`)
}

export interface Receipt {
  id: string
  leadId: string
  match: LeadMatch
  source: string
  channel: string
  campaignId: string | null
  touchpointId: string | null
  capturedAt: Date
}

export async function insertReceipts(
  tx: Transaction,
  receipts: readonly Receipt[],
  now: Date,
): Promise<void> {
  await tx.execute(sql`
    insert into lead_captures
      (id, workspace_id, lead_id, match, source, channel, campaign_id, touchpoint_id, captured_at, received_at)
    select r.id, ${tx.workspaceId}, r."leadId", r.match, r.source, r.channel, r."campaignId", r."touchpointId",
      r."capturedAt", ${now}::timestamptz
    from jsonb_to_recordset(${JSON.stringify(receipts)}::jsonb) as r(id text, "leadId" text, match text, source text,
      channel text, "campaignId" text, "touchpointId" text, "capturedAt" timestamptz)`)
}
