import { stratifiedFolds } from './folds.ts'
import { qualityOf, sigmoid, type Quality } from './metrics.ts'
import { predictLogOdds } from './model.ts'
import { takeLabels, takeRows, type Table } from './table.ts'
import { train, type Choice, type TrainOptions } from './train.ts'

export interface Evaluation {
  quality: Quality
  /** The probability of each row by a model that never saw it, nor chose anything by it. */
  probabilities: Float64Array
  /** Fold by fold. */
  choices: Choice[]
}

/**
 * How right the whole recipe is: outer stratified folds, and within each a complete training with its own inner folds
 * for every choice. Cost: `folds` trainings.
 * @see Varma & Simon, "Bias in error estimation when using cross-validation for model selection", 2006.
 */
export function crossValidate(
  table: Table,
  labels: Uint8Array,
  { outerFolds, ...options }: TrainOptions & { outerFolds: number },
): Evaluation {
  const probabilities = new Float64Array(labels.length)
  const choices = stratifiedFolds(labels, outerFolds, options.seed).map((fold) => {
    const { model, choice } = train(
      takeRows(table, fold.train),
      takeLabels(labels, fold.train),
      options,
    )
    const logOdds = predictLogOdds(model, takeRows(table, fold.test))
    fold.test.forEach((place, i) => (probabilities[place] = sigmoid(logOdds[i]!)))
    return choice
  })
  return { quality: qualityOf(probabilities, labels), probabilities, choices }
}
