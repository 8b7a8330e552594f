import { sql } from 'kysely'
import { expect } from 'vitest'
import { linkAudit } from '#access/audit-chain.ts'
import { auditFiles } from '#app.ts'
import type { ManualClock } from '#core/time.ts'
import type { TestHub } from '#tests/hub.ts'

/**
 * Lets time pass in steps and everything that is due happen in each. The audit log is linked first: its entries wait for every
 * older transaction of the server, which takes no time here and would look like hours by the moved clock.
 */
export async function passTime(
  hub: TestHub,
  clock: ManualClock,
  durationMs: number,
  stepMs: number,
): Promise<void> {
  for (let passedMs = 0; passedMs < durationMs; passedMs += stepMs) {
    clock.advance(stepMs)
    await expect.poll(() => countUnlinked(hub, clock), { timeout: 20_000 }).toBe(0)
    await hub.app.jobs.tick()
    await hub.settle()
  }
}

async function countUnlinked({ app }: TestHub, clock: ManualClock): Promise<number> {
  await linkAudit(app.store, auditFiles(app.config), clock.now())
  const row = await app.store.system((tx) =>
    tx.find(sql<{ unlinked: number }>`
      select count(*)::int as unlinked from audit_log a left join audit_heads h on h.workspace_id = a.workspace_id
      where (a.xid, a.id) > (coalesce(h.xid, '0'::xid8), coalesce(h.audit_id, ''))`),
  )
  return row?.unlinked ?? 0
}
