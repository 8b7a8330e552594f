import type { AccountJourneys } from './data.ts'
import type { Ensemble } from './ensemble.ts'

/**
 * How strongly intent, as far as it makes conversions, also makes the touches of each channel: the pulls of
 * the factors times what these do to the hazard. A channel far above the others harvests; what is left of
 * intent after the model flatters it.
 * O(touches).
 */
export function pullsOf(
  data: AccountJourneys,
  { intent, context, members }: Ensemble,
): Float64Array {
  const channels = data.channels.length
  const width = 1 + intent.factors
  const effects = Array.from({ length: intent.factors }, (_, f) => {
    const column = context.names.indexOf(`intent ${f + 1}`)
    return members.reduce((sum, { fit, weight }) => sum + weight * fit.coefficients[column]!, 0)
  })
  const touches = new Float64Array(channels)
  for (const channel of data.touchChannel) touches[channel]! += 1
  // Each channel stands twice in the model of counts: out of nothing, and while another touch is fresh.
  return Float64Array.from({ length: channels }, (_, c) =>
    effects.reduce((sum, effect, f) => {
      const cold = intent.coefficients[c * width + 1 + f]!
      const warm = intent.coefficients[(channels + c) * width + 1 + f]!
      return sum + (effect * (cold + warm)) / 2
    }, 0),
  )
}
