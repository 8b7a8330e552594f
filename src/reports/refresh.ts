import { sql } from 'kysely'
import { z } from 'zod'
import { ruleModels } from '#analytics/attribution/rules.ts'
import { MINUTE_MS } from '#core/time.ts'
import { defineJob } from '#jobs/job.ts'
import type { JobContext, Subscriber, Timer } from '#jobs/job.ts'
import { markDirty } from '#reports/dirty.store.ts'
import { computeLedger, type LedgerRows } from '#reports/ledger.rules.ts'
import {
  clearDirty,
  insertRestatements,
  listDealTouches,
  listDirtyDeals,
  listWindows,
  lockLedger,
  readLedger,
  replaceLedger,
  type DirtyDeal,
  type LedgerBefore,
} from '#reports/ledger.store.ts'
import {
  causeOf,
  restate,
  type DealFacts,
  type LedgerCell,
  type Restatement,
} from '#reports/restatement.rules.ts'
import type { Store, Transaction } from '#store/store.ts'

const JOB_NAME = 'reports.attribution.refresh'

/** A page is one transaction: so many deals, and no more than so many touches unless a single deal has more. */
const PAGE_DEALS = 2000
const PAGE_TOUCHES = 20_000

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
    'touchpoint.recorded',
    'person.merged',
    'campaign.created',
    'campaign.updated',
    'campaign.deleted',
    'attribution.recompute_requested',
    'attribution.windows_changed',
  ],
  async handle(events, tx, context) {
    const of = (prefix: string) => events.filter(({ event }) => event.startsWith(prefix))
    const subjects = (prefix: string) => [...new Set(of(prefix).map((event) => event.subjectId))]
    const mergedInto = of('person.merged').flatMap(({ data }) =>
      typeof data['into'] === 'string' ? [data['into']] : [],
    )
    const marked = await markDirty(
      tx,
      {
        opportunityIds: subjects('opportunity.'),
        touchpointIds: subjects('touchpoint.'),
        personIds: [...new Set([...subjects('person.'), ...mergedInto])],
        campaignIds: subjects('campaign.'),
      },
      context.clock.now(),
    )
    const isAsked = of('attribution.').length > 0
    if (marked > 0 || isAsked) await askForRefresh(tx.workspaceId, context)
  },
}

/** The marks commit after this; should the refresh ever come first, the timer takes them up. */
function askForRefresh(workspaceId: string, context: JobContext): Promise<void> {
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
  { maxDeals = PAGE_DEALS, maxTouches = PAGE_TOUCHES } = {},
): Promise<number> {
  const firstOpenWeek = await lockLedger(tx)
  const windows = await listWindows(tx)
  const deals = cutPage(await listDirtyDeals(tx, maxDeals), maxTouches)
  if (deals.length === 0) return 0
  const ids = deals.map((deal) => deal.opportunityId)
  const touches = await listDealTouches(tx, ids, now)
  const rows = computeLedger(deals, touches, windows)
  if (firstOpenWeek !== null) {
    const before = await readLedger(tx, ids)
    await insertRestatements(tx, restatementsOf(before, deals, rows, firstOpenWeek), now)
  }
  await replaceLedger(tx, deals, touches, rows)
  await clearDirty(tx, deals, now)
  return deals.length
}

/** As many deals from the front as have `maxTouches` touches together, and at least one. */
function cutPage(deals: readonly DirtyDeal[], maxTouches: number): DirtyDeal[] {
  let touches = 0
  const end = deals.findIndex((deal, i) => (touches += deal.touchCount) > maxTouches && i > 0)
  return deals.slice(0, end === -1 ? deals.length : end)
}

function restatementsOf(
  before: LedgerBefore,
  deals: readonly DirtyDeal[],
  rows: LedgerRows,
  firstOpenWeek: string,
): Restatement[] {
  const causes = new Map(
    deals.map((deal) => {
      const after = deal.isWon ? factsOf(deal) : undefined
      return [
        deal.opportunityId,
        causeOf(before.facts.get(deal.opportunityId), after, deal.isDeleted),
      ]
    }),
  )
  // A window that is kept from now on restates nothing: it had no figures before.
  const after = cellsOf(deals, rows).filter(({ opportunityId, windowDays }) => {
    const facts = before.facts.get(opportunityId)
    return !facts || facts.windows.includes(windowDays)
  })
  return restate(before.cells, after, firstOpenWeek, causes)
}

function factsOf({ week, closedAtMs, amountMinor, currency }: DirtyDeal): DealFacts {
  return { week: week ?? '', closedAtMs: closedAtMs ?? 0, amountMinor: amountMinor ?? 0, currency }
}

/** The rows to come as cells. */
function cellsOf(deals: readonly DirtyDeal[], rows: LedgerRows): LedgerCell[] {
  const credited = rows.sumRows
    .filter((row) => row.kind === 'campaign')
    .flatMap(({ deal, windowDays, key, amountMinor, share }) => {
      const { opportunityId, currency, week } = deals[deal]!
      const bucket = key === '' ? ('no_campaign' as const) : ('campaign' as const)
      const cell = {
        bucket,
        campaignId: key === '' ? null : key,
        opportunityId,
        currency,
        week: week ?? '',
        windowDays,
      }
      return ruleModels.map((model): LedgerCell => ({
        ...cell,
        model,
        amountMinor: amountMinor[model],
        share: share[model],
      }))
    })
  const uncredited = rows.dealRows
    .filter((row) => row.touches === 0)
    .map(({ deal, windowDays }): LedgerCell => {
      const { opportunityId, currency, week, amountMinor } = deals[deal]!
      const bucket = { model: 'all', bucket: 'uncredited' as const, campaignId: null, share: 1 }
      return {
        ...bucket,
        opportunityId,
        currency,
        week: week ?? '',
        windowDays,
        amountMinor: amountMinor ?? 0,
      }
    })
  return [...credited, ...uncredited]
}
