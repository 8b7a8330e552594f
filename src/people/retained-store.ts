import { sql } from 'kysely'
import { defineRetainedRows, type RetainedKind } from '#compliance/retained-store.ts'

export const peopleRetained: readonly RetainedKind[] = [
  defineRetainedRows({
    name: 'touchpoints',
    about:
      'Touches. Credit that was given for them stays until their deal is computed again: keep them longer than the longest attribution window.',
    defaultDays: null,
    minimumDays: 1,
    isErasable: true,
    table: 'touchpoints',
    id: 't.id',
    at: 't.occurred_at',
    isHeld: ({ heldPeople }) => sql`t.person_id in ${heldPeople}`,
  }),
]
