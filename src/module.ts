import type { Operation } from '#gateway/operation.ts'
import type { Job, Subscriber, Timer } from '#jobs/job.ts'
import type { Entity } from '#sync/entity.ts'

/** The face that each module shows to `app.ts`. */
export interface Module {
  name: string
  operations: readonly Operation[]
  entities: readonly Entity[]
  jobs: readonly Job[]
  subscribers: readonly Subscriber[]
  timers: readonly Timer[]
}
