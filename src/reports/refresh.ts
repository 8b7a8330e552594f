import { sql } from 'kysely'
import { z } from 'zod'
import { MINUTE_MS } from '#core/time.ts'
import { defineJob } from '#jobs/job.ts'
import type { JobContext, Subscriber, Timer } from '#jobs/job.ts'
import { changesOf, digestsOf, restates, type LedgerChange } from '#reports/change.rules.ts'
import { markDirty } from '#reports/dirty.store.ts'
import {
  columnsOfTouches,
  creditRowsOf,
  dealTouchesOf,
  totalsOf,
  type CreditRow,
  type CreditTask,
  type DealColumns,
  type LedgerTouch,
  type TotalRow,
} from '#reports/ledger.rules.ts'
import {
  clearDirty,
  insertRestatements,
  listDealTouches,
  listDirtyDeals,
  listWindows,
  lockLedger,
  readCells,
  readKnownDeals,
  type DirtyDeal,
} from '#reports/ledger.store.ts'
import {
  insertCredits,
  insertDealRows,
  insertTotals,
  replaceDealFacts,
  supersede,
  updateVersions,
  type DealRow,
} from '#reports/ledger-write.store.ts'
import type { CreditModel } from '#reports/model.rules.ts'
import { listCreditModels } from '#reports/model.store.ts'
import { restate, type LedgerCell, type Restatement } from '#reports/restatement.rules.ts'
import type { Store, Transaction } from '#store/store.ts'

const JOB_NAME = 'reports.attribution.refresh'

/** A page is one transaction: so many deals, and no more than so many lines of credit unless a single deal has more. */
const PAGE_DEALS = 2000
const PAGE_LINES = 120_000

/** Computes the deals of one workspace that are marked dirty. */
export const refreshJob = defineJob({
  name: JOB_NAME,
  input: z.object({ workspaceId: z.string() }),
  concurrency: 1,
  retryLimit: 5,
  timeoutMs: 15 * MINUTE_MS,
  async run({ workspaceId }, { store, clock, signal, log }) {
    const deals = await refreshLedger(store, workspaceId, () => clock.now(), signal)
    log.debug({ workspaceId, deals }, 'the credit ledger was refreshed')
  },
})

/** Takes up what no event did: marks whose refresh was lost on the way or failed for good. */
export const refreshTimer: Timer = {
  name: JOB_NAME,
  everyMs: MINUTE_MS,
  async run(context) {
    const rows = await context.store.system((tx) =>
      tx.query(sql<{ workspaceId: string }>`
        select w.id as workspace_id from workspaces w
        where exists (select 1 from attribution_dirty d where d.workspace_id = w.id)`),
    )
    for (const { workspaceId } of rows) {
      await context.enqueue(JOB_NAME, { workspaceId }, { singletonKey: workspaceId })
    }
  },
}

/** Marks the deals that a change may bear upon, and asks for a refresh. */
export const dirtySubscriber: Subscriber = {
  name: 'reports.attribution',
  events: [
    'opportunity.created',
    'opportunity.updated',
    'opportunity.deleted',
    'opportunity.people_changed',
    'touchpoint.recorded',
    'person.merged',
    'person.unmerged',
    'campaign.created',
    'campaign.updated',
    'campaign.deleted',
    'attribution.recompute_requested',
    'attribution.windows_changed',
    'attribution.model_published',
    'attribution.model_retired',
    'lead.created',
  ],
  async handle(events, tx, context) {
    const of = (prefix: string) => events.filter(({ event }) => event.startsWith(prefix))
    const subjects = (prefix: string) => [...new Set(of(prefix).map((event) => event.subjectId))]
    const others = of('person.').flatMap(({ data }) => {
      const other = data['into'] ?? data['from']
      return typeof other === 'string' ? [other] : []
    })
    const marked = await markDirty(
      tx,
      {
        opportunityIds: subjects('opportunity.'),
        touchpointIds: subjects('touchpoint.'),
        personIds: [...new Set([...subjects('person.'), ...others])],
        campaignIds: subjects('campaign.'),
        leadIds: subjects('lead.'),
      },
      context.clock.now(),
    )
    const isAsked = of('attribution.').length > 0
    if (marked > 0 || isAsked) await askForRefresh(tx.workspaceId, context)
  },
}

/** The marks commit after this; should the refresh ever come first, the timer takes them up. */
export function askForRefresh(workspaceId: string, context: JobContext): Promise<void> {
  return context.enqueue(JOB_NAME, { workspaceId }, { singletonKey: workspaceId })
}

/**
 * Computes all dirty deals of the workspace, a transaction a page, so that a kill leaves whole pages and dirty deals.
 *
 * @returns how many deals were computed. Goes on until none is dirty or `signal` aborts.
 */
export async function refreshLedger(
  store: Store,
  workspaceId: string,
  now: () => Date,
  signal?: AbortSignal,
): Promise<number> {
  let done = 0
  for (;;) {
    signal?.throwIfAborted()
    const page = await store.transaction(workspaceId, (tx) => refreshPage(tx, now()))
    if (page === 0) return done
    done += page
  }
}

/** One page in the caller's transaction; answers how many deals it computed, 0 when none was dirty. */
export async function refreshPage(
  tx: Transaction,
  now: Date,
  { maxDeals = PAGE_DEALS, maxTouches }: { maxDeals?: number; maxTouches?: number } = {},
): Promise<number> {
  const firstOpenWeek = await lockLedger(tx)
  const [windows, models] = [await listWindows(tx), await listCreditModels(tx)]
  const most = maxTouches ?? PAGE_LINES / Math.max(1, windows.length * models.length)
  const deals = cutPage(await listDirtyDeals(tx, maxDeals), most)
  if (deals.length === 0) return 0
  const ids = deals.map((deal) => deal.opportunityId)
  const touches = await listDealTouches(tx, ids, now)
  const columns = columnsOfTouches(deals.length, touches)
  const digests = digestsOf(deals, touches, columns, windows)
  const changes = changesOf(deals, await readKnownDeals(tx, ids), digests, windows, models)
  const credit = creditRowsOf(deals, columns, tasksOf(changes, models))
  const page: Page = { deals, touches, changes, credit, totals: totalsOf(touches, credit), digests }
  if (firstOpenWeek !== null && changes.some(restates)) {
    const cells = await readCells(tx, idsOf(page, changes))
    await insertRestatements(tx, restatementsOf(page, cells, firstOpenWeek), now)
  }
  await writeChanges(tx, page, models, now)
  await refreshFacts(tx, page, columns)
  await clearDirty(tx, deals, now)
  return deals.length
}

/** What a page is about, and what comes of it. */
interface Page {
  deals: readonly DirtyDeal[]
  touches: readonly LedgerTouch[]
  changes: readonly LedgerChange[]
  credit: readonly CreditRow[]
  totals: readonly TotalRow[]
  digests: readonly ReadonlyMap<number, { digest: string; touches: number }>[]
}

/** As many deals from the front as have `maxTouches` touches together, and at least one. */
function cutPage(deals: readonly DirtyDeal[], maxTouches: number): DirtyDeal[] {
  let touches = 0
  const end = deals.findIndex((deal, i) => (touches += deal.touchCount) > maxTouches && i > 0)
  return deals.slice(0, end === -1 ? deals.length : end)
}

function idsOf({ deals }: Pick<Page, 'deals'>, changes: readonly LedgerChange[]): string[] {
  return [...new Set(changes.map(({ deal }) => deals[deal]!.opportunityId))]
}

/** Of a model that is kept no more, nothing is made. */
function tasksOf(changes: readonly LedgerChange[], models: readonly CreditModel[]): CreditTask[] {
  return changes
    .filter((change) => change.isWon)
    .map(({ deal, windowDays, models: only }) => ({
      deal,
      windowDays,
      models: only === null ? models : models.filter(({ model }) => only.includes(model)),
    }))
}

async function writeChanges(
  tx: Transaction,
  { deals, touches, changes, credit, totals, digests }: Page,
  models: readonly CreditModel[],
  now: Date,
): Promise<void> {
  const versions = Object.fromEntries(models.map(({ model, version }) => [model, version]))
  const groups = Map.groupBy(changes, ({ windowDays, cause, models: only }) =>
    [windowDays, cause, only?.join(' ') ?? '*'].join('/'),
  )
  for (const group of groups.values()) {
    const { windowDays, cause, models: only } = group[0]!
    const known = idsOf(
      { deals },
      group.filter((change) => change.isKnown),
    )
    if (known.length > 0) await supersede(tx, { windowDays, cause, models: only, known }, now)
    if (only !== null) await updateVersions(tx, known, windowDays, versions)
  }
  const rows = changes
    .filter((change) => change.isWon && change.models === null)
    .map(({ deal, windowDays, cause }): DealRow => {
      const { digest, touches } = digests[deal]!.get(windowDays)!
      const { opportunityId } = deals[deal]!
      return { opportunityId, windowDays, touches, cause, journey: digest }
    })
  await insertDealRows(tx, rows, versions, now)
  await insertCredits(tx, deals, touches, credit, now)
  const causes = causesOf(changes)
  await insertTotals(tx, deals, totals, (row) => causes(row)!, now)
}

/** Why credit of a deal, window and model is replaced; undefined: it is not. */
function causesOf(changes: readonly LedgerChange[]) {
  const byDeal = Map.groupBy(changes, ({ deal, windowDays }) => `${deal} ${windowDays}`)
  return ({ deal, windowDays, model }: Pick<TotalRow, 'deal' | 'windowDays' | 'model'>) =>
    byDeal
      .get(`${deal} ${windowDays}`)
      ?.find(({ models }) => models === null || models.includes(model))?.cause
}

/** What is kept beside credit depends on no model: when only those changed, it is left alone. */
async function refreshFacts(
  tx: Transaction,
  { deals, touches }: Page,
  columns: DealColumns,
): Promise<void> {
  if (deals.every(({ reasons }) => reasons.length > 0 && reasons.every((why) => why === 'model')))
    return
  await replaceDealFacts(tx, deals, touches, dealTouchesOf(deals, touches), columns)
}

function restatementsOf(
  { deals, changes, totals, digests }: Page,
  cells: readonly Omit<LedgerCell, 'cause'>[],
  firstOpenWeek: string,
): Restatement[] {
  const changed = changes.filter(restates)
  const causes = causesOf(changed)
  const numbers = new Map(deals.map((deal, i) => [deal.opportunityId, i]))
  const withCause = (cell: Omit<LedgerCell, 'cause'>): LedgerCell[] => {
    const cause = causes({ ...cell, deal: numbers.get(cell.opportunityId)! })
    if (cause === undefined) return []
    return [{ ...cell, cause: cause === 'deal_won' ? 'late_deal' : cause }]
  }
  const before = cells.flatMap(withCause)
  const credited = totals.flatMap(({ kind, deal, windowDays, model, key, amountMinor, share }) => {
    if (kind === 'channel') return []
    const bucket = kind === 'baseline' ? kind : key === '' ? 'no_campaign' : 'campaign'
    const campaignId = key === '' ? null : key
    return withCause({
      ...cellOf(deals[deal]!),
      windowDays,
      model,
      bucket,
      campaignId,
      amountMinor,
      share,
    })
  })
  const uncredited = changed.flatMap(({ deal, windowDays, models, isWon }) => {
    if (!isWon || models !== null || digests[deal]!.get(windowDays)!.touches > 0) return []
    const bucket = { model: 'all', bucket: 'uncredited' as const, campaignId: null, share: 1 }
    const amountMinor = deals[deal]!.amountMinor ?? 0
    return withCause({ ...cellOf(deals[deal]!), ...bucket, windowDays, amountMinor })
  })
  return restate(before, [...credited, ...uncredited], firstOpenWeek)
}

function cellOf({ opportunityId, currency, week }: DirtyDeal) {
  return { opportunityId, currency, week: week ?? '' }
}
