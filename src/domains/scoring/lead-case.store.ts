import { sql, type RawBuilder } from 'kysely'
import { freeMailDomains } from '#analytics/scoring/default-rules.ts'
import { openPersonal } from '#people/person.store.ts'
import type { Transaction } from '#store/store.ts'
import { readTitle, type FeatureRow } from './feature.rules.ts'

/** One lead at one moment. */
export interface LeadCase {
  id: string
  personId: string
  at: Date
  /** When what came of it was known; the moment itself for a lead that is scored now. */
  knownAt: Date
  label: 0 | 1
  features: FeatureRow
}

type Subject = Omit<LeadCase, 'features'>

/** Past cases that one statement reads. */
const PAGE = 2000

/** The oldest that a lead is when a model learns from it, in days. */
const OLDEST_DAYS = 180

type LeadTarget = 'lead_qualified' | 'lead_won'

/** When sales opened a deal with the person of lead `l`, or won one; null where neither. */
function outcomeOf(tx: Transaction, target: LeadTarget): RawBuilder<unknown> {
  return target === 'lead_won'
    ? sql`select min(o.closed_at) as happened_at
        from opportunity_people op join opportunities o on o.id = op.opportunity_id
        where op.workspace_id = ${tx.workspaceId} and op.person_id = l.person_id and o.status = 'won'
          and o.deleted_at is null`
    : sql`select min(o.opened_at) as happened_at
        from opportunity_people op join opportunities o on o.id = op.opportunity_id
        where op.workspace_id = ${tx.workspaceId} and op.person_id = l.person_id and o.deleted_at is null`
}

/**
 * Past leads, each once, at a moment of its life that only its id decides: young ones more often, as leads that are
 * scored are. A lead whose outcome came before the moment is none, nor one whose time is not over yet.
 */
function pastLeads(tx: Transaction, target: LeadTarget, horizonDays: number, now: Date) {
  return sql`
    select l.id, l.person_id, m.at, m.at + make_interval(days => ${horizonDays}::int) as known_at,
      case when f.happened_at <= m.at + make_interval(days => ${horizonDays}::int) then 1 else 0 end as label
    from leads l
    cross join lateral (
      select l.captured_at + make_interval(secs => 86400 * ${OLDEST_DAYS}::int
        * power((hashtextextended(l.id, 7) & 65535) / 65536.0, 3)) as at
    ) m
    cross join lateral (${outcomeOf(tx, target)}) f
    where l.workspace_id = ${tx.workspaceId} and l.merged_into is null
      and m.at + make_interval(days => ${horizonDays}::int) <= ${now}::timestamptz
      and (f.happened_at is null or f.happened_at > m.at)`
}

/** How many past leads there are to learn from, and how many of them came to the outcome in time. */
export async function countPastLeads(
  tx: Transaction,
  target: LeadTarget,
  horizonDays: number,
  now: Date,
): Promise<{ rows: number; positives: number }> {
  const row = await tx.find(sql<{ rows: number; positives: number }>`
    select count(*)::int as rows, count(*) filter (where label = 1)::int as positives
    from (${pastLeads(tx, target, horizonDays, now)}) p`)
  return row!
}

/** The latest past leads, at most `limit`, in the order of their moments. */
export async function listPastLeads(
  tx: Transaction,
  target: LeadTarget,
  { horizonDays, now, limit }: { horizonDays: number; now: Date; limit: number },
): Promise<LeadCase[]> {
  const subjects = await tx.query(sql<Subject>`
    select * from (${pastLeads(tx, target, horizonDays, now)}) p order by p.at desc, p.id limit ${limit}`)
  const cases: LeadCase[] = []
  for (let start = 0; start < subjects.length; start += PAGE) {
    const page = JSON.stringify(subjects.slice(start, start + PAGE))
    cases.push(
      ...(await readCases(
        tx,
        sql`select r.id, r."personId" as person_id, r.at, r."knownAt" as known_at, r.label
          from jsonb_to_recordset(${page}::jsonb)
            as r(id text, "personId" text, at timestamptz, "knownAt" timestamptz, label int)`,
      )),
    )
  }
  return cases.toSorted((a, b) => a.at.getTime() - b.at.getTime() || (a.id < b.id ? -1 : 1))
}

/**
 * The next leads after one that are still to come to the outcome, as they are now.
 * @param changed  only those that have no probability yet, or changed since they got it.
 */
export async function listOpenLeads(
  tx: Transaction,
  target: LeadTarget,
  page: { now: Date; after: string; limit: number; changed: boolean },
): Promise<LeadCase[]> {
  const { now, after, limit, changed } = page
  return readCases(
    tx,
    sql`
      select l.id, l.person_id, ${now}::timestamptz as at, ${now}::timestamptz as known_at, 0 as label
      from leads l
      where l.workspace_id = ${tx.workspaceId} and l.id > ${after} and l.merged_into is null
        and ${isOpen(tx, target)}
        and (not ${changed} or not exists (
          select from learned_scores s
          where s.workspace_id = ${tx.workspaceId} and s.target = ${target} and s.subject_id = l.id
            and s.scored_at >= greatest(l.updated_at, l.scored_at)
        ))
      order by l.id limit ${limit}`,
  )
}

/** Whether a lead `l` is still to come to the outcome. */
function isOpen(tx: Transaction, target: LeadTarget): RawBuilder<unknown> {
  return sql`not exists (
    select from opportunity_people op join opportunities o on o.id = op.opportunity_id
    where op.workspace_id = ${tx.workspaceId} and op.person_id = l.person_id and o.deleted_at is null
      and (${target === 'lead_qualified'} or o.status = 'won')
  )`
}

export async function isOpenLead(
  tx: Transaction,
  target: LeadTarget,
  leadId: string,
): Promise<boolean> {
  const row = await tx.find(
    sql`select from leads l where l.id = ${leadId} and ${isOpen(tx, target)}`,
  )
  return row !== null
}

/** One lead as it is now; null when there is none, or it was merged into another. */
export async function findLeadCase(
  tx: Transaction,
  leadId: string,
  now: Date,
): Promise<LeadCase | null> {
  const [found] = await readCases(
    tx,
    sql`select l.id, l.person_id, ${now}::timestamptz as at, ${now}::timestamptz as known_at, 0 as label
      from leads l where l.id = ${leadId} and l.workspace_id = ${tx.workspaceId} and l.merged_into is null`,
  )
  return found ?? null
}

interface CaseRow {
  id: string
  personId: string
  at: Date
  knownAt: Date
  label: 0 | 1
  personal: Buffer | null
  emailDomain: string | null
  features: Record<string, string | number | null>
}

/**
 * What is known of leads at their moments: nothing that happened later is counted, a touch as little as a consent or a
 * submission. Facts of the company have no history; that they were filled in by the outcome is what the leakage check
 * is for. One statement, whatever the number; each subject looks its rows up by key, since a join is planned by what the
 * tables held when they were last counted.
 */
async function readCases(tx: Transaction, subjects: RawBuilder<unknown>): Promise<LeadCase[]> {
  const rows = await tx.query(sql<CaseRow>`
    with s as materialized (${subjects})
    select s.id, s.person_id, s.at, s.known_at, s.label, p.personal, l.attributes->>'emailDomain' as email_domain,
      jsonb_build_object(
        'channel', l.channel, 'campaign', l.campaign_id, 'country', l.attributes->>'country',
        'industry', l.attributes->>'industry', 'employees', (l.attributes->>'employees')::float8,
        'consent', a.status,
        'ageDays', extract(epoch from s.at - l.captured_at) / 86400,
        'captures', c.captures, 'touches', t.touches,
        'touches7', t.touches7, 'touches30', t.touches30,
        'activeDays', t.active_days, 'channels', t.channels,
        'quietDays', extract(epoch from s.at - t.last_at) / 86400,
        'demoRequests', t.demo_requests, 'forms', t.forms,
        'events', t.events, 'emailClicks', t.email_clicks,
        'adClicks', t.ad_clicks, 'unsubscribes', t.unsubscribes
      ) as features
    from s join leads l on l.id = s.id join people p on p.id = s.person_id
    cross join lateral (
      select count(*) as touches,
        count(*) filter (where t.occurred_at > s.at - interval '7 days') as touches7,
        count(*) filter (where t.occurred_at > s.at - interval '30 days') as touches30,
        count(distinct (t.occurred_at at time zone 'UTC')::date) as active_days,
        count(distinct t.channel) as channels,
        max(t.occurred_at) as last_at,
        count(*) filter (where t.kind = 'demo_request') as demo_requests,
        count(*) filter (where t.kind = 'form_submission') as forms,
        count(*) filter (where t.kind like 'webinar%' or t.kind like 'event%' or t.kind = 'meeting') as events,
        count(*) filter (where t.kind = 'email_click') as email_clicks,
        count(*) filter (where t.kind = 'ad_click') as ad_clicks,
        count(*) filter (where t.kind = 'unsubscribe') as unsubscribes
      from touchpoints t
      where t.workspace_id = ${tx.workspaceId} and t.person_id = s.person_id and t.occurred_at <= s.at
    ) t
    cross join lateral (
      select count(*) as captures from lead_captures c
      where c.workspace_id = ${tx.workspaceId} and c.lead_id = s.id and c.captured_at <= s.at
    ) c
    left join lateral (
      select c.status from consents c
      where c.workspace_id = ${tx.workspaceId} and c.person_id = s.person_id and c.purpose = 'marketing'
        and c.occurred_at <= s.at
      order by c.occurred_at desc, c.id desc limit 1
    ) a on true
    order by s.id`)
  return rows.map(({ personal, emailDomain, features, ...row }) => {
    const { jobTitle } = openPersonal(tx, row.personId, personal)
    const mail = emailDomain === null ? null : freeMail.has(emailDomain) ? 'free' : 'company'
    return { ...row, features: { ...features, mail, ...readTitle(jobTitle ?? null) } }
  })
}

const freeMail = new Set(freeMailDomains)
