import { defineRetainedRows, type RetainedKind } from '#compliance/retained-store.ts'

export const webhooksRetained: readonly RetainedKind[] = [
  defineRetainedRows({
    name: 'webhook_deliveries',
    about:
      'Messages to other systems with their deliveries and attempts: they cannot be replayed any more. They hold ids and figures only, so that only a hold of the kind keeps them.',
    defaultDays: 30,
    minimumDays: 1,
    isErasable: false,
    table: 'webhook_messages',
    id: 't.id',
    at: 't.occurred_at',
  }),
]
