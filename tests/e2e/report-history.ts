import { issueKey } from '#access/bootstrap.ts'
import type { App } from '#app.ts'
import { quartersFrom } from '#console/pages/plans/plan-words.ts'
import { newId } from '#core/id.ts'
import { DAY_MS, HOUR_MS } from '#core/time.ts'
import { addDays } from '#core/calendar.ts'
import { findWeek, insertAgenda, insertComment } from '#reports/weekly.store.ts'
import { freezeWeek } from '#reports/weekly.ts'

const COMMENTS = [
  'A good week: two of the large deals of October closed in it.',
  'The webinar brought fewer leads than the last one.\nLet us look at the invitation before the next.',
]

export interface ReportHistory {
  /** The report of the last full week. */
  weeklyId: string
  /** The present quarter, which has a plan of two versions. */
  quarter: string
}

/** Three weeks that were reported, of which one is still talked about, and a quarter whose plan was changed once. */
export async function seedReportHistory(
  app: App,
  workspaceId: string,
  ownerId: string,
  now: Date,
): Promise<ReportHistory> {
  const { store } = app
  const last = await store.transaction(workspaceId, (tx) => findWeek(tx, null, now))
  const ids: string[] = []
  for (const week of [addDays(last, -14), addDays(last, -7), last]) {
    const id = await store.transaction(workspaceId, (tx) => freezeWeek(tx, week, 'system', now))
    ids.push(id ?? '')
  }
  const weeklyId = ids.at(-1) ?? ''
  await store.transaction(workspaceId, async (tx) => {
    const decision = { kind: 'decision', link: null }
    const [open, mine] = [newId('agd'), newId('agd')]
    const raise = { ...decision, id: open, subject: open, title: 'Raise the webinar budget?' }
    await insertAgenda(tx, addDays(last, -14), [{ ...raise, ownerId }], now)
    const stop = { ...decision, id: mine, subject: mine, title: 'Stop the display campaign?' }
    await insertAgenda(tx, last, [{ ...stop, ownerId: null }], now)
    for (const [i, said] of COMMENTS.entries()) {
      const id = newId('cmt')
      const body = tx.sealer.seal(said, `report_comments.body:${id}`)
      const createdAt = new Date(now.getTime() - DAY_MS + i * HOUR_MS)
      await insertComment(tx, weeklyId, { id, body, createdAt, createdBy: 'usr_ada' })
    }
  })
  return { weeklyId, quarter: await planQuarter(app, workspaceId, now) }
}

async function planQuarter(app: App, workspaceId: string, now: Date): Promise<string> {
  const planner = { name: 'Planner', roles: [], scopes: ['reports:write'] }
  const { token } = await issueKey(app.store, workspaceId, planner, now)
  const [quarter = ''] = quartersFrom(now.toISOString(), 1)
  const rest = {
    channel: null,
    targetMinor: 4_000_000,
    assume: {
      leadToWon: 0.05,
      leadToOpportunity: 0.2,
      averageWonMinor: 1_500_000,
      costPerLeadMinor: 9_000,
    },
  }
  for (const targetMinor of [16_000_000, 20_000_000]) {
    const answer = await fetch(`${app.url}/api/v1/plans/${quarter}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        leadsPerOwner: 60,
        segments: [{ channel: 'email', targetMinor }, rest],
      }),
    })
    if (!answer.ok) throw new Error(await answer.text())
  }
  return quarter
}
