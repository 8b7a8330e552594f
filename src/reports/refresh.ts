import { sql } from 'kysely'
import { z } from 'zod'
import { MINUTE_MS } from '#core/time.ts'
import { defineJob } from '#jobs/job.ts'
import type { JobContext, Subscriber, Timer } from '#jobs/job.ts'
import { markDirty } from '#reports/dirty.store.ts'
import { refreshModelPage, refreshPage } from '#reports/refresh-page.ts'
import type { Store } from '#store/store.ts'

const JOB_NAME = 'reports.attribution.refresh'

/** Computes the deals of one workspace that are marked dirty. */
export const refreshJob = defineJob({
  name: JOB_NAME,
  input: z.object({ workspaceId: z.string() }),
  concurrency: 1,
  retryLimit: 5,
  timeoutMs: 15 * MINUTE_MS,
  async run({ workspaceId }, { store, clock, signal, log }) {
    const deals = await refreshLedger(store, workspaceId, () => clock.now(), signal)
    log.debug({ workspaceId, deals }, 'the credit ledger was refreshed')
  },
})

/** Takes up what no event did: marks whose refresh was lost on the way or failed for good. */
export const refreshTimer: Timer = {
  name: JOB_NAME,
  everyMs: MINUTE_MS,
  async run(context) {
    const rows = await context.store.system((tx) =>
      tx.query(sql<{ workspaceId: string }>`
        select w.id as workspace_id from workspaces w
        where exists (select 1 from attribution_dirty d where d.workspace_id = w.id)`),
    )
    for (const { workspaceId } of rows) {
      await context.enqueue(JOB_NAME, { workspaceId }, { singletonKey: workspaceId })
    }
  },
}

/** Marks the deals that a change may bear upon, and asks for a refresh. */
export const dirtySubscriber: Subscriber = {
  name: 'reports.attribution',
  events: [
    'opportunity.created',
    'opportunity.updated',
    'opportunity.deleted',
    'opportunity.people_changed',
    'touchpoint.recorded',
    'person.merged',
    'person.unmerged',
    'campaign.created',
    'campaign.updated',
    'campaign.deleted',
    'attribution.recompute_requested',
    'attribution.windows_changed',
    'attribution.model_published',
    'attribution.model_retired',
    'lead.created',
  ],
  async handle(events, tx, context) {
    const of = (prefix: string) => events.filter(({ event }) => event.startsWith(prefix))
    const subjects = (prefix: string) => [...new Set(of(prefix).map((event) => event.subjectId))]
    const others = of('person.').flatMap(({ data }) => {
      const other = data['into'] ?? data['from']
      return typeof other === 'string' ? [other] : []
    })
    const marked = await markDirty(
      tx,
      {
        opportunityIds: subjects('opportunity.'),
        touchpointIds: subjects('touchpoint.'),
        personIds: [...new Set([...subjects('person.'), ...others])],
        campaignIds: subjects('campaign.'),
        leadIds: subjects('lead.'),
      },
      context.clock.now(),
    )
    const isAsked = of('attribution.').length > 0
    if (marked > 0 || isAsked) await askForRefresh(tx.workspaceId, context)
  },
}

/** The marks commit after this; should the refresh ever come first, the timer takes them up. */
export function askForRefresh(workspaceId: string, context: JobContext): Promise<void> {
  return context.enqueue(JOB_NAME, { workspaceId }, { singletonKey: workspaceId })
}

/**
 * Computes all dirty deals of the workspace, a transaction a page, so that a kill leaves whole pages and dirty deals.
 *
 * @returns how many deals were computed. Goes on until none is dirty or `signal` aborts.
 */
export async function refreshLedger(
  store: Store,
  workspaceId: string,
  now: () => Date,
  signal?: AbortSignal,
): Promise<number> {
  let done = 0
  for (;;) {
    signal?.throwIfAborted()
    const page = await store.transaction(workspaceId, async (tx) => {
      const ofModels = await refreshModelPage(tx, now())
      return ofModels > 0 ? ofModels : refreshPage(tx, now())
    })
    if (page === 0) return done
    done += page
  }
}
