import type { PlannedChange } from './change-plan.rules.ts'
import type { PlannedState } from './change-plan.store.ts'
import type { PushChange } from './connector.ts'
import { fingerprintOf, type Delivery, type PushPage } from './push-page.store.ts'

/** Planned changes as a page of the push: `changes` are sent, `settled` are there already. */
export function pageFrom(
  planned: readonly PlannedChange[],
  changes: PushChange[],
  settled: Delivery[],
  isUndo = false,
): PushPage {
  const fits = new Set(changes.filter((one) => !one.deleted).map(({ key }) => key))
  const plans = planned
    .filter(({ localId, sent }) => fits.has(localId) && sent.length > 0)
    .map(({ localId, properties, sent }) => {
      const fields = sent.map(({ field, ours, agreed, key, was }) => {
        return [field, { ours: agreed === undefined ? ours : agreed, key, was }] as const
      })
      return [localId, { properties, sent: new Map(fields), waiting: [], isUndo }] as const
    })
  const pending = planned.map(
    ({ localId, changedIn }) => [localId, { changedIn, attempts: 0 }] as const,
  )
  const prints = changes.map(({ key, properties }) => [key, fingerprintOf(properties)] as const)
  return {
    changes,
    settled,
    pending: new Map(pending),
    fingerprints: new Map(prints),
    plans: new Map(plans),
    disputed: [],
    last: null,
  }
}

/** Found in the way, or not delivered: it stays planned, and the next pass or run looks again. */
export function stateOf({
  change,
  result,
}: Delivery): { localId: string; state: PlannedState; note: string | null }[] {
  const { localId } = change.record
  switch (result.kind) {
    case 'written':
    case 'unchanged':
      return [{ localId, state: 'sent', note: null }]
    case 'refused':
      return result.fault === 'transient'
        ? []
        : [{ localId, state: 'refused', note: `${result.code}: ${result.detail}` }]
    case 'exists':
    case 'skipped':
    case 'passed':
      return []
  }
}
