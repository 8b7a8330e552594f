import { sql } from 'kysely'
import type { Allowance, Period } from '#levels/quota.rules.ts'
import type { UsageDay } from '#levels/quota.schema.ts'
import type { Queries, SystemTransaction, Transaction } from '#store/store.ts'

export interface QuotaRow extends Allowance {
  subject: string
  version: number
  updatedAt: Date
}

const columns = sql`subject, per_day, per_month, version, updated_at`

/** In the order of the subjects; a workspace has at most a few hundred. */
export function listQuotas(tx: Transaction, limit: number, after: string): Promise<QuotaRow[]> {
  return tx.query(sql<QuotaRow>`
    select ${columns} from quotas where subject > ${after} order by subject limit ${limit}`)
}

/** Processes keep quotas for some seconds: this tells them to read again. */
async function tellChange(tx: Transaction): Promise<void> {
  await tx.execute(sql`select pg_notify('throughline_quotas', ${tx.workspaceId})`)
}

/** Sets the quota. What was used so far counts, also from before there was one, and each event may be told once more. */
export async function saveQuota(
  tx: Transaction,
  subject: string,
  { perDay, perMonth }: Allowance,
  now: Date,
): Promise<QuotaRow> {
  const row = await tx.find(sql<QuotaRow>`
    insert into quotas as known (subject, per_day, per_month, updated_at) values (${subject}, ${perDay}, ${perMonth}, ${now})
    on conflict (workspace_id, subject) do update
    set per_day = excluded.per_day, per_month = excluded.per_month, updated_at = excluded.updated_at, version = known.version + 1
    returning ${columns}`)
  await tx.execute(sql`
    update quota_periods p set warned_at = null, exceeded_at = null, taken = greatest(p.taken, u.requests), used = greatest(p.used, u.requests)
    from (
      select q.period, q.starts_on, coalesce(sum(d.requests), 0)::bigint as requests from quota_periods q
      left join usage_days d on d.subject = q.subject and d.day >= q.starts_on
      where q.subject = ${subject} and q.starts_on >= date_trunc('month', ${now}::timestamptz at time zone 'UTC')::date
        and (q.period = 'month' or q.starts_on = (${now}::timestamptz at time zone 'UTC')::date)
      group by q.period, q.starts_on) u
    where p.subject = ${subject} and p.period = u.period and p.starts_on = u.starts_on`)
  await tellChange(tx)
  return row!
}

export async function deleteQuota(tx: Transaction, subject: string): Promise<QuotaRow | null> {
  const row = await tx.find(sql<QuotaRow>`
    delete from quotas where subject = ${subject} returning ${columns}`)
  if (row) await tellChange(tx)
  return row
}

/** Whether there is such a key, client, person or role of this workspace's own. */
export async function hasSubject(tx: Transaction, subject: string): Promise<boolean> {
  const role = subject.startsWith('role.') ? subject.slice('role.'.length) : ''
  const row = await tx.find(sql<{ found: boolean }>`
    select exists (select from api_keys where id = ${subject}) or exists (select from oauth_clients where id = ${subject})
      or exists (select from users where id = ${subject}) or exists (select from custom_roles where name = ${role}) as found`)
  return row?.found ?? false
}

export interface UseRow {
  subject: string
  period: Period
  used: number
}

/** What was used of periods that run now. A key that replaced another has used what that one did. */
export function sumUsage(
  tx: Transaction,
  spans: readonly { subject: string; period: Period; startsOn: string }[],
): Promise<UseRow[]> {
  return tx.query(sql<UseRow>`
    select r.subject, r.period, greatest(coalesce(max(p.used), 0), coalesce(sum(d.requests), 0))::bigint as used
    from jsonb_to_recordset(${JSON.stringify(spans)}::jsonb) as r(subject text, period text, "startsOn" date)
    left join usage_days d on d.subject = r.subject and d.day >= r."startsOn"
    left join quota_periods p on p.subject = r.subject and p.period = r.period and p.starts_on = r."startsOn"
    group by r.subject, r.period`)
}

/** Days of use, newest first and then by subject. */
export function listUsage(
  tx: Transaction,
  filter: { subject: string | null; from: string | null; to: string | null },
  limit: number,
  after: { day: string; subject: string } | null,
): Promise<UsageDay[]> {
  const { subject, from, to } = filter
  return tx.query(sql<UsageDay>`
    select day, subject, requests, refused from usage_days
    where (${subject}::text is null or subject = ${subject}) and (${from}::date is null or day >= ${from}::date)
      and (${to}::date is null or day <= ${to}::date)
      and (${after?.day ?? null}::date is null or day < ${after?.day ?? null}::date
        or day = ${after?.day ?? null}::date and subject > ${after?.subject ?? null})
    order by day desc, subject limit ${limit}`)
}

export interface Wish {
  subject: string
  period: Period
  startsOn: string
  limit: number
  /** Requests that wait for it. */
  waiting: number
  /** The block asked for. */
  block: number
}

export interface Grant {
  subject: string
  period: Period
  granted: number
  taken: number
}

/** So much of what is left may go to one process beyond what waits there: others find some, and a crash loses little. */
const SHARE = 16

/**
 * Takes blocks of several quotas, each as far as it goes: what waits in this process, or else the block within a sixteenth of what is left.
 * The rows are locked in one order, so that two processes never wait for each other.
 * @param isNew  whether some of the periods may have no row yet.
 */
export async function takeBlocks(
  tx: Transaction,
  wishes: readonly Wish[],
  isNew: boolean,
): Promise<Grant[]> {
  const rows = sql`jsonb_to_recordset(${JSON.stringify(wishes)}::jsonb)
    as r(subject text, period text, "startsOn" date, "limit" bigint, waiting integer, block integer)`
  const own = sql`p.subject = r.subject and p.period = r.period and p.starts_on = r."startsOn"`
  if (isNew)
    await tx.execute(sql`
      insert into quota_periods (subject, period, starts_on, taken, used)
      select r.subject, r.period, r."startsOn", u.requests, u.requests
      from ${rows}
      cross join lateral (
        select coalesce(sum(d.requests), 0)::bigint as requests from usage_days d
        where d.subject = r.subject and d.day >= r."startsOn"
          and d.day < r."startsOn" + case when r.period = 'day' then interval '1 day' else interval '1 month' end) u
      order by r.subject, r.period
      on conflict do nothing`)
  if (wishes.length > 1)
    await tx.query(sql`
      select 1 from quota_periods p join ${rows} on ${own} order by p.subject, p.period for update of p`)
  return tx.query(sql<Grant>`
    update quota_periods p set
      taken = p.taken + greatest(0, least(r."limit" - p.taken, greatest(r.waiting, least(r.block, (r."limit" - p.taken) / ${SHARE})))),
      granted = greatest(0, least(r."limit" - p.taken, greatest(r.waiting, least(r.block, (r."limit" - p.taken) / ${SHARE}))))
    from ${rows} where ${own}
    returning p.subject, p.period, p.granted, p.taken`)
}

export interface Settlement {
  workspaceId: string
  subject: string
  period: Period
  startsOn: string
  limit: number
  used: number
  refused: number
  /** Of a block, no longer wanted here. */
  back: number
}

/**
 * Tells what became of blocks; several workspaces in one go. Events of 80 % and of 100 % are written with it, each once a period.
 */
export async function settle(
  tx: SystemTransaction,
  settlements: readonly Settlement[],
  now: Date,
): Promise<void> {
  if (settlements.length === 0) return
  const rows = sql`jsonb_to_recordset(${JSON.stringify(settlements)}::jsonb)
    as r("workspaceId" text, subject text, period text, "startsOn" date, "limit" bigint, used bigint, refused bigint, back bigint)`
  const own = sql`p.workspace_id = r."workspaceId" and p.subject = r.subject and p.period = r.period and p.starts_on = r."startsOn"`
  await tx.query(sql`
    select 1 from quota_periods p join ${rows} on ${own} order by p.workspace_id, p.subject, p.period, p.starts_on for update of p`)
  await tx.execute(sql`
    update quota_periods p set used = p.used + r.used, taken = p.taken - r.back from ${rows} where ${own}`)
  // Who is refused has used four fifths, though another process may not have told of it yet: the warning comes first.
  await tell(
    tx,
    'quota.warning',
    sql`
    update quota_periods p set warned_at = ${now} from ${rows}
    where ${own} and p.warned_at is null
      and (p.used * 5 >= r."limit" * 4 or (r.refused > 0 and p.taken >= r."limit"))`,
    now,
  )
  await tell(
    tx,
    'quota.exceeded',
    sql`
    update quota_periods p set exceeded_at = ${now} from ${rows}
    where ${own} and p.exceeded_at is null and r.refused > 0 and p.taken >= r."limit"`,
    now,
  )
}

/** Writes one event for each row that the update changes. */
async function tell(
  tx: SystemTransaction,
  event: string,
  update: ReturnType<typeof sql>,
  now: Date,
): Promise<void> {
  await tx.execute(sql`
    with told as (${update} returning p.workspace_id, p.subject, p.period, p.starts_on, p.used, r."limit")
    insert into outbox (workspace_id, event, subject_id, data, occurred_at)
    select workspace_id, ${event}, subject,
      jsonb_build_object('period', period, 'startsOn', starts_on, 'used', used, 'limit', "limit"), ${now}
    from told order by workspace_id, subject, period`)
}

export interface UsageCount {
  workspaceId: string
  day: string
  subject: string
  requests: number
  refused: number
}

/** Adds to the days of use; one statement for all workspaces. */
export async function addUsage(
  tx: SystemTransaction,
  counts: readonly UsageCount[],
): Promise<void> {
  if (counts.length === 0) return
  await tx.execute(sql`
    insert into usage_days as known (workspace_id, day, subject, requests, refused)
    select r."workspaceId", r.day, r.subject, r.requests, r.refused
    from jsonb_to_recordset(${JSON.stringify(counts)}::jsonb)
      as r("workspaceId" text, day date, subject text, requests bigint, refused bigint)
    order by r."workspaceId", r.day, r.subject
    on conflict (workspace_id, day, subject) do update
    set requests = known.requests + excluded.requests, refused = known.refused + excluded.refused`)
}

/** A key that replaces another has its quota, and has used what that one used: replacing a key is no way to a second quota. */
export async function inheritQuotas(tx: Transaction, keyIds: readonly string[]): Promise<void> {
  const made = await tx.execute(sql`
    insert into quotas (subject, per_day, per_month, updated_at)
    select k.rotated_to, q.per_day, q.per_month, q.updated_at from quotas q join api_keys k on k.id = q.subject
    where k.rotated_to = any(${[...keyIds]}::text[]) order by 1
    on conflict do nothing`)
  await tx.execute(sql`
    insert into quota_periods (subject, period, starts_on, taken, used, warned_at, exceeded_at)
    select k.rotated_to, p.period, p.starts_on, p.taken, p.used, p.warned_at, p.exceeded_at
    from quota_periods p join api_keys k on k.id = p.subject
    where k.rotated_to = any(${[...keyIds]}::text[]) order by 1, 2, 3
    on conflict do nothing`)
  if (made > 0) await tellChange(tx)
}

/** Lets go of periods and days of use that nobody asks for any more. */
export async function forgetUsage(tx: Queries, before: string): Promise<void> {
  await tx.execute(sql`delete from quota_periods where starts_on < ${before}::date`)
  await tx.execute(sql`delete from usage_days where day < ${before}::date`)
}
