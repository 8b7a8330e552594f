import type { Journeys } from '#analytics/attribution/journeys.ts'
import type { CreditWriter } from '#reports/model.rules.ts'
import type { ModelMethod, ModelParameters } from '#reports/model.schema.ts'

/** What a computed model learned, ready to credit journeys. */
export interface FittedModel {
  hasBaseline: boolean
  /** The writer for journeys whose channels have the positions of these names; channels it never saw get what it gives to the unknown. */
  bind(channels: readonly string[]): CreditWriter
}

/** A method that learns from all journeys. What it learned is plain JSON, so that it can be kept and restored. */
export interface FittableMethod {
  fit(journeys: Journeys, parameters: ModelParameters): Promise<unknown> | unknown
  /** @param coefficients  what `fit` gave, through JSON. */
  restore(coefficients: unknown): FittedModel
}

/** The computed methods. */
export const fittableMethods: Partial<Record<ModelMethod, FittableMethod>> = {}
