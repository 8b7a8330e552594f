import { sql } from 'kysely'
import { z } from 'zod'
import { newId } from '#core/id.ts'
import type { Operation, Principal } from '#gateway/operation.ts'
import { refreshLedger } from '#reports/refresh.ts'
import { seedReports } from '#reports/ledger.store.ts'
import { markAllDirty } from '#reports/dirty.store.ts'
import type { Store, Transaction } from '#store/store.ts'

/** A workspace of a few records, for the tests of reports; rows go in by SQL, as the owning modules would write them. */
export interface SmallWorld {
  workspaceId: string
  /** Writes as the workspace. */
  write<T>(work: (tx: Transaction) => Promise<T>): Promise<T>
  campaign(fields?: Partial<Campaign>): Promise<string>
  person(mergedInto?: string | null): Promise<string>
  touch(
    personId: string,
    at: string,
    fields?: { campaignId?: string | null; channel?: string },
  ): Promise<string>
  deal(fields: Partial<Deal> & { people?: string[] }): Promise<string>
  lead(personId: string, fields: Partial<Lead>): Promise<string>
  /** Marks everything dirty and computes it at `at`. */
  recompute(at?: string): Promise<void>
  /** Computes what is dirty. */
  refresh(at?: string): Promise<number>
  /** The answer of an operation as the wire has it, as at `at`. */
  // oxlint-disable-next-line typescript/no-explicit-any -- the wire is whatever the test says it is
  ask(operation: Operation, input?: Record<string, unknown>, at?: string): Promise<any>
}

interface Campaign {
  channel: string
  budgetMinor: number | null
  currency: string
  startsOn: string | null
  endsOn: string | null
  deletedAt: string | null
}

interface Deal {
  status: 'open' | 'won' | 'lost'
  amountMinor: number | null
  currency: string
  openedAt: string
  closedAt: string | null
  deletedAt: string | null
  ownerId: string | null
}

interface Lead {
  status: string
  channel: string
  campaignId: string | null
  capturedAt: string
  mqlAt: string | null
  ownerId: string | null
  disposition: string | null
}

const FOUNDED = '2026-01-01T00:00:00Z'
export const NOW = '2026-11-23T12:00:00Z'

const CHANNELS = ['paid_search', 'email', 'webinar', 'direct']

export async function smallWorld(
  store: Store,
  currency = 'EUR',
  timeZone = 'UTC',
): Promise<SmallWorld> {
  const workspaceId = newId('wsp')
  await store.system(async (tx) => {
    await tx.execute(sql`
      insert into workspaces (id, name, time_zone, currency, created_at)
      values (${workspaceId}, 'Small', ${timeZone}, ${currency}, ${FOUNDED})`)
    await store.createKeys(tx, workspaceId)
  })
  const write = <T>(work: (tx: Transaction) => Promise<T>) => store.transaction(workspaceId, work)
  await write(async (tx) => {
    await seedReports(tx)
    await tx.execute(sql`
      insert into channels (workspace_id, key, label, created_at)
      select ${workspaceId}, key, key, ${NOW}::timestamptz from unnest(${CHANNELS}::text[]) key`)
  })
  const world: SmallWorld = {
    workspaceId,
    write,
    async campaign({
      channel = 'email',
      budgetMinor = null,
      currency = 'EUR',
      startsOn = null,
      endsOn = null,
      deletedAt = null,
    } = {}) {
      const id = newId('cmp')
      await write((tx) =>
        tx.execute(sql`
        insert into campaigns (id, workspace_id, key, name, channel, status, starts_on, ends_on, budget_minor, currency,
          created_at, updated_at, deleted_at)
        values (${id}, ${workspaceId}, ${id}, 'Campaign', ${channel}, 'active', ${startsOn}, ${endsOn}, ${budgetMinor},
          ${currency}, ${NOW}, ${NOW}, ${deletedAt})`),
      )
      return id
    },
    async person(mergedInto = null) {
      const id = newId('per')
      await write((tx) =>
        tx.execute(sql`
        insert into people (id, workspace_id, identified, merged_into, created_at, updated_at)
        values (${id}, ${workspaceId}, true, ${mergedInto}, ${NOW}, ${NOW})`),
      )
      return id
    },
    async touch(personId, at, { campaignId = null, channel = 'email' } = {}) {
      const id = newId('tch')
      await write((tx) =>
        tx.execute(sql`
        insert into touchpoints (id, workspace_id, person_id, kind, channel, campaign_id, occurred_at, received_at, source)
        values (${id}, ${workspaceId}, ${personId}, 'page_view', ${channel}, ${campaignId}, ${at}, ${at}, 'api')`),
      )
      return id
    },
    async deal({
      people = [],
      status = 'won',
      amountMinor = 10_000,
      currency = 'EUR',
      openedAt = '2026-01-01T00:00:00Z',
      closedAt = null,
      deletedAt = null,
      ownerId = null,
    }) {
      const id = newId('opp')
      const closed = status === 'open' ? null : (closedAt ?? '2026-11-10T12:00:00Z')
      await write(async (tx) => {
        const name = tx.sealer.seal('Deal', `opportunities.name:${id}`)
        await tx.execute(sql`
          insert into opportunities (id, workspace_id, name, amount_minor, currency, status, owner_id, opened_at, closed_at,
            deleted_at, updated_at)
          values (${id}, ${workspaceId}, ${name}, ${amountMinor}, ${currency}, ${status}, ${ownerId}, ${openedAt}, ${closed},
            ${deletedAt}, ${NOW})`)
        await tx.execute(sql`
          insert into opportunity_people (workspace_id, opportunity_id, person_id)
          select ${workspaceId}, ${id}, unnest(${people}::text[])`)
      })
      return id
    },
    async lead(
      personId,
      {
        status = 'new',
        channel = 'email',
        campaignId = null,
        capturedAt = NOW,
        mqlAt = null,
        ownerId = null,
        disposition = null,
      },
    ) {
      const id = newId('lead')
      await write((tx) =>
        tx.execute(sql`
        insert into leads (id, workspace_id, person_id, status, channel, campaign_id, fit_score, engagement_score, score,
          score_parts, score_version, scored_at, mql_at, owner_id, disposition, captured_at, created_at, updated_at)
        values (${id}, ${workspaceId}, ${personId}, ${status}, ${channel}, ${campaignId}, 0, 0, 0, '[]', 1, ${capturedAt},
          ${mqlAt}, ${ownerId}, ${disposition}, ${capturedAt}, ${capturedAt}, ${capturedAt})`),
      )
      return id
    },
    async recompute(at = NOW) {
      await write((tx) => markAllDirty(tx, new Date(at)))
      await world.refresh(at)
    },
    refresh: (at = NOW) => refreshLedger(store, workspaceId, () => new Date(at)),
    async ask(operation, input = {}, at = NOW) {
      if (!('perform' in operation)) throw new Error('a collective operation')
      const parsed = operation.input.parse(input)
      const perform = async (tx: Transaction) => {
        const context = {
          tx,
          now: new Date(at),
          requestId: 'req_test',
          principal,
          expectedVersion: null,
          emit() {},
          audit() {},
          sendHeader() {},
        }
        return z.encode(operation.output, await operation.perform(parsed, context))
      }
      return operation.method === 'GET' ? store.read(workspaceId, perform) : write(perform)
    },
  }
  const principal: Principal = {
    id: 'usr_test',
    kind: 'system',
    workspaceId,
    scopes: new Set(),
    rateLimitPerMinute: 1,
  }
  return world
}
