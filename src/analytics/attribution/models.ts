import { percentileInterval } from './bootstrap.ts'
import type { BootstrapOptions, Credit, Interval } from './bootstrap.ts'
import type { Journeys } from './journeys.ts'
import { linearCredit } from './linear-credit.ts'
import { rules, shareWriter } from './rules.ts'
import type { Rule, RuleSettings } from './rules.ts'

/** What a model answers for journeys. Credit and baseline sum to all conversions and all value. */
export interface Attribution {
  credit: Credit
  /** Null when none was asked for. */
  interval: Interval | null
  /** C standard errors of `credit.value` by drawing (sampled Shapley); null: the figures are exact. */
  standardError: Float64Array | null
}

/** What a model may be told; each reads what concerns it. */
export interface ModelOptions extends RuleSettings {
  /** How many of the last channels are a state of the Markov chain. */
  order: number
  /** Worker threads that a costly model may use; 1: none. */
  workers: number
  /** Null: no interval. */
  bootstrap: BootstrapOptions | null
  /** Of what is drawn besides the bootstrap. */
  seed: number
}

export interface AttributionModel {
  about: string
  /** Whether the model says what would have come without any touch; else only conversions without a touch are the baseline. */
  knowsBaseline: boolean
  /** Columns of `Journeys` that must not be null. */
  needs: readonly ('touchedAtMs' | 'startedAtMs' | 'endedAtMs')[]
  run(journeys: Journeys, options: ModelOptions): Attribution | Promise<Attribution>
}

const aboutRules: Record<Rule, string> = {
  first: 'everything to the first touch',
  last: 'everything to the last touch',
  last_non_direct: 'everything to the last touch that is not direct',
  linear: 'the same to each touch',
  position: 'U: 40 % first, 40 % last, 20 % between',
  w_shaped: 'W: 30 % first, 30 % middle, 30 % last, 10 % to the others',
  full_path: 'Z: 22.5 % each at four places evenly over the journey, 10 % to the others',
  time_decay: 'half as much with every half-life before the last touch',
  custom: 'by weights of your own',
}

/** Every model, by the name it is asked for. A new one is a line here. */
export const attributionModels: Readonly<Record<string, AttributionModel>> = {
  ...byRule(),
  // The data-driven model joins here.
}

function byRule(): Record<string, AttributionModel> {
  return Object.fromEntries(rules.map((rule) => [rule, ruleModel(rule)]))
}

function ruleModel(rule: Rule): AttributionModel {
  return {
    about: aboutRules[rule],
    knowsBaseline: false,
    needs: rule === 'time_decay' ? ['touchedAtMs'] : [],
    run: (journeys, options) => {
      const { credit, replicates } = linearCredit(
        journeys,
        shareWriter(rule, options),
        options.bootstrap,
      )
      return { credit, interval: intervalOf(replicates, options.bootstrap), standardError: null }
    },
  }
}

function intervalOf(
  replicates: readonly Credit[],
  bootstrap: BootstrapOptions | null,
): Interval | null {
  return bootstrap === null ? null : percentileInterval(replicates, bootstrap.level)
}
