import type { KpiSource } from '#levels/kpi.ts'
import type { ReadProfile } from '#reports/accuracy.operations.ts'
import { accuracyCardOf } from '#reports/accuracy.rules.ts'
import { listModelRows } from '#reports/model.store.ts'

/** How close the credit that is given is expected to come to the truth. */
export function createReportKpis(readProfile: ReadProfile): KpiSource {
  return {
    kpis: [
      {
        id: 'attribution_accuracy',
        name: 'Attribution accuracy',
        definition:
          'One less half the distance between credited and true shares of won revenue, what would have come anyway included: ' +
          'expected of the best model that the ledger is kept for, from simulated companies like this one whose truth is known.',
        window: 'all won deals',
        unit: 'share',
        targets: [{ level: 'now', comparison: 'at_least', value: 0.75 }],
      },
    ],
    async measure(tx, now) {
      const [profile, models] = await Promise.all([readProfile(tx, now), listModelRows(tx)])
      if (profile.conversions === 0)
        return { attribution_accuracy: { value: null, reason: 'No deal was won yet.' } }
      const measured = accuracyCardOf(profile, models).models.flatMap(({ name, accuracy }) =>
        accuracy ? [{ name, ...accuracy }] : [],
      )
      const best = measured.sort((a, b) => b.expected - a.expected)[0]
      if (!best)
        return {
          attribution_accuracy: { value: null, reason: 'The models in use were not measured.' },
        }
      const { name, expected, low, high } = best
      const range = `nine in ten companies like it lie from ${low.toFixed(2)} to ${high.toFixed(2)}`
      return { attribution_accuracy: { value: expected, note: `${name}; ${range}.` } }
    },
  }
}
