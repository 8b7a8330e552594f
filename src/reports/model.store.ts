import { sql } from 'kysely'
import type { ShareIntervals } from '#reports/compare.rules.ts'
import { fittableMethods } from '#reports/fit.rules.ts'
import { creditModelOf, type CreditModel } from '#reports/model.rules.ts'
import { isFittedMethod, type DataProfile, type ModelDefinition } from '#reports/model.schema.ts'
import type { Transaction } from '#store/store.ts'

/** A version of a model, with the newest fit of it. */
export interface ModelRow extends ModelDefinition {
  model: string
  version: number
  publishedAt: Date
  publishedBy: string | null
  retiredAt: Date | null
  fitId: string | null
  fittedAt: Date | null
  durationMs: number | null
  profile: DataProfile | null
  /** Whether the fit says what would have come anyway. */
  hasBaseline: boolean
}

/** The rules that a new workspace begins with. */
const FIRST_MODELS = [
  ['first', 'First touch'],
  ['last', 'Last touch'],
  ['linear', 'Linear'],
  ['position', 'Position'],
  ['time_decay', 'Time decay'],
] as const

export async function seedModels(tx: Transaction): Promise<void> {
  await tx.execute(sql`
    insert into attribution_models (workspace_id, model, version, name, method, published_at)
    select ${tx.workspaceId}, m.model, 1, m.name, m.model, w.created_at
    from unnest(${FIRST_MODELS.map(([model]) => model)}::text[], ${FIRST_MODELS.map(([, name]) => name)}::text[])
      as m (model, name)
    join workspaces w on w.id = ${tx.workspaceId}
    where not exists (select 1 from attribution_state)`)
}

/** Versions of models: those kept at an instant, or all of one model, newest first; without either, those kept now. */
export function listModelRows(
  tx: Transaction,
  { asOf, model }: { asOf?: Date | null; model?: string } = {},
): Promise<ModelRow[]> {
  const kept =
    asOf == null
      ? sql`m.retired_at is null`
      : sql`m.published_at <= ${asOf} and (m.retired_at is null or m.retired_at > ${asOf})`
  const fittedBy = asOf == null ? sql`` : sql`and f.fitted_at <= ${asOf}`
  return tx.query(sql<ModelRow>`
    select m.model, m.version, m.name, m.method, m.journey, m.parameters, m.published_at, m.published_by, m.retired_at,
      fit.id as fit_id, fit.fitted_at, fit.duration_ms, fit.profile,
      coalesce(fit.has_baseline, false) as has_baseline
    from attribution_models m
    left join lateral (
      select id, fitted_at, duration_ms, profile, (coefficients ->> 'baseline')::float8 > 0 as has_baseline from attribution_fits f
      where f.model = m.model and f.version = m.version ${fittedBy} order by fitted_at desc, id desc limit 1
    ) fit on true
    where ${model === undefined ? kept : sql`m.model = ${model}`}
    order by m.model, m.version desc`)
}

/** The version that credit under this row is of; null: it is not fitted, so that there is no credit. */
export function versionOf({ method, version, fitId }: ModelRow): string | null {
  if (!isFittedMethod(method)) return String(version)
  return fitId === null ? null : `${version}.${fitId}`
}

/** The models that the ledger is kept for, those that can credit: rules, and computed ones that were fitted. */
export async function listCreditModels(tx: Transaction): Promise<CreditModel[]> {
  const rows = await listModelRows(tx)
  const coefficients = await readCoefficients(
    tx,
    rows.flatMap((row) => row.fitId ?? []),
  )
  return rows.flatMap((row) => {
    const version = versionOf(row)
    return version === null ? [] : [restoreModel(row, version, coefficients)]
  })
}

/** A model of the workspace, ready to credit; null: it needs a fit and has none. */
export async function restoreCreditModel(
  tx: Transaction,
  row: ModelRow,
): Promise<CreditModel | null> {
  const version = versionOf(row)
  if (version === null) return null
  return restoreModel(row, version, await readCoefficients(tx, row.fitId ? [row.fitId] : []))
}

function restoreModel(
  row: ModelRow,
  version: string,
  coefficients: ReadonlyMap<string, unknown>,
): CreditModel {
  const fit = isFittedMethod(row.method)
    ? fittableMethods[row.method]!.restore(coefficients.get(row.fitId!))
    : null
  return creditModelOf(row.model, version, row, fit)
}

async function readCoefficients(
  tx: Transaction,
  fitIds: readonly string[],
): Promise<Map<string, unknown>> {
  if (fitIds.length === 0) return new Map()
  const rows = await tx.query(sql<{ id: string; coefficients: unknown }>`
    select id, coefficients from attribution_fits where id = any(${fitIds}::text[])`)
  return new Map(rows.map((row) => [row.id, row.coefficients]))
}

/** Adds the next version of a model and retires the one before; answers its number. The caller holds the lock of the ledger. */
export async function insertModelVersion(
  tx: Transaction,
  model: string,
  { name, method, journey, parameters }: ModelDefinition,
  by: string,
  now: Date,
): Promise<number> {
  await retireModel(tx, model, now)
  const row = await tx.find(sql<{ version: number }>`
    insert into attribution_models (workspace_id, model, version, name, method, journey, parameters, published_at, published_by)
    select ${tx.workspaceId}, ${model}, coalesce(max(version), 0) + 1, ${name}, ${method}, ${journey},
      ${JSON.stringify(parameters)}::jsonb, ${now}::timestamptz, ${by}
    from attribution_models where model = ${model} returning version`)
  return row!.version
}

/** Answers whether it was kept. */
export async function retireModel(tx: Transaction, model: string, now: Date): Promise<boolean> {
  const retired = await tx.execute(sql`
    update attribution_models set retired_at = ${now} where model = ${model} and retired_at is null`)
  return retired > 0
}

export interface NewFit {
  id: string
  model: string
  version: number
  fittedAt: Date
  durationMs: number
  profile: DataProfile
  coefficients: unknown
}

export async function insertFit(tx: Transaction, fit: NewFit): Promise<void> {
  await tx.execute(sql`
    insert into attribution_fits (id, workspace_id, model, version, fitted_at, duration_ms, profile, coefficients)
    values (${fit.id}, ${tx.workspaceId}, ${fit.model}, ${fit.version}, ${fit.fittedAt}, ${fit.durationMs},
      ${JSON.stringify(fit.profile)}::jsonb, ${JSON.stringify(fit.coefficients)}::jsonb)`)
}

/** Another name for the version in force; its credit stays. */
export async function renameModel(tx: Transaction, model: string, name: string): Promise<void> {
  await tx.execute(sql`
    update attribution_models set name = ${name} where model = ${model} and retired_at is null`)
}

/** The share intervals of these fits, by fit and channel; a fit without any is left out. */
export async function readIntervals(
  tx: Transaction,
  fitIds: readonly string[],
): Promise<Map<string, ShareIntervals>> {
  if (fitIds.length === 0) return new Map()
  const rows = await tx.query(sql<{ id: string; intervals: ShareIntervals }>`
    select id, coefficients -> 'intervals' as intervals from attribution_fits
    where id = any(${fitIds}::text[]) and jsonb_typeof(coefficients -> 'intervals') = 'object'`)
  return new Map(rows.map((row) => [row.id, row.intervals]))
}

/** Shares ÷ removals of a data-driven fit, in (0, 1]; 1 for fits from before it was kept. */
export async function readOverlap(tx: Transaction, fitId: string): Promise<number> {
  const row = await tx.find(sql<{ overlap: number }>`
    select coalesce((coefficients ->> 'overlap')::float8, 1) as overlap from attribution_fits where id = ${fitId}`)
  return row?.overlap ?? 1
}
