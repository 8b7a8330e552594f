import { sql } from 'kysely'
import { DAY_MS, HOUR_MS } from '#core/time.ts'
import type { Store } from '#store/store.ts'
import { insertChanges } from '#sync/change.store.ts'
import { openConflicts } from '#sync/conflict.store.ts'
import type { FieldChange } from '#sync/merge-record.ts'

const TITLES = ['Head of Revenue Operations', 'VP Marketing', 'Marketing Manager', 'CFO', 'CTO']

/** Nine conflicts about the job title, the oldest overdue, and the changes that a rehearsal decides once more. */
export async function seedConflicts(
  store: Store,
  workspaceId: string,
  { connectionId, runId }: { connectionId: string; runId: string },
  leadIds: readonly string[],
  now: Date,
): Promise<void> {
  const ago = (ms: number) => new Date(now.getTime() - ms)
  const place = { connectionId, entity: 'lead', stream: 'contacts', runId }
  const records = leadIds.slice(0, 9).map((localId, i) => ({
    localId,
    externalId: String(90_000 + i),
    sides: {
      field: 'jobTitle',
      base: { ours: 'Revenue Operations Manager', theirs: 'Revenue Operations Manager' },
      ours: TITLES[i % 5] ?? '',
      theirs: TITLES[(i + 2) % 5] ?? '',
      theirsKey: TITLES[(i + 2) % 5] ?? '',
      oursAt: ago((i + 2) * HOUR_MS),
      theirsAt: ago((i % 3) * 2 * HOUR_MS + HOUR_MS),
    },
  }))
  const changes = records.map(({ localId, externalId, sides }) => ({
    localId,
    externalId,
    changes: [asked(sides)],
  }))
  await store.transaction(workspaceId, async (tx) => {
    await openConflicts(tx, place, records.slice(0, 3), ago(3 * DAY_MS))
    await openConflicts(tx, place, records.slice(3), ago(4 * HOUR_MS))
    await insertChanges(tx, place, changes, ago(4 * HOUR_MS))
    await tx.execute(
      sql`update sync_conflicts set owner = 'usr_someone' where local_id = ${records[0]?.localId}`,
    )
  })
}

function asked(sides: { ours: string; theirs: string; oursAt: Date; theirsAt: Date }): FieldChange {
  return {
    field: 'jobTitle',
    verdict: 'ask',
    reason: 'Both sides changed it, and the rule is to ask.',
    contested: true,
    policy: 'ask',
    base: 'Revenue Operations Manager',
    ours: sides.ours,
    theirs: sides.theirs,
    oursAt: sides.oursAt.toISOString(),
    theirsAt: sides.theirsAt.toISOString(),
  }
}
