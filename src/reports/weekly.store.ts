import { sql } from 'kysely'
import type { z } from 'zod'
import { decodeCursor, type PageQuery } from '#core/page.ts'
import type { FoundItem, RestatedCause } from '#reports/weekly.rules.ts'
import type { AgendaItem, WeeklyHead, WeeklySummary } from '#reports/weekly.schema.ts'
import type { Transaction } from '#store/store.ts'

type Head = z.output<typeof WeeklyHead>
export type WeeklyRow = Head & { figures: Record<string, unknown> }

/** Monday of a day's week, or of the last full week, in the workspace's time zone. */
export async function findWeek(tx: Transaction, day: string | null, now: Date): Promise<string> {
  const row = await tx.find(sql<{ week: string }>`
    select (case when ${day}::date is null
      then date_trunc('week', ${now}::timestamptz at time zone time_zone) - interval '7 days'
      else date_trunc('week', ${day}::date::timestamp) end)::date as week
    from workspaces where id = ${tx.workspaceId}`)
  return row!.week
}

/** Answers whether it was new: a week has one report, and it is never changed. */
export async function insertWeekly(tx: Transaction, row: WeeklyRow): Promise<boolean> {
  const added = await tx.execute(sql`
    insert into weekly_reports (id, workspace_id, week, figures, sha256, created_at, created_by)
    values (${row.id}, ${tx.workspaceId}, ${row.week}, ${JSON.stringify(row.figures)}::jsonb, ${row.sha256}, ${row.createdAt},
      ${row.createdBy})
    on conflict (workspace_id, week) do nothing`)
  return added > 0
}

const HEAD = sql`id, week, sha256, created_at, created_by`

export function findWeekly(
  tx: Transaction,
  by: { id: string } | { week: string },
): Promise<WeeklyRow | null> {
  const which = 'id' in by ? sql`id = ${by.id}` : sql`week = ${by.week}::date`
  return tx.find(sql<WeeklyRow>`select ${HEAD}, figures from weekly_reports where ${which}`)
}

/** One more than the page, newest first. */
export function listWeeklies(
  tx: Transaction,
  { limit, cursor }: PageQuery,
): Promise<z.output<typeof WeeklySummary>[]> {
  const after =
    cursor === undefined ? sql`` : sql`where week < ${decodeCursor(cursor, 1)[0]}::text::date`
  return tx.query(sql<z.output<typeof WeeklySummary>>`
    with page as (
      select ${HEAD}, figures ->> 'currency' as currency,
        (figures #>> '{current,closed,won,amountMinor}')::bigint as won_minor,
        (figures #>> '{current,closed,won,deals}')::int as won_deals,
        (figures #>> '{current,leads,leads}')::int as leads,
        (figures #>> '{current,conversion,period,total,mqls}')::int as mqls
      from weekly_reports ${after} order by week desc limit ${limit + 1}
    ), item as (
      select week, count(*) as items, count(*) filter (where state = 'open') as open_items
      from agenda_items where week in (select week from page) group by week
    ), comment as (
      select report_id, count(*) as comments from report_comments
      where report_id in (select id from page) group by report_id
    )
    select p.*, coalesce(i.items, 0) as items, coalesce(i.open_items, 0) as open_items, coalesce(c.comments, 0) as comments
    from page p left join item i on i.week = p.week left join comment c on c.report_id = p.id
    order by p.week desc`)
}

/** What moved ended weeks during a week, under the default model and the first window kept. */
export function listRestatedCauses(
  tx: Transaction,
  week: string,
  lens: { model: string; windowDays: number; currency: string },
): Promise<RestatedCause[]> {
  return tx.query(sql<RestatedCause>`
    select cause, sum(delta_minor)::bigint as delta_minor,
      (select count(distinct id) from unnest(array_agg(array_to_string(opportunity_ids, ','))) ids,
        unnest(string_to_array(ids, ',')) id) as deals
    from attribution_restatements r join workspaces w on w.id = ${tx.workspaceId}
    where restated_at >= ${week}::date::timestamp at time zone w.time_zone
      and restated_at < (${week}::date + 7)::timestamp at time zone w.time_zone
      and window_days = ${lens.windowDays} and model in (${lens.model}, 'all') and r.currency = ${lens.currency}
    group by cause having sum(delta_minor) <> 0 order by abs(sum(delta_minor)) desc`)
}

export async function insertAgenda(
  tx: Transaction,
  week: string,
  items: readonly (Omit<FoundItem, 'kind'> & {
    kind: string
    id: string
    ownerId: string | null
  })[],
  now: Date,
): Promise<void> {
  if (items.length === 0) return
  await tx.execute(sql`
    insert into agenda_items (id, workspace_id, week, kind, subject, title, link, owner_id, created_at)
    select r.id, ${tx.workspaceId}, ${week}::date, r.kind, r.subject, left(r.title, 300), r.link, r."ownerId", ${now}::timestamptz
    from jsonb_to_recordset(${JSON.stringify(items)}::jsonb)
      as r (id text, kind text, subject text, title text, link text, "ownerId" text)
    on conflict (workspace_id, week, kind, subject) do nothing`)
}

const ITEM = sql`a.id, a.week, a.kind, a.title, a.link, a.owner_id, a.state, a.created_at`

/** The items of a week, and the open ones of earlier weeks. At most 200. */
export function listAgenda(tx: Transaction, week: string): Promise<AgendaItem[]> {
  return tx.query(sql<AgendaItem>`
    select ${ITEM}, a.week < ${week}::date as is_carried_over from agenda_items a
    where a.week = ${week}::date or (a.week < ${week}::date and a.state = 'open')
    order by a.week desc, a.id limit 200`)
}

/** Changes an item; null when there is none. */
export async function updateAgendaItem(
  tx: Transaction,
  {
    itemId,
    state,
    ownerId,
  }: { itemId: string; state?: string | undefined; ownerId?: string | null | undefined },
  now: Date,
): Promise<AgendaItem | null> {
  return tx.find(sql<AgendaItem>`
    update agenda_items a set state = coalesce(${state ?? null}, state),
      owner_id = case when ${ownerId !== undefined} then ${ownerId ?? null} else owner_id end,
      closed_at = case coalesce(${state ?? null}, state) when 'done' then coalesce(closed_at, ${now}::timestamptz) end
    where id = ${itemId} returning ${ITEM}, false as is_carried_over`)
}

export async function hasOwner(tx: Transaction, ownerId: string): Promise<boolean> {
  const row = await tx.find(sql<{ found: boolean }>`
    select exists (select 1 from owners where id = ${ownerId}) as found`)
  return row!.found
}

export interface CommentRow {
  id: `cmt_${string}`
  body: Buffer
  createdAt: Date
  createdBy: string
}

export async function insertComment(
  tx: Transaction,
  reportId: string,
  { id, body, createdAt, createdBy }: CommentRow,
): Promise<void> {
  await tx.execute(sql`
    insert into report_comments (id, workspace_id, report_id, body, created_at, created_by)
    values (${id}, ${tx.workspaceId}, ${reportId}, ${body}, ${createdAt}, ${createdBy})`)
}

/** One more than the page, oldest first. */
export function listComments(
  tx: Transaction,
  reportId: string,
  { limit, cursor }: PageQuery,
): Promise<CommentRow[]> {
  const after = cursor === undefined ? sql`` : sql`and id > ${decodeCursor(cursor, 1)[0]}::text`
  return tx.query(sql<CommentRow>`
    select id, body, created_at, created_by from report_comments
    where report_id = ${reportId} ${after} order by id limit ${limit + 1}`)
}

/** When the meeting about each of the last reports is: Monday after the week at nine, in the workspace's time zone. */
export function listMeetings(
  tx: Transaction,
  most: number,
): Promise<{ id: string; week: string; startsAt: Date; titles: string[] }[]> {
  return tx.query(sql`
    select r.id, r.week, (r.week + 7 + time '09:00') at time zone w.time_zone as starts_at,
      array(select a.title from agenda_items a
        where a.workspace_id = r.workspace_id and (a.week = r.week or (a.week < r.week and a.state = 'open'))
        order by a.week desc, a.id limit 50) as titles
    from weekly_reports r join workspaces w on w.id = r.workspace_id
    order by r.week desc limit ${most}`)
}
