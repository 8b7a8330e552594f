import { expectAccuracy, type DataProfile } from '#analytics/attribution/accuracy-card.ts'
import type { AccuracyCard, ExpectedAccuracy } from '#reports/accuracy.schema.ts'
import type { ModelDefinition, ModelMethod } from '#reports/model.schema.ts'

type Defined = Pick<ModelDefinition, 'method' | 'parameters'>

/** The card's name of a model; null: it was not measured. */
function nameOnCard({ method, parameters }: Defined): string | null {
  const { order = 1 } = parameters
  if (method === 'markov') return order > 3 ? null : `markov ${order}`
  if (method === 'custom' || method === 'markov_shapley') return null
  return method === 'data_driven' ? 'data-driven' : method
}

/** What each model is expected to reach on data of this profile, in the order asked; null: not measured. */
export function accuracyOf(
  profile: DataProfile,
  models: readonly Defined[],
): (ExpectedAccuracy | null)[] {
  const byName = new Map(expectAccuracy(profile).models.map((each) => [each.model, each]))
  return models.map((model) => {
    const found = byName.get(nameOnCard(model) ?? '')
    if (!found) return null
    const { expected, low, high, wrongAbout } = found
    return { expected, low, high, wrongAbout }
  })
}

/** @param models  those that the ledger is kept for. */
export function accuracyCardOf(
  profile: DataProfile,
  models: readonly (Defined & { model: string; name: string })[],
): AccuracyCard {
  const { kinds, reason, models: candidates } = expectAccuracy(profile)
  const method = methodOf(candidates[0]!.model)
  const accuracies = accuracyOf(profile, models)
  return {
    profile,
    kinds,
    recommended: {
      method,
      reason,
      keptAs: models.flatMap((each) => (each.method === method ? [each.model] : [])),
    },
    models: models.map(({ model, name, method: own }, i) => ({
      model,
      name,
      method: own,
      accuracy: accuracies[i]!,
    })),
  }
}

function methodOf(name: string): ModelMethod {
  if (name.startsWith('data-driven')) return 'data_driven'
  return (name.startsWith('markov') ? 'markov' : name) as ModelMethod
}
