import { defineRetainedRows, type RetainedKind } from '#compliance/retained-store.ts'

export const marketingRetained: readonly RetainedKind[] = [
  defineRetainedRows({
    name: 'quarantined_events',
    about:
      'Tracking events that could not be taken, sealed as they came. They name nobody outside the seal: only a hold of the kind keeps them.',
    defaultDays: null,
    minimumDays: 1,
    isErasable: false,
    table: 'quarantined_events',
    id: 't.id',
    at: 't.received_at',
  }),
]
