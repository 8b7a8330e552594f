import type { Operation } from '#gateway/operation.ts'
import type { Mount, RawRoute } from '#gateway/raw-route.ts'
import type { Watch } from '#alerts/watch.ts'
import type { PersonalStore } from '#compliance/personal-store.ts'
import type { RetainedKind } from '#compliance/retained-store.ts'
import type { ImportTarget } from '#imports/target.ts'
import type { Job, Subscriber, Timer } from '#jobs/job.ts'
import type { KpiSource } from '#levels/kpi.ts'
import type { Entity } from '#sync/entity.ts'

/** The face that each module shows to `app.ts`. */
export interface Module {
  name: string
  operations: readonly Operation[]
  rawRoutes?: readonly RawRoute[]
  mounts?: readonly Mount[]
  entities: readonly Entity[]
  jobs: readonly Job[]
  subscribers: readonly Subscriber[]
  timers: readonly Timer[]
  /** What rows of an imported file can become here. */
  importTargets?: readonly ImportTarget[]
  /** What it keeps of people: collected for those who ask, erased on their wish. */
  personal?: PersonalStore
  /** Kinds of records that it keeps for a time. */
  retained?: readonly RetainedKind[]
  /** What of its state somebody has to be told of. */
  watches?: readonly Watch[]
  /** Figures that it is held to. */
  kpis?: KpiSource
}
