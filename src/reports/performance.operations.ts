import type { z } from 'zod'
import { defineOperation, type Operation } from '#gateway/operation.ts'
import { addDays, daysBetween } from '#core/calendar.ts'
import { Kept } from '#reports/kept.ts'
import { readWon, resolveLens, type Lens } from '#reports/lens.store.ts'
import {
  DEFINITIONS,
  leadVelocityOf,
  performanceNotes,
  periodFigures,
  pipelineOf,
  pipelineVelocity,
  type PeriodRows,
} from '#reports/performance.rules.ts'
import {
  PerformanceQuery,
  PerformanceReport,
  type PeriodFigures,
} from '#reports/performance.schema.ts'
import {
  ledgerFocus,
  listDealClasses,
  listLeadCounts,
  listMqlDays,
  listMqlMonths,
  listPeriodCredit,
  listPipelineInfluence,
  listReachedLeads,
  listStageDays,
  type Focus,
  type Span,
} from '#reports/performance.store.ts'
import type { Transaction } from '#store/store.ts'

/** The period when none is given: so many days up to today. */
const DEFAULT_DAYS = 90

/** @param keptMs  for how long an answer may be given again, in milliseconds. */
export function createSalesPerformance(keptMs: number): Operation {
  const kept = new Kept<Report>(keptMs)
  return defineOperation({
    id: 'getSalesPerformance',
    method: 'GET',
    path: '/api/v1/integrations/sales/performance',
    scope: 'performance:read',
    tag: 'Performance',
    summary:
      'Pipeline that marketing influenced, revenue and return, lead quality, conversion and velocity',
    description:
      'The last 90 days unless a period is given. Open deals are counted once in the totals, however many campaigns touched ' +
      'them, and equal the deals table. Rates have their n and a 95 % interval; the cohort basis follows the leads of the ' +
      'period, the period basis counts what happened in it. An answer may be some seconds old: `pipeline.asOf` says of which ' +
      'moment it is.',
    input: PerformanceQuery,
    output: PerformanceReport,
    perform: (query, { tx, now }) =>
      kept.get(`${tx.workspaceId} ${JSON.stringify(query)}`, now, () =>
        readPerformance(tx, query, now),
      ),
  })
}

type Query = z.output<typeof PerformanceQuery>
type Report = z.output<typeof PerformanceReport>

/** The report of a moment, computed anew. */
export async function readPerformance(tx: Transaction, query: Query, now: Date): Promise<Report> {
  const { ownerId = null, channel = null } = query
  const focus: Focus = { ownerId, channel }
  const lens = await resolveLens(tx, query, now, DEFAULT_DAYS)
  const before = query.compare === 'previous' ? await lensBefore(tx, query, lens, now) : null
  const spans: Span[] = [spanOf('current', lens), ...(before ? [spanOf('previous', before)] : [])]
  const [classes, influence, leads, mqlDays, reached, stages, months, current, previous] =
    await Promise.all([
      listDealClasses(tx, focus, spans),
      listPipelineInfluence(tx, focus, lens.answer.currency),
      listLeadCounts(tx, focus, spans),
      listMqlDays(tx, focus, spans),
      listReachedLeads(tx, focus, spans),
      listStageDays(tx, focus, spans),
      listMqlMonths(tx, focus, lens.answer.timeZone, now),
      readCredit(tx, lens, focus),
      before ? readCredit(tx, before, focus) : null,
    ])
  const rows: PeriodRows = { classes, leads, mqlDays, reached, stages }
  const figures = periodFigures('current', rows, current.credit, current.won, lens)
  let past: PeriodFigures | null = null
  if (before && previous)
    past = periodFigures('previous', rows, previous.credit, previous.won, before)
  const pipeline = pipelineOf(classes, influence, lens.answer.currency, now)
  return {
    ...lens.answer,
    ownerId,
    channel,
    pipeline,
    current: figures,
    previous: past,
    leadVelocity: leadVelocityOf(months),
    pipelineVelocityMinorPerDay: pipelineVelocity(pipeline.deals, figures.closed),
    definitions: DEFINITIONS,
    notes: performanceNotes(lens, focus),
  }
}

function lensBefore(
  tx: Transaction,
  query: PerformanceQuery,
  lens: Lens,
  now: Date,
): Promise<Lens> {
  const from = lens.answer.from!
  const days = daysBetween(from, lens.answer.to!) + 1
  return resolveLens(tx, { ...query, from: addDays(from, -days), to: addDays(from, -1) }, now)
}

/** A lens of performance always has both bounds. */
function spanOf(which: Span['which'], { fromAt, toAt }: Lens): Span {
  return { which, fromAt: fromAt!, toAt: toAt! }
}

async function readCredit(tx: Transaction, lens: Lens, focus: Focus) {
  const [credit, won] = await Promise.all([
    listPeriodCredit(tx, lens, focus),
    readWon(tx, lens, ledgerFocus(focus)),
  ])
  return { credit, won }
}
