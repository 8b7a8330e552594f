import type { Backfill } from '#console/pages/sync/backfills.queries.ts'
import type {
  ConnectionHealth,
  Outcome,
  Plan,
  PlannedChange,
  Run,
} from '#console/pages/sync/sync.queries.ts'
import type { Tone } from '#console/ui/Badge.tsx'

export const runStates: Readonly<Record<Run['state'], { label: string; tone: Tone }>> = {
  queued: { label: 'Queued', tone: 'busy' },
  running: { label: 'Running', tone: 'busy' },
  succeeded: { label: 'Succeeded', tone: 'good' },
  partial: { label: 'Partial', tone: 'warn' },
  failed: { label: 'Failed', tone: 'bad' },
}

export const runCauses: Readonly<Record<Run['cause'], string>> = {
  schedule: 'Schedule',
  catch_up: 'Catch-up',
  change: 'Change',
  manual: 'By hand',
  retry: 'Retry',
  plan: 'Asked for a plan',
  undo: 'Undo',
  backfill: 'Backfill',
}

export const connectionStates: Readonly<
  Record<ConnectionHealth['state'], { label: string; tone: Tone }>
> = {
  active: { label: 'Active', tone: 'good' },
  needs_login: { label: 'Needs a new login', tone: 'bad' },
  paused: { label: 'Paused', tone: 'warn' },
}

/** In the order in which outcomes are shown: what wants attention first. */
export const outcomes: Readonly<Record<Outcome['outcome'], { label: string; tone: Tone }>> = {
  refused: { label: 'Refused', tone: 'bad' },
  conflict: { label: 'Conflict', tone: 'warn' },
  created: { label: 'Created', tone: 'good' },
  updated: { label: 'Updated', tone: 'good' },
  deleted: { label: 'Deleted', tone: 'info' },
  skipped: { label: 'Skipped', tone: 'plain' },
  unchanged: { label: 'Unchanged', tone: 'plain' },
}

export const outcomeKinds = Object.keys(outcomes) as Outcome['outcome'][]

/** Records of a run by outcome, over its streams. */
export function countOutcomes(counts: Run['counts']): Map<Outcome['outcome'], number> {
  const sums = new Map<Outcome['outcome'], number>()
  for (const kind of outcomeKinds) {
    const sum = Object.values(counts).reduce((total, stream) => total + (stream[kind] ?? 0), 0)
    if (sum > 0) sums.set(kind, sum)
  }
  return sums
}

const cadences = [
  { minutes: 10_080, one: 'weekly', many: 'weeks' },
  { minutes: 1440, one: 'daily', many: 'days' },
  { minutes: 60, one: 'hourly', many: 'hours' },
] as const

/** `daily`, `every 4 hours`, `every 15 minutes`. */
export function formatCadence(everyMinutes: number): string {
  const step = cadences.find(({ minutes }) => everyMinutes % minutes === 0)
  if (!step) return `every ${everyMinutes} minutes`
  const count = everyMinutes / step.minutes
  return count === 1 ? step.one : `every ${count} ${step.many}`
}

const vendors: Readonly<Record<string, string>> = {
  hubspot: 'HubSpot',
  salesforce: 'Salesforce',
  pipedrive: 'Pipedrive',
}

/** The vendor as it writes itself. */
export function vendorLabel(vendor: string): string {
  return vendors[vendor] ?? vendor
}

export const planStates: Readonly<Record<Plan['state'], { label: string; tone: Tone }>> = {
  building: { label: 'Being made', tone: 'busy' },
  proposed: { label: 'Waits for approval', tone: 'warn' },
  approved: { label: 'Being carried out', tone: 'busy' },
  done: { label: 'Done', tone: 'good' },
  discarded: { label: 'Discarded', tone: 'plain' },
  failed: { label: 'Could not be made', tone: 'bad' },
}

export const plannedActions: Readonly<Record<PlannedChange['action'], string>> = {
  create: 'Create',
  update: 'Update',
  delete: 'Delete',
}

export const plannedStates: Readonly<
  Record<PlannedChange['state'], { label: string; tone: Tone }>
> = {
  planned: { label: 'Planned', tone: 'plain' },
  sent: { label: 'Sent', tone: 'busy' },
  proved: { label: 'There as planned', tone: 'good' },
  changed_there: { label: 'Changed there since', tone: 'info' },
  outdated: { label: 'Left out', tone: 'warn' },
  refused: { label: 'Refused', tone: 'bad' },
  not_there: { label: 'Not there', tone: 'bad' },
  kept: { label: 'Stays', tone: 'plain' },
}

export const backfillStates: Readonly<Record<Backfill['state'], { label: string; tone: Tone }>> = {
  running: { label: 'Under way', tone: 'busy' },
  paused: { label: 'Paused', tone: 'warn' },
  done: { label: 'Done', tone: 'good' },
  cancelled: { label: 'Given up', tone: 'plain' },
  failed: { label: 'Failed', tone: 'bad' },
}

export const backfillWaits: Readonly<Record<NonNullable<Backfill['waitsFor']>, string>> = {
  live_sync: 'Live sync goes first',
  calls: 'Its calls of today are used up',
  connection: 'The connection does not run',
  plan: 'A change plan waits to be approved',
  vendor: 'The system does not answer as it should',
}
