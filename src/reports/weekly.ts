import { sql } from 'kysely'
import { z } from 'zod'
import { newId } from '#core/id.ts'
import { HOUR_MS } from '#core/time.ts'
import type { RawRoute } from '#gateway/raw-route.ts'
import type { Timer } from '#jobs/job.ts'
import { recordOwnWork } from '#jobs/own-work.ts'
import { addDays } from '#core/calendar.ts'
import { resolveLens, readSetting, windowOf } from '#reports/lens.store.ts'
import { readPerformance } from '#reports/performance.operations.ts'
import { PerformanceQuery, PerformanceReport } from '#reports/performance.schema.ts'
import { DisagreementQuery } from '#reports/source-claim.schema.ts'
import { listDisputed } from '#reports/source-claim.store.ts'
import { agendaOf, calendarOf, hashOf } from '#reports/weekly.rules.ts'
import {
  findWeek,
  insertAgenda,
  insertWeekly,
  listMeetings,
  listRestatedCauses,
} from '#reports/weekly.store.ts'
import type { Transaction } from '#store/store.ts'

/**
 * Freezes the figures of a week and fills its agenda; a week that has a report keeps it.
 * @param week  its Monday.
 * @returns the id of the new report; null when there was one.
 */
export async function freezeWeek(
  tx: Transaction,
  week: string,
  by: string,
  now: Date,
): Promise<string | null> {
  const { windows } = await readSetting(tx, {}, now)
  const window = windowOf(windows.find((days) => days > 0) ?? 0)
  const period = { from: week, to: addDays(week, 6) }
  const query = PerformanceQuery.parse({ ...period, window, compare: 'previous' })
  const report = await readPerformance(tx, query, now)
  const wire = z.encode(PerformanceReport, report)
  // When it was asked is no number of the week: two reports of the same numbers have the same hash.
  const figures = { ...wire, freshness: undefined, pipeline: { ...wire.pipeline, asOf: undefined } }
  const kept = JSON.parse(JSON.stringify(figures)) as Record<string, unknown>
  const id = newId('rpt')
  const row = { id, week, figures: kept, sha256: hashOf(kept), createdAt: now, createdBy: by }
  if (!(await insertWeekly(tx, row))) return null
  const lens = await resolveLens(tx, query, now)
  const [restated, disputed] = await Promise.all([
    listRestatedCauses(tx, week, { ...lens.answer, windowDays: lens.windowDays }),
    listDisputed(tx, lens, DisagreementQuery.parse({ ...period, limit: '5' })),
  ])
  const items = agendaOf(report, restated, disputed)
  await insertAgenda(
    tx,
    week,
    items.map((item) => ({ ...item, id: newId('agd'), ownerId: null })),
    now,
  )
  return id
}

/** On Monday, by each workspace's own clock, the week before is frozen. */
export const weeklyTimer: Timer = {
  name: 'reports.weekly',
  everyMs: HOUR_MS,
  async run({ store, clock }) {
    const now = clock.now()
    const due = await store.system((tx) =>
      tx.query(sql<{ workspaceId: string }>`
        select w.id as workspace_id from workspaces w
        join attribution_state s on s.workspace_id = w.id and s.computed_at is not null
        where not exists (
          select 1 from weekly_reports r where r.workspace_id = w.id
            and r.week = (date_trunc('week', ${now}::timestamptz at time zone w.time_zone) - interval '7 days')::date)`),
    )
    for (const { workspaceId } of due) {
      await store.transaction(workspaceId, async (tx) => {
        const id = await freezeWeek(tx, await findWeek(tx, null, now), 'system', now)
        if (id === null) return
        const events = [{ event: 'report.weekly_created', subjectId: id }]
        const audits = [{ action: 'createWeeklyReport', subjectId: id }]
        await recordOwnWork(tx, { events, audits }, now)
      })
    }
  },
}

const MOST_MEETINGS = 26

/** The weekly meetings for a calendar program, which cannot send a header: it gives its key in the address. */
export const weeklyCalendar: RawRoute = {
  id: 'getWeeklyCalendar',
  method: 'GET',
  path: '/api/v1/reports/weekly.ics',
  scope: 'performance:read',
  maxBytes: 0,
  credential({ query }) {
    const { key } = query
    return typeof key === 'string' && key !== '' ? key.slice(0, 500) : null
  },
  async handle({ store, principal, now }) {
    const rows = await store.read(principal!.workspaceId, (tx) => listMeetings(tx, MOST_MEETINGS))
    const meetings = rows.map(({ id, week, startsAt, titles }) => ({
      id,
      startsAt,
      title: `Weekly report of ${week}`,
      lines: [`/api/v1/reports/weekly/${id}`, ...titles.map((title) => `- ${title}`)],
    }))
    return {
      status: 200,
      headers: { 'content-type': 'text/calendar; charset=utf-8' },
      body: calendarOf(meetings, now),
    }
  },
}
