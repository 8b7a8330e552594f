import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { sql } from 'kysely'
import { expect, inject } from 'vitest'
import type { TestHub } from '#tests/sync.ts'

const childFile = fileURLToPath(new URL('sync-child.ts', import.meta.url))

/** Runs of a hub in processes of their own, to be killed. */
export class RunProcesses {
  private readonly databaseUrl: string
  private readonly children: ChildProcess[] = []

  constructor(databaseUrl: string) {
    this.databaseUrl = databaseUrl
  }

  start(hub: TestHub, runId: string, leaseMs: number): ChildProcess {
    const task = {
      databaseUrl: this.databaseUrl,
      keyFile: inject('keyFile'),
      workspaceId: hub.workspaceId,
      runId,
      leaseMs,
      now: hub.engine.clock.now().toISOString(),
    }
    const child = spawn(process.execPath, [childFile, JSON.stringify(task)], { stdio: 'ignore' })
    this.children.push(child)
    return child
  }

  /**
   * Performs the run in a process that is killed once `isDue` says so, and lets its lease end.
   * @returns whether it was killed; false when it had ended by itself before.
   */
  async killWhen(
    hub: TestHub,
    runId: string,
    leaseMs: number,
    isDue: () => boolean,
  ): Promise<boolean> {
    const child = await afterTheLease(hub, async () => this.start(hub, runId, leaseMs))
    await expect
      .poll(() => child.exitCode !== null || isDue(), { interval: 5, timeout: 30_000 })
      .toBe(true)
    const isKilled = child.exitCode === null && child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    await endLease(hub)
    return isKilled
  }

  stop(): void {
    for (const child of this.children.splice(0)) child.kill('SIGKILL')
  }
}

/** What the passing of time does to the lease of a process that is gone. */
async function endLease(hub: TestHub): Promise<void> {
  await hub.engine.store.transaction(hub.workspaceId, (tx) =>
    tx.execute(sql`
      update sync_leases set held_until = clock_timestamp() where connection_id = ${hub.connectionId}`),
  )
}

/** Waits until nobody holds the connection. */
export async function afterTheLease<T>(hub: TestHub, work: () => Promise<T>): Promise<T> {
  const isFree = async () => {
    const rows = await hub.query(sql<{ free: boolean }>`
      select held_until is null or held_until < clock_timestamp() as free
      from sync_leases where connection_id = ${hub.connectionId}`)
    return rows[0]?.free ?? true
  }
  await expect.poll(isFree, { interval: 20, timeout: 20_000 }).toBe(true)
  return work()
}
