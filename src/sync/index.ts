import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { noTracer } from '#core/trace.ts'
import { HOUR_MS, SECOND_MS } from '#core/time.ts'
import { defineJob, type Job, type JobContext, type Subscriber } from '#jobs/job.ts'
import type { Module } from '#module.ts'
import type { Approval } from './approval.ts'
import { approvalOperations } from './approval.operations.ts'
import { backfillJob, backfillSubscriber, backfillTimer } from './backfill.jobs.ts'
import { backfillOperations } from './backfill.operations.ts'
import { callPlanOperations } from './call-plan.ts'
import { certificateOperations } from './certificate.operations.ts'
import { changePlanOperations } from './change-plan.operations.ts'
import { conflictOperations } from './conflict.operations.ts'
import { connectionOperations } from './connection.operations.ts'
import type { Connector } from './connector.ts'
import { disconnectJob, disconnectSubscriber, disconnectTimer } from './disconnection.jobs.ts'
import { disconnectionOperations } from './disconnection.operations.ts'
import type { Engine, Pace } from './engine.ts'
import type { Entity } from './entity.ts'
import { eraseJob, eraseSubscriber, eraseTimer } from './erase.ts'
import { errorItemOperations } from './error-item.operations.ts'
import { changeJob, laneSubscriber } from './fast-lane.ts'
import { fieldOperations } from './field.operations.ts'
import { healthOperations } from './health.operations.ts'
import { historyOperations } from './history.operations.ts'
import { hookJob, hookSubscriber } from './hook-upkeep.jobs.ts'
import { hookRoutes, tidyHooks } from './hook.routes.ts'
import { recordOwnWork } from '#jobs/own-work.ts'
import { lineageOperations } from './lineage.operations.ts'
import { createListOrigins } from './list-origins.ts'
import type { ListOrigins } from './origin.ts'
import { syncKpis } from './kpis.ts'
import { syncRetained } from './retained-store.ts'
import { pendingSubscriber } from './pending.ts'
import { rectifySubscriber, syncPersonalStore } from './rectify.ts'
import { runOperations } from './run.operations.ts'
import { performRun } from './run.ts'
import { scheduleTimer } from './schedule.ts'
import { undoOperations } from './undo.operations.ts'
import { syncWatches } from './watches.ts'

const LEASE_MS = 30 * SECOND_MS

/** The sync engine as a module, over the connectors and entities that `app.ts` introduces to it. */
export function createSyncModule(
  connectors: readonly Connector[],
  entities: readonly Entity[],
  publicUrl: () => string,
  watch: Pick<Engine, 'metrics' | 'onVendorCall' | 'onWritten'> = { metrics: null },
  approval: Approval | null = null,
  pace: Pace = { wait: (durationMs, signal) => sleep(durationMs, undefined, { signal }) },
): Module {
  const { byName, byVendor } = introduce(connectors, entities)
  const engineOf = ({ store, clock, log, tracer = noTracer }: JobContext): Engine => ({
    store,
    clock,
    log,
    tracer,
    ...watch,
    connectors: byVendor,
    entities: byName,
    approval,
    publish: (tx, events, now) => recordOwnWork(tx, { events }, now),
    hookAddress: (vendor, connectionId) => `${publicUrl()}/hooks/${vendor}/${connectionId}`,
    leaseMs: LEASE_MS,
    ...pace,
    random: Math.random,
  })
  return {
    name: 'sync',
    operations: [
      ...connectionOperations(byVendor),
      ...disconnectionOperations,
      ...approvalOperations(byVendor, approval),
      ...runOperations,
      ...certificateOperations,
      ...changePlanOperations(approval),
      ...undoOperations(byVendor, byName, approval),
      ...backfillOperations(byVendor, byName, approval),
      ...callPlanOperations(byVendor, byName),
      ...healthOperations,
      ...errorItemOperations,
      ...conflictOperations(byName),
      ...fieldOperations(byVendor, byName),
      ...historyOperations,
      ...lineageOperations(byVendor, byName),
    ],
    rawRoutes: hookRoutes(byVendor, publicUrl),
    entities: [],
    jobs: [
      runJob(engineOf),
      changeJob(engineOf),
      eraseJob(engineOf),
      backfillJob(engineOf),
      disconnectJob(engineOf),
      hookJob(engineOf),
    ],
    subscribers: [
      pendingSubscriber(entities),
      startSubscriber,
      laneSubscriber,
      eraseSubscriber,
      rectifySubscriber(byVendor, byName),
      backfillSubscriber,
      disconnectSubscriber,
      hookSubscriber,
    ],
    timers: [scheduleTimer, tidyHooks, eraseTimer, backfillTimer, disconnectTimer],
    personal: syncPersonalStore(byName),
    retained: syncRetained,
    watches: syncWatches,
    kpis: syncKpis,
  }
}

/** What set many fields at once, for modules whose figures stand on them. */
export function createOriginReader(
  connectors: readonly Connector[],
  entities: readonly Entity[],
): ListOrigins {
  const { byName, byVendor } = introduce(connectors, entities)
  return createListOrigins(byVendor, byName)
}

function introduce(connectors: readonly Connector[], entities: readonly Entity[]) {
  const byName = new Map(entities.map((entity) => [entity.name, entity]))
  const byVendor = new Map(
    connectors.map((connector) => [connector.vendor, withKnownStreams(connector, byName)]),
  )
  return { byName, byVendor }
}

/** A connector may read more kinds of records than the hub's modules take: those streams are not offered. */
function withKnownStreams(connector: Connector, entities: ReadonlyMap<string, Entity>): Connector {
  return {
    ...connector,
    open(connection) {
      const session = connector.open(connection)
      return {
        ...session,
        streams: session.streams.filter((stream) => entities.has(stream.entity)),
      }
    },
  }
}

/** One run. What it leaves open, because its process went away, the schedule takes up again. */
function runJob(engineOf: (context: JobContext) => Engine): Job {
  return defineJob({
    name: 'sync.run',
    input: z.object({ workspaceId: z.string(), runId: z.string() }),
    concurrency: 4,
    retryLimit: 0,
    timeoutMs: 6 * HOUR_MS,
    async run(input, context) {
      const { workspaceId, runId } = z
        .object({ workspaceId: z.string(), runId: z.string() })
        .parse(input)
      await performRun(engineOf(context), workspaceId, runId, context.signal)
    },
  })
}

/** Starts a run that someone asked for without waiting for the schedule. */
const startSubscriber: Subscriber = {
  name: 'sync.start',
  events: ['sync.run_requested'],
  async handle(events, _tx, context) {
    for (const { workspaceId, subjectId: runId } of events) {
      await context.enqueue('sync.run', { workspaceId, runId }, { singletonKey: runId })
    }
  },
}
