import { mondayOf } from '#core/calendar.ts'
import {
  causesOf,
  changesOf,
  digestOf,
  digestsOf,
  modelChanges,
  restates,
  type ChangedDeal,
  type LedgerChange,
} from '#reports/change.rules.ts'
import { cellsOf, daySumsOf, type DealCredit } from '#reports/credit-day.rules.ts'
import { replaceDealFacts } from '#reports/deal-facts.store.ts'
import { creditOfGone } from '#reports/gone-credit.store.ts'
import { insertJourneys, numberSources } from '#reports/ledger-journey.store.ts'
import {
  columnsOfTouches,
  dealTouchesOf,
  packsOf,
  type CreditPack,
  type CreditTask,
  type DealColumns,
} from '#reports/ledger.rules.ts'
import {
  clearDirty,
  insertRestatements,
  listDealTouches,
  listDirtyDeals,
  listWindows,
  lockLedger,
  readKnownDeals,
  readUncredited,
  type DirtyDeal,
} from '#reports/ledger.store.ts'
import {
  addToDays,
  dropEmptyDays,
  insertDealRows,
  insertPacks,
  supersede,
  updateVersions,
  type ChangeGroup,
  type DealRow,
  type GonePack,
  type KeptPack,
} from '#reports/ledger-write.store.ts'
import type { CreditModel } from '#reports/model.rules.ts'
import { listCreditModels } from '#reports/model.store.ts'
import { readModelPage } from '#reports/model-page.store.ts'
import { restate, type LedgerCell, type Restatement } from '#reports/restatement.rules.ts'
import type { Transaction } from '#store/store.ts'

/** A page is one transaction: so many deals, and no more than so many touches to credit unless a single deal has more. */
const PAGE_DEALS = 2000
const PAGE_CREDITED = 120_000
const MODEL_PAGE_DEALS = 5000
const MODEL_PAGE_TOUCHES = 400_000

/** What a page is about, and what comes of it. */
interface Page {
  deals: readonly PageDeal[]
  columns: DealColumns
  changes: readonly LedgerChange[]
  packs: readonly CreditPack[]
  /** The kept journey of a change, for those that give rows. */
  journeyOf: (change: Pick<LedgerChange, 'deal' | 'windowDays'>) => {
    journeyId: number
    skip: number
  }
  /** How many touches a deal has in a window, and a digest of them. */
  touchesOf: (deal: number, windowDays: number) => { digest: string; touches: number }
}

type PageDeal = Omit<ChangedDeal, 'isDeleted' | 'reasons'> & { closedOn: string | null }

/** One page in the caller's transaction; answers how many deals it computed, 0 when none was dirty. */
export async function refreshPage(
  tx: Transaction,
  now: Date,
  { maxDeals = PAGE_DEALS, maxTouches }: { maxDeals?: number; maxTouches?: number } = {},
): Promise<number> {
  const firstOpenWeek = await lockLedger(tx)
  const [windows, models] = [await listWindows(tx), await listCreditModels(tx)]
  const most = maxTouches ?? PAGE_CREDITED / Math.max(1, windows.length * models.length)
  const deals = cutPage(await listDirtyDeals(tx, maxDeals), most)
  if (deals.length === 0) return 0
  const ids = deals.map((deal) => deal.opportunityId)
  const touches = await listDealTouches(tx, ids, now)
  const columns = columnsOfTouches(deals.length, touches)
  const digests = digestsOf(deals, touches, columns, windows)
  const changes = changesOf(deals, await readKnownDeals(tx, ids), digests, windows, models)
  const sources = await numberSources(tx, touches)
  const hasTouch = (deal: number) => columns.offsets[deal]! < columns.offsets[deal + 1]!
  const written = changes.filter(({ deal, isWon }) => isWon && hasTouch(deal))
  const journeys = await insertJourneys(
    tx,
    [...new Set(written.map(({ deal }) => deal))].map((i) => {
      const own = touches.slice(columns.offsets[i], columns.offsets[i + 1])
      return { opportunityId: ids[i]!, digest: digestOf(deals[i]!, own), touches: own }
    }),
    sources,
  )
  const touchesOf = (deal: number, windowDays: number) => digests[deal]!.get(windowDays)!
  await writePage(
    tx,
    {
      deals,
      columns,
      changes,
      packs: packsOf(deals, columns, tasksOf(changes, models)),
      touchesOf,
      journeyOf({ deal, windowDays }) {
        const all = columns.offsets[deal + 1]! - columns.offsets[deal]!
        const skip = all - touchesOf(deal, windowDays).touches
        return { journeyId: journeys.get(ids[deal]!)!, skip }
      },
    },
    models,
    firstOpenWeek,
    now,
  )
  // What is kept beside credit depends on no model: when only those changed, it is left alone.
  if (!deals.every(({ reasons }) => reasons.length > 0 && reasons.every((why) => why === 'model')))
    await replaceDealFacts(tx, deals, touches, dealTouchesOf(deals, touches), columns, sources)
  await clearDirty(tx, deals, now)
  return deals.length
}

/**
 * One page of deals of which nothing changed but models: their journeys are taken as they were packed, and neither read from the
 * touches nor compared again. Answers how many deals it computed, 0 when there is none of this kind.
 */
export async function refreshModelPage(
  tx: Transaction,
  now: Date,
  {
    maxDeals = MODEL_PAGE_DEALS,
    maxTouches = MODEL_PAGE_TOUCHES,
  }: { maxDeals?: number; maxTouches?: number } = {},
): Promise<number> {
  const firstOpenWeek = await lockLedger(tx)
  const { deals, columns } = await readModelPage(tx, maxDeals, maxTouches)
  if (deals.length === 0) return 0
  const models = await listCreditModels(tx)
  const versions = new Map(models.map(({ model, version }) => [model, version]))
  const known = await readKnownDeals(
    tx,
    deals.map((deal) => deal.opportunityId),
  )
  const rowOf = (deal: number, windowDays: number) =>
    known.get(deals[deal]!.opportunityId)!.get(windowDays)!
  const changes = deals.flatMap(({ opportunityId }, deal) =>
    [...(known.get(opportunityId) ?? [])].flatMap(([windowDays, row]) =>
      modelChanges(row.versions, versions).map((change): LedgerChange => ({
        deal,
        windowDays,
        isKnown: true,
        isWon: true,
        ...change,
      })),
    ),
  )
  await writePage(
    tx,
    {
      deals,
      columns,
      changes,
      packs: packsOf(deals, columns, tasksOf(changes, models)),
      journeyOf({ deal, windowDays }) {
        const { journeyId, skip } = rowOf(deal, windowDays)
        return { journeyId: journeyId!, skip: skip! }
      },
      touchesOf() {
        throw new Error('A change of models writes no row of a deal.')
      },
    },
    models,
    firstOpenWeek,
    now,
  )
  await clearDirty(tx, deals, now)
  return deals.length
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

async function writePage(
  tx: Transaction,
  page: Page,
  models: readonly CreditModel[],
  firstOpenWeek: string | null,
  now: Date,
): Promise<void> {
  const { deals, changes } = page
  const restated = firstOpenWeek === null ? [] : changes.filter(restates)
  const whole = restated.filter((change) => change.models === null)
  const uncredited = whole.length === 0 ? [] : await readUncredited(tx, idsOf(page, whole))
  const versions = Object.fromEntries(models.map(({ model, version }) => [model, version]))
  const gone: GonePack[] = []
  for (const group of groupsOf(page)) {
    gone.push(...(await supersede(tx, group, now)))
    if (group.models !== null) await updateVersions(tx, group.known, group.windowDays, versions)
  }
  await insertDealRows(tx, dealRowsOf(page), versions, now)
  const packs = keptPacksOf(page)
  await insertPacks(tx, deals, packs, now)
  const before = await creditOfGone(tx, gone)
  const after = packs.map((pack) => creditOfPack(page, pack))
  await addToDays(tx, daySumsOf(before, after))
  if (firstOpenWeek !== null && restated.length > 0) {
    const rows = restatementsOf(page, restated, { before, after, uncredited }, firstOpenWeek)
    await insertRestatements(tx, rows, now)
  }
  if (changes.some(({ cause }) => cause === 'window_removed' || cause === 'model_retired'))
    await dropEmptyDays(tx)
}

/** What is replaced, by window and cause. */
function groupsOf(page: Page): ChangeGroup[] {
  const groups = Map.groupBy(
    page.changes.filter(({ isKnown }) => isKnown),
    ({ windowDays, cause, models }) => [windowDays, cause, models?.join(' ') ?? '*'].join('/'),
  )
  return [...groups.values()].map((of) => {
    const { windowDays, cause, models } = of[0]!
    return { windowDays, cause, models, known: idsOf(page, of) }
  })
}

function creditOfPack({ deals, columns }: Page, pack: KeptPack): DealCredit {
  const { opportunityId, currency } = deals[pack.deal]!
  const to = pack.from + pack.shares.length
  return {
    ...pack,
    opportunityId,
    currency,
    campaigns: columns.campaigns.slice(pack.from, to),
    channels: Array.from(
      columns.columns.channel.subarray(pack.from, to),
      (c) => columns.channels[c]!,
    ),
  }
}

function dealRowsOf({ deals, changes, touchesOf, journeyOf }: Page): DealRow[] {
  return changes
    .filter((change) => change.isWon && change.models === null)
    .map(({ deal, windowDays, cause }) => {
      const { digest, touches } = touchesOf(deal, windowDays)
      const { opportunityId } = deals[deal]!
      const kept = touches > 0 ? journeyOf({ deal, windowDays }) : { journeyId: null, skip: null }
      return { opportunityId, windowDays, touches, cause, journey: digest, ...kept }
    })
}

function keptPacksOf({ deals, changes, packs, journeyOf }: Page): KeptPack[] {
  const causes = causesOf(changes)
  return packs.map((pack) => ({
    ...pack,
    ...journeyOf(pack),
    cause: causes(pack)!,
    closedOn: deals[pack.deal]!.closedOn!,
  }))
}

interface Moved {
  before: readonly DealCredit[]
  after: readonly DealCredit[]
  /** What was uncredited. */
  uncredited: readonly Omit<LedgerCell, 'cause'>[]
}

function restatementsOf(
  { deals, touchesOf }: Page,
  changed: readonly LedgerChange[],
  { before, after, uncredited }: Moved,
  firstOpenWeek: string,
): Restatement[] {
  const causes = causesOf(changed)
  const numbers = new Map(deals.map((deal, i) => [deal.opportunityId, i]))
  const named = (cell: Omit<LedgerCell, 'cause'>): LedgerCell[] => {
    const cause = causes({ ...cell, deal: numbers.get(cell.opportunityId)! })
    if (cause === undefined) return []
    return [{ ...cell, cause: cause === 'deal_won' ? 'late_deal' : cause }]
  }
  const left = changed.flatMap(({ deal, windowDays, models, isWon }): LedgerCell[] => {
    if (!isWon || models !== null || touchesOf(deal, windowDays).touches > 0) return []
    const { opportunityId, currency, amountMinor, closedOn } = deals[deal]!
    const bucket = { model: 'all', bucket: 'uncredited' as const, campaignId: null, share: 1 }
    const week = mondayOf(closedOn!)
    return named({
      opportunityId,
      currency,
      week,
      ...bucket,
      windowDays,
      amountMinor: amountMinor ?? 0,
    })
  })
  const cells = (credits: readonly DealCredit[]) =>
    credits.flatMap((each) => cellsOf(each).flatMap(named))
  return restate(
    [...cells(before), ...uncredited.flatMap(named)],
    [...cells(after), ...left],
    firstOpenWeek,
  )
}
