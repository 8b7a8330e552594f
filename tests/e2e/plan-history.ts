import { newId } from '#core/id.ts'
import { HOUR_MS } from '#core/time.ts'
import type { Store } from '#store/store.ts'
import { insertPlan, insertPlanned, movePlan, noteLeftOut } from '#sync/change-plan.store.ts'

/** A change plan that waits for its signatures: eight updates and three creations. @returns its id. */
export async function seedPlan(
  store: Store,
  workspaceId: string,
  connectionId: string,
  leadIds: readonly string[],
  now: Date,
): Promise<string> {
  const id = newId('pln')
  const place = { stream: 'contacts', entity: 'lead' }
  const madeAt = new Date(now.getTime() - HOUR_MS)
  await store.transaction(workspaceId, async (tx) => {
    const plan = { id, connectionId, builtIn: newId('run'), streams: ['contacts'], madeBy: null }
    await insertPlan(tx, plan, madeAt)
    const changes = leadIds.slice(0, 11).map((localId, i) => ({
      localId,
      externalId: i < 8 ? String(90_000 + i) : null,
      side: 'there' as const,
      action: i < 8 ? ('update' as const) : ('create' as const),
      changedIn: '0',
      properties: { jobtitle: 'Head of Revenue Operations', hub_score: 40 + i },
      sent: [
        {
          field: 'jobTitle',
          ours: 'Head of Revenue Operations',
          key: 'Head of Revenue Operations',
          was: i < 8 ? 'Revenue Operations Manager' : null,
        },
        { field: 'score', ours: 40 + i, key: 40 + i, was: i < 8 ? 35 : null },
      ],
    }))
    await insertPlanned(tx, id, place, changes)
    await noteLeftOut(tx, id, 'contacts', { unchanged: 912, 'record.deleted_there': 2 })
    await movePlan(tx, id, ['building'], 'proposed', null, now)
  })
  return id
}
