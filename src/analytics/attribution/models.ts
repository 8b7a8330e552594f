import { drawJourneys, percentileInterval } from './bootstrap.ts'
import type { BootstrapOptions, Credit, Interval } from './bootstrap.ts'
import { causalCredit } from './causal/from-journeys.ts'
import type { Journeys } from './journeys.ts'
import { linearCredit } from './linear-credit.ts'
import { markovCredit, markovCreditOn } from './markov.ts'
import { rules, shareWriter } from './rules.ts'
import type { Rule, RuleSettings, ShareWriter } from './rules.ts'
import { markovShapleyCredit, shapleyWriter } from './shapley.ts'

/** What a model answers for journeys. Credit and baseline sum to all conversions and all value. */
export interface Attribution {
  credit: Credit
  /** Null when none was asked for. */
  interval: Interval | null
  /** C standard errors by drawing (sampled Shapley); null: the figures are exact. */
  standardError: Pick<Credit, 'conversions' | 'value'> | null
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
  markov: {
    about: 'removal effects of a Markov chain, exact',
    knowsBaseline: false,
    needs: [],
    async run(journeys, { order, workers, bootstrap }) {
      const credit = await markovCreditOn(journeys, order, workers)
      const again = (drawn: Journeys) => markovCredit(drawn, order)
      return { credit, interval: redrawn(journeys, bootstrap, again), standardError: null }
    },
  },
  shapley: linearModel(
    'the same to each channel of the journey, however often it touched',
    shapleyWriter,
  ),
  markov_shapley: {
    about: 'Shapley values of a Markov chain, exact up to 12 channels, drawn above',
    knowsBaseline: false,
    needs: [],
    run(journeys, { order, bootstrap, seed }) {
      const of = (drawn: Journeys) =>
        markovShapleyCredit(drawn, order, { exactUpTo: 12, pairs: 100, seed })
      const { credit, standardError } = of(journeys)
      const interval = redrawn(journeys, bootstrap, (drawn) => of(drawn).credit)
      return { credit, interval, standardError }
    },
  },
  data_driven: {
    about: 'what would be missing without each channel: hazards beside inferred intent, holdouts',
    knowsBaseline: true,
    needs: ['touchedAtMs', 'startedAtMs', 'endedAtMs'],
    run: (journeys, { bootstrap, seed }) => ({
      ...causalCredit(journeys, bootstrap?.replicates ?? 0, seed),
      standardError: null,
    }),
  },
}

function byRule(): Record<string, AttributionModel> {
  return Object.fromEntries(
    rules.map((rule) => {
      const model = linearModel(aboutRules[rule], (options) => shareWriter(rule, options))
      return [rule, rule === 'time_decay' ? { ...model, needs: ['touchedAtMs'] as const } : model]
    }),
  )
}

function linearModel(
  about: string,
  writerOf: (options: ModelOptions) => ShareWriter,
): AttributionModel {
  return {
    about,
    knowsBaseline: false,
    needs: [],
    run(journeys, options) {
      const { bootstrap } = options
      const { credit, replicates } = linearCredit(journeys, writerOf(options), bootstrap)
      const interval = bootstrap && percentileInterval(replicates, bootstrap.level)
      return { credit, interval, standardError: null }
    },
  }
}

/** The interval of a model that has to be run anew for each replicate. */
function redrawn(
  journeys: Journeys,
  bootstrap: BootstrapOptions | null,
  run: (drawn: Journeys) => Credit,
): Interval | null {
  if (bootstrap === null) return null
  const replicates = Array.from({ length: bootstrap.replicates }, (_, b) =>
    run(drawJourneys(journeys, bootstrap.seed, b)),
  )
  return percentileInterval(replicates, bootstrap.level)
}
