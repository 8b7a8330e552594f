import type { z } from 'zod'
import { AttributionModel, AttributionWindow, BuiltInModel } from '#reports/lens.schema.ts'
import { PeriodSearch, resolvePeriod, type Period } from '#console/filters.ts'

interface ModelWords {
  label: string
  rule: string
}

const builtIn: Readonly<Record<BuiltInModel, ModelWords>> = {
  first: { label: 'First touch', rule: 'All credit to the first touch in the window.' },
  last: { label: 'Last touch', rule: 'All credit to the last touch before the close.' },
  linear: { label: 'Linear', rule: 'The same credit for every touch in the window.' },
  position: {
    label: 'Position',
    rule: '40 % to the first touch, 40 % to the last, 20 % shared by those between.',
  },
  time_decay: {
    label: 'Time decay',
    rule: 'A touch counts half as much for every 7 days that it lies further before the last one.',
  },
}

/** A model in words; one of the workspace's own goes by its name. */
export function describeModel(model: AttributionModel): ModelWords {
  const known = BuiltInModel.safeParse(model)
  if (known.success) return builtIn[known.data]
  const words = model.replaceAll('_', ' ')
  const label = words.charAt(0).toUpperCase() + words.slice(1)
  return { label, rule: 'A model of this workspace.' }
}

/** Those that every workspace has come first, in their order. */
export function sortModels(models: readonly AttributionModel[]): AttributionModel[] {
  const own = models.filter((model) => !BuiltInModel.safeParse(model).success)
  return [...BuiltInModel.options.filter((model) => models.includes(model)), ...own]
}

export const modelOptions = BuiltInModel.options.map((value) => ({
  value,
  label: builtIn[value].label,
}))

/** What the address of every attribution page may say; anything else in it counts as not said. */
export const LensSearch = PeriodSearch.extend({
  model: AttributionModel.optional().catch(undefined),
  window: AttributionWindow.optional().catch(undefined),
})
export type LensSearch = z.infer<typeof LensSearch>

/** The one query object: table, chart, receipts and export of a page are asked for with it. */
export interface LensFields {
  model: AttributionModel
  window: string
  from: string | null
  to: string | null
}

export interface ResolvedLens extends LensFields {
  period: Period
}

export const DEFAULT_WINDOW = '90'
export const DEFAULT_MODEL: AttributionModel = 'linear'
const DEFAULT_PERIOD = '365d'

export function resolveLens(search: LensSearch, timeZone: string, now = new Date()): ResolvedLens {
  const period = resolvePeriod(search, DEFAULT_PERIOD, timeZone, now)
  return {
    model: search.model ?? DEFAULT_MODEL,
    window: search.window ?? DEFAULT_WINDOW,
    from: period.from,
    to: period.to,
    period,
  }
}

export function lensFields({ model, window, from, to }: ResolvedLens): LensFields {
  return { model, window, from, to }
}

export function windowLabel(window: string): string {
  return window === 'all' ? 'All time' : `${window} days`
}

/** The rule in words, as a receipt states it. */
export function describeRule({ model, window }: Pick<LensFields, 'model' | 'window'>): string {
  return `${describeModel(model).label}, ${windowLabel(window).toLowerCase()} before the close`
}
