import { sql, type RawBuilder } from 'kysely'
import type { z } from 'zod'
import { decodeCursor } from '#core/page.ts'
import { ledgerTable } from '#reports/ledger-table.ts'
import { inPeriod, type Lens } from '#reports/lens.store.ts'
import type { DisagreementQuery, Speaker } from '#reports/source-claim.schema.ts'
import type { NamedChannel } from '#reports/source-claim.rules.ts'
import type { Transaction } from '#store/store.ts'

export function listChannelNames(tx: Transaction): Promise<NamedChannel[]> {
  return tx.query(sql<NamedChannel>`select key, label from channels order by key`)
}

export async function hasSubject(tx: Transaction, subjectId: string): Promise<boolean> {
  const row = await tx.find(sql<{ found: boolean }>`
    select exists (select 1 from leads where id = ${subjectId} and merged_into is null)
      or exists (select 1 from opportunities where id = ${subjectId} and deleted_at is null) as found`)
  return row!.found
}

export interface ClaimRow {
  subjectId: string
  speaker: z.output<typeof Speaker>
  channel: string | null
  answer: Buffer | null
  claimedAt: Date
  claimedBy: string
}

export async function upsertClaim(tx: Transaction, claim: ClaimRow): Promise<void> {
  await tx.execute(sql`
    insert into source_claims (workspace_id, subject_id, speaker, channel, answer, claimed_at, claimed_by)
    values (${tx.workspaceId}, ${claim.subjectId}, ${claim.speaker}, ${claim.channel}, ${claim.answer}, ${claim.claimedAt},
      ${claim.claimedBy})
    on conflict (workspace_id, subject_id, speaker) do update
      set channel = excluded.channel, answer = excluded.answer, claimed_at = excluded.claimed_at, claimed_by = excluded.claimed_by`)
}

export function listClaims(tx: Transaction, subjectId: string): Promise<ClaimRow[]> {
  return tx.query(sql<ClaimRow>`
    select subject_id, speaker, channel, answer, claimed_at, claimed_by from source_claims
    where subject_id = ${subjectId} order by speaker`)
}

/** A won deal with what each says of it. */
export interface VoicedDeal {
  opportunityId: string
  amountMinor: number
  currency: string
  closedAt: Date
  model: string | null
  crm: string | null
  customer: string | null
  rep: string | null
  resolved: string | null
}

/** Won deals under the lens: what is said of the deal comes before what is said of its first lead. */
function voices(lens: Lens): RawBuilder<unknown> {
  const { model, currency } = lens.answer
  const said = (speaker: string) => sql`(
    select c.channel from source_claims c
    where c.speaker = ${speaker} and c.channel is not null and c.subject_id in (d.opportunity_id, lead.id)
    order by c.subject_id = d.opportunity_id desc limit 1)`
  return sql`
    select d.opportunity_id, d.amount_minor, d.currency, d.closed_at, credited.key as model,
      coalesce(${said('crm')}, lead.channel) as crm, ${said('customer')} as customer, ${said('rep')} as rep,
      ${said('resolved')} as resolved
    from ${ledgerTable('attribution_deals', lens)} d
    left join lateral (
      select t.key from credit_totals t
      where t.opportunity_id = d.opportunity_id and t.window_days = d.window_days and t.model = ${model} and t.kind = 'channel'
      order by t.share desc, t.key limit 1
    ) credited on true
    left join lateral (
      select l.id, l.channel from opportunity_people op join leads l on l.person_id = op.person_id and l.merged_into is null
      where op.opportunity_id = d.opportunity_id order by l.captured_at, l.id limit 1
    ) lead on true
    where d.window_days = ${lens.windowDays} and d.currency = ${currency} ${inPeriod(lens, sql`d.closed_at`)}`
}

/** How often each pair of answers of two voices occurs. */
export interface PairRow {
  voice: 'model' | 'crm' | 'customer' | 'rep'
  other: 'model' | 'crm' | 'customer' | 'rep'
  said: string
  otherSaid: string
  deals: number
}

export function countPairs(tx: Transaction, lens: Lens): Promise<PairRow[]> {
  return tx.query(sql<PairRow>`
    select p.voice, p.other, p.said, p.other_said, count(*) as deals
    from (${voices(lens)}) v
    cross join lateral (values ('model', 'crm', model, crm), ('model', 'customer', model, customer), ('model', 'rep', model, rep),
      ('crm', 'customer', crm, customer), ('crm', 'rep', crm, rep), ('customer', 'rep', customer, rep))
      as p (voice, other, said, other_said)
    where p.said is not null and p.other_said is not null
    group by 1, 2, 3, 4 order by 1, 2, count(*) desc, 3, 4`)
}

/** Deals of which two say different things; one more than the page, the largest first. */
export function listDisputed(
  tx: Transaction,
  lens: Lens,
  { show, cursor, limit }: z.output<typeof DisagreementQuery>,
): Promise<VoicedDeal[]> {
  const [amount, id] = cursor === undefined ? [] : decodeCursor(cursor, 2)
  const after =
    id === undefined
      ? sql``
      : sql`and (amount_minor, opportunity_id) < (${Number(amount)}::bigint, ${id}::identifier)`
  const settled = {
    open: sql`and resolved is null`,
    resolved: sql`and resolved is not null`,
    all: sql``,
  }
  return tx.query(sql<VoicedDeal>`
    select * from (${voices(lens)}) v
    where (select count(distinct said) from unnest(array[model, crm, customer, rep]) said) > 1 ${settled[show]} ${after}
    order by amount_minor desc, opportunity_id desc limit ${limit + 1}`)
}
