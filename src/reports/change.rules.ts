import { createHash } from 'node:crypto'
import type { DealColumns, LedgerDeal, LedgerTouch } from '#reports/ledger.rules.ts'
import { windowStart } from '#reports/ledger.rules.ts'
import type { CreditModel } from '#reports/model.rules.ts'

/** Why rows of the ledger came to be or ceased. */
export type ChangeCause =
  | 'deal_won'
  | 'deal_deleted'
  | 'deal_not_won'
  | 'close_date_changed'
  | 'amount_changed'
  | 'touches_changed'
  | 'people_merged'
  | 'window_added'
  | 'window_removed'
  | 'model_published'
  | 'model_changed'
  | 'model_refit'
  | 'model_retired'

/** Why a deal was marked: a change of the deal, its touches, its people, its campaigns, of models; or all, when someone asked. */
export type DirtyReason = 'deal' | 'touch' | 'person' | 'campaign' | 'model' | 'all'

/** A won deal in one window, as the ledger has it. */
export interface KnownDeal {
  amountMinor: number
  hasAmount: boolean
  currency: string
  closedAtMs: number
  /** A digest of what its credit depends on; null: made before there was one. */
  journey: string | null
  /** By model, the version that its credit is of. */
  versions: Readonly<Record<string, string>>
  /** The journey that its credit is aligned with, and how many touches of it come before the window; null: made before. */
  journeyId: number | null
  skip: number | null
}

/** A dirty deal, as far as deciding goes. */
export interface ChangedDeal extends LedgerDeal {
  isDeleted: boolean
  reasons: readonly DirtyReason[]
}

/** What is to be replaced of one deal in one window. */
export interface LedgerChange {
  deal: number
  windowDays: number
  cause: ChangeCause
  /** The models whose rows are replaced; null: all, and the deal's own row with them. */
  models: readonly string[] | null
  /** Whether there are rows to replace, and whether there will be rows. */
  isKnown: boolean
  isWon: boolean
}

/** A digest of all that a deal's credit in a window depends on besides its amount and close. */
export function digestOf(deal: LedgerDeal, touches: readonly LedgerTouch[]): string {
  const hash = createHash('sha1')
  hash.update(`${deal.openedAtMs} ${deal.leadAtMs ?? ''}`)
  for (const { touchpointId, personId, campaignId, channel, occurredAtMs } of touches)
    hash.update(`\n${touchpointId} ${personId} ${campaignId ?? ''} ${occurredAtMs} ${channel}`)
  return hash.digest('base64url')
}

/** For each deal and window its digest, by `windowDays`, and how many touches it has there. */
export function digestsOf(
  deals: readonly LedgerDeal[],
  touches: readonly LedgerTouch[],
  { offsets, columns }: DealColumns,
  windows: readonly number[],
): Map<number, { digest: string; touches: number }>[] {
  return deals.map((deal, i) => {
    const digests = new Map<number, { digest: string; touches: number }>()
    if (!deal.isWon || deal.closedAtMs === null) return digests
    const to = offsets[i + 1]!
    for (const windowDays of windows) {
      const from = windowStart(columns.touchedAtMs, offsets[i]!, to, deal.closedAtMs, windowDays)
      const digest = digestOf(deal, touches.slice(from, to))
      digests.set(windowDays, { digest, touches: to - from })
    }
    return digests
  })
}

/**
 * What must be replaced, and why; what would come out the same is left alone.
 *
 * Of several causes at once, the one that moves the whole deal comes first: so each deal, window and model changes for one cause.
 * @param known  by deal, then by window.
 */
export function changesOf(
  deals: readonly ChangedDeal[],
  known: ReadonlyMap<string, ReadonlyMap<number, KnownDeal>>,
  digests: readonly ReadonlyMap<number, { digest: string }>[],
  windows: readonly number[],
  models: readonly CreditModel[],
): LedgerChange[] {
  const versions = new Map(models.map(({ model, version }) => [model, version]))
  return deals.flatMap((deal, i) => {
    const rows = known.get(deal.opportunityId) ?? new Map<number, KnownDeal>()
    const all = new Set([...windows, ...rows.keys()])
    return [...all].flatMap((windowDays): LedgerChange[] => {
      const row = rows.get(windowDays)
      const digest = windows.includes(windowDays) ? digests[i]!.get(windowDays)?.digest : undefined
      const state = { deal: i, windowDays, isKnown: row !== undefined, isWon: digest !== undefined }
      if (!row) {
        if (digest === undefined) return []
        return [{ ...state, models: null, cause: rows.size > 0 ? 'window_added' : 'deal_won' }]
      }
      const cause = wholeCause(deal, row, digest, windows.includes(windowDays))
      if (cause !== null) return [{ ...state, models: null, cause }]
      return modelChanges(row.versions, versions).map((change) => ({ ...state, ...change }))
    })
  })
}

/** Why all rows of a deal in a window are replaced; null: they are not. */
function wholeCause(
  deal: ChangedDeal,
  row: KnownDeal,
  digest: string | undefined,
  isKept: boolean,
): ChangeCause | null {
  if (!isKept) return 'window_removed'
  if (digest === undefined) return deal.isDeleted ? 'deal_deleted' : 'deal_not_won'
  if (row.closedAtMs !== deal.closedAtMs) return 'close_date_changed'
  const isSameAmount =
    row.amountMinor === (deal.amountMinor ?? 0) && row.hasAmount === (deal.amountMinor !== null)
  if (!isSameAmount || row.currency !== deal.currency) return 'amount_changed'
  if (row.journey === digest) return null
  return deal.reasons.includes('person') ? 'people_merged' : 'touches_changed'
}

/** By cause, the models whose credit is of another version than is in force, or of none. */
export function modelChanges(
  known: Readonly<Record<string, string>>,
  versions: ReadonlyMap<string, string>,
): Pick<LedgerChange, 'models' | 'cause'>[] {
  const byCause = new Map<ChangeCause, string[]>()
  for (const model of new Set([...Object.keys(known), ...versions.keys()])) {
    const cause = modelCause(known[model], versions.get(model))
    if (cause !== null) byCause.set(cause, [...(byCause.get(cause) ?? []), model])
  }
  return [...byCause].map(([cause, models]) => ({ cause, models }))
}

function modelCause(before: string | undefined, after: string | undefined): ChangeCause | null {
  if (before === after) return null
  if (before === undefined) return 'model_published'
  if (after === undefined) return 'model_retired'
  const definition = (version: string) => version.split('.')[0]
  return definition(before) === definition(after) ? 'model_refit' : 'model_changed'
}

/** Changes that come with new figures or take figures away as someone decided: they restate nothing. */
const DECIDED: ReadonlySet<ChangeCause> = new Set([
  'window_added',
  'window_removed',
  'model_published',
  'model_retired',
])

export function restates({ cause }: LedgerChange): boolean {
  return !DECIDED.has(cause)
}

/** Answers why credit of a deal, window and model is replaced; undefined: it is not. */
export function causesOf(changes: readonly LedgerChange[]) {
  const byDeal = Map.groupBy(changes, ({ deal, windowDays }) => `${deal} ${windowDays}`)
  return ({ deal, windowDays, model }: { deal: number; windowDays: number; model: string }) =>
    byDeal
      .get(`${deal} ${windowDays}`)
      ?.find(({ models }) => models === null || models.includes(model))?.cause
}
