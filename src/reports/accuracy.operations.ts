import { z } from 'zod'
import type { DataProfile } from '#analytics/attribution/accuracy-card.ts'
import { defineOperation, type Operation } from '#gateway/operation.ts'
import { accuracyCardOf } from '#reports/accuracy.rules.ts'
import { AccuracyCard } from '#reports/accuracy.schema.ts'
import { readDataProfile } from '#reports/accuracy.store.ts'
import { Kept } from '#reports/kept.ts'
import { listModelRows } from '#reports/model.store.ts'
import type { Transaction } from '#store/store.ts'

/** Reads the profile of a workspace's data, or gives the one read a moment ago. */
export type ReadProfile = (tx: Transaction, now: Date) => Promise<DataProfile>

/** @param keptMs  for how long a profile may be given again, in milliseconds. */
export function createReadProfile(keptMs: number): ReadProfile {
  const kept = new Kept<DataProfile>(keptMs)
  return (tx, now) => kept.get(tx.workspaceId, now, () => readDataProfile(tx))
}

export function createAttributionAccuracy(readProfile: ReadProfile): Operation {
  return defineOperation({
    id: 'getAttributionAccuracy',
    method: 'GET',
    path: '/api/v1/attribution/accuracy',
    scope: 'attribution:read',
    tag: 'Attribution',
    summary:
      'How close each model is expected to come to the truth on these data, and which to use',
    description:
      'Every model was measured on simulated companies whose causal truth is known. What shows of your data decides which kinds ' +
      'of company they could be of; between sizes of data it goes by the number of won deals.',
    input: z.object({}),
    output: AccuracyCard,
    async perform(_, { tx, now }) {
      const [profile, models] = await Promise.all([readProfile(tx, now), listModelRows(tx)])
      return accuracyCardOf(profile, models)
    },
  })
}
