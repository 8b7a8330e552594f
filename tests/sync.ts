import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { hubspot } from '#connectors/hubspot/index.ts'
import { newId } from '#core/id.ts'
import { silentLog } from '#core/log.ts'
import type { ManualClock } from '#core/time.ts'
import type { EventDraft, JobContext } from '#jobs/job.ts'
import type { HubspotSandbox } from '#sandbox/hubspot/index.ts'
import type { Store } from '#store/store.ts'
import { insertConnection, updateConnection, type ConnectionState } from '#sync/connection.store.ts'
import type { Connector } from '#sync/connector.ts'
import type { Engine } from '#sync/engine.ts'
import type { Entity, EntityField, EntityRecord } from '#sync/entity.ts'
import { pendingSubscriber } from '#sync/pending.ts'
import { performRun, type RunEnd } from '#sync/run.ts'
import { ensureStreams, findRun, insertRun, type RunCause, type RunRow } from '#sync/run.store.ts'

/** Tables of a module that exists only for the engine's tests: one for records that go out, one for those that come in. */
export const testTables = `
  select pg_advisory_xact_lock(5); -- several test files may come at once
  create table if not exists test_leads (
    id identifier primary key, workspace_id identifier not null, values jsonb not null,
    clocks jsonb not null default '{}', changed_at timestamptz not null default now());
  create table if not exists test_records (
    id identifier primary key, workspace_id identifier not null, entity text not null, external_id text not null,
    values jsonb not null, refs jsonb not null, deleted boolean not null default false, writes integer not null default 1);
  do $$ begin
    if not exists (select 1 from pg_policies where tablename = 'test_leads') then
      perform throughline_isolate('test_leads');
      perform throughline_isolate('test_records');
    end if;
  end $$`

const field = (name: string, more: Partial<EntityField> = {}): EntityField => ({
  name,
  label: name,
  type: 'text',
  ...more,
})

/** Leads that are merged field by field. What the hub computes is never taken in; the status is critical. */
export const testLead: Entity = {
  name: 'lead',
  pushAfter: ['lead.created', 'lead.updated'],
  fields: [
    ...['email', 'firstName', 'lastName', 'phone', 'jobTitle', 'company', 'country'].map((name) =>
      field(name, { personal: true }),
    ),
    field('status', { critical: true }),
    field('emailOptOut', { type: 'boolean', critical: true, optOut: true }),
    ...['externalId', 'score', 'fitScore', 'engagementScore', 'channel', 'campaign', 'mqlAt'].map(
      (name) => field(name, { computed: true }),
    ),
  ],
  async listIds(tx, afterId, limit) {
    const rows = await tx.query(sql<{ id: string }>`
      select id from test_leads where id > ${afterId ?? ''} order by id limit ${limit}`)
    return rows.map((row) => row.id)
  },
  async load(tx, localIds) {
    const rows = await tx.query(sql<EntityRecord & { clocks: Record<string, string> }>`
      select id as local_id, values, clocks, changed_at from test_leads where id = any(${[...localIds]})`)
    return rows.map(({ clocks, ...row }) => ({
      ...row,
      clocks: Object.fromEntries(
        Object.entries(clocks).map(([name, at]) => [name, new Date(String(at))]),
      ),
    }))
  },
  async match(tx, candidates) {
    const emails = candidates.map(({ values }) => String(values['email'] ?? ''))
    const rows = await tx.query(sql<{ id: string; email: string }>`
      select id, values->>'email' as email from test_leads where values->>'email' = any(${emails})`)
    const idOf = new Map(rows.map((row) => [row.email, row.id]))
    return emails.map((email) => idOf.get(email) ?? null)
  },
  async write(tx, writes) {
    const rows = writes.map((write) => ({
      id: write.localId ?? newId('lead'),
      values: write.values,
      isNew: write.localId === null,
      deleted: write.deleted,
    }))
    await tx.execute(sql`
      insert into test_leads as known (id, values)
      select id, values from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(id text, values jsonb)
      on conflict (id) do update set values = known.values || excluded.values`)
    return {
      written: rows.map(({ id, isNew, deleted }) => ({
        localId: id,
        outcome: deleted ? 'deleted' : isNew ? 'created' : 'updated',
      })),
      events: rows.map(({ id }) => ({ event: 'lead.updated', subjectId: id })),
    }
  },
}

/** An entity that takes in what comes, under ids of its own. */
export function testInbound(name: string): Entity {
  return {
    name,
    pushAfter: [],
    async write(tx, writes) {
      const rows = writes.map((write) => ({
        ...write,
        id: write.localId ?? newId('opp'),
        refs: write.references,
      }))
      if (rows.some((row) => row.values['name'] === 'poison')) throw new Error('poison')
      await tx.execute(sql`
        insert into test_records as known (id, entity, external_id, values, refs, deleted)
        select id, ${name}, "externalId", values, refs, deleted
        from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
          as r(id text, "externalId" text, values jsonb, refs jsonb, deleted boolean)
        on conflict (id) do update
        set values = excluded.values, refs = excluded.refs, deleted = excluded.deleted, writes = known.writes + 1`)
      return {
        written: rows.map((row) => ({
          localId: row.id,
          outcome: row.deleted ? 'deleted' : row.localId ? 'updated' : 'created',
        })),
        events: rows.map((row) => ({ event: `${name}.written`, subjectId: row.id })),
      }
    },
  }
}

export interface TestEngine extends Engine {
  clock: ManualClock
  events: EventDraft[]
  waitedMs: number[]
}

/** An engine whose pauses take no time: they are noted instead. */
export function testEngine(
  store: Store,
  clock: ManualClock,
  options: Partial<Omit<Engine, 'clock'>> = {},
) {
  const entities = [
    testLead,
    ...['owner', 'pipeline', 'stage', 'account', 'opportunity', 'activity'].map(testInbound),
  ]
  const engine: TestEngine = {
    store,
    clock,
    log: silentLog,
    metrics: null,
    connectors: new Map<string, Connector>([['hubspot', hubspot]]),
    entities: new Map(entities.map((entity) => [entity.name, entity])),
    events: [],
    waitedMs: [],
    async publish(_tx, events) {
      engine.events.push(...events)
    },
    leaseMs: 30_000,
    async wait(durationMs, signal) {
      engine.waitedMs.push(durationMs)
      await sleep(Math.min(durationMs, 1), undefined, { signal })
    },
    approval: null,
    random: () => 0.5,
    ...options,
  }
  return engine
}

/** A workspace with a connection to the sandbox, and leads. */
export class TestHub {
  readonly engine: TestEngine
  readonly workspaceId: string
  readonly connectionId: string

  private constructor(engine: TestEngine, workspaceId: string, connectionId: string) {
    this.engine = engine
    this.workspaceId = workspaceId
    this.connectionId = connectionId
  }

  static async open(
    engine: TestEngine,
    sandbox: Pick<HubspotSandbox, 'url' | 'token'>,
    other?: { vendor: string; settings: Record<string, unknown> },
  ): Promise<TestHub> {
    const workspaceId = newId('wsp')
    await engine.store.system(async (tx) => {
      await tx.execute(sql`
        insert into workspaces (id, name, created_at) values (${workspaceId}, 'Test', now())`)
      await engine.store.createKeys(tx, workspaceId)
    })
    const connectionId = newId('con')
    const now = engine.clock.now()
    await engine.store.transaction(workspaceId, (tx) =>
      insertConnection(
        tx,
        {
          id: connectionId,
          vendor: other?.vendor ?? 'hubspot',
          name: 'CRM',
          account: null,
          state: 'active',
          dailyCalls: null,
          callDayZone: 'UTC',
          livePercent: 10,
          planAbove: null,
          readBack: 'full',
          credentialsAt: null,
          credentialsEndOn: null,
          createdAt: now,
          updatedAt: now,
          version: 1,
        },
        other?.settings ?? { baseUrl: sandbox.url, version: '2026-09', token: sandbox.token },
      ),
    )
    return new TestHub(engine, workspaceId, connectionId)
  }

  /** Adds leads numbered from `first`; answers their ids. */
  async addLeads(count: number, first = 0): Promise<string[]> {
    const rows = Array.from({ length: count }, (_, i) => ({
      id: newId('lead'),
      values: leadValues(first + i),
    }))
    await this.engine.store.transaction(this.workspaceId, (tx) =>
      tx.execute(sql`
        insert into test_leads (id, values)
        select id, values from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(id text, values jsonb)`),
    )
    return rows.map((row) => row.id)
  }

  async changeLead(id: string, values: Record<string, unknown>): Promise<void> {
    const at = this.engine.clock.now().toISOString()
    const clocks = Object.fromEntries(Object.keys(values).map((name) => [name, at]))
    await this.engine.store.transaction(this.workspaceId, (tx) =>
      tx.execute(sql`
        update test_leads set values = values || ${JSON.stringify(values)}::jsonb,
          clocks = clocks || ${JSON.stringify(clocks)}::jsonb
        where id = ${id}`),
    )
  }

  /** Queues a run of the streams. */
  async queue(
    streams = ['owners', 'pipelines', 'stages', 'companies', 'contacts', 'deals', 'tasks'],
    cause: RunCause = 'manual',
    options: { reconcile?: boolean } = {},
  ): Promise<string> {
    const id = newId('run')
    const now = this.engine.clock.now()
    const { workspaceId, connectionId } = this
    await this.engine.store.transaction(workspaceId, (tx) =>
      insertRun(
        tx,
        {
          id,
          workspaceId,
          connectionId,
          streams,
          cause,
          dueAt: now,
          slots: 1,
          retries: 0,
          ...options,
        },
        now,
      ),
    )
    return id
  }

  /** Queues a run and performs it. */
  async run(streams?: string[]): Promise<RunRow> {
    const id = await this.queue(streams)
    await this.perform(id)
    this.engine.clock.advance(60_000)
    return this.read(id)
  }

  perform(runId: string): Promise<RunEnd> {
    return performRun(this.engine, this.workspaceId, runId, new AbortController().signal)
  }

  /** The streams as the creation of the connection makes them: due at once. */
  async addStreams(): Promise<void> {
    const session = hubspot.open({
      id: this.connectionId,
      settings: { token: 'unused' },
      clock: this.engine.clock,
      onCall: () => undefined,
      saveSettings: async () => undefined,
      wait: async () => undefined,
    })
    await this.engine.store.transaction(this.workspaceId, (tx) =>
      ensureStreams(tx, this.connectionId, session.streams, this.engine.clock.now()),
    )
    await session.close()
  }

  async setState(state: ConnectionState): Promise<void> {
    const now = this.engine.clock.now()
    await this.engine.store.transaction(this.workspaceId, (tx) =>
      updateConnection(tx, this.connectionId, { state }, now),
    )
  }

  /** Notes leads as due, through the subscriber. */
  async note(ids: readonly string[], firstSeq: number): Promise<void> {
    const { workspaceId } = this
    const occurredAt = this.engine.clock.now()
    const events = ids.map((subjectId, i) => ({
      seq: firstSeq + i,
      workspaceId,
      event: 'lead.updated',
      subjectId,
      data: {},
      requestId: null,
      occurredAt,
    }))
    const context: JobContext = {
      store: this.engine.store,
      clock: this.engine.clock,
      log: silentLog,
      signal: new AbortController().signal,
      enqueue: async () => undefined,
    }
    await this.engine.store.transaction(workspaceId, (tx) =>
      pendingSubscriber([...this.engine.entities.values()]).handle(events, tx, context),
    )
  }

  async read(runId: string): Promise<RunRow> {
    const row = await this.engine.store.read(this.workspaceId, (tx) => findRun(tx, runId))
    if (!row) throw new Error('no such run')
    return row
  }

  query<Row>(statement: ReturnType<typeof sql<Row>>): Promise<Row[]> {
    return this.engine.store.read(this.workspaceId, (tx) => tx.query(statement))
  }
}

export function leadValues(n: number): EntityRecord['values'] {
  return {
    email: `person${n}@example.com`,
    firstName: `First${n}`,
    lastName: `Last${n}`,
    company: `Company ${n % 50}`,
    score: n % 100,
    fitScore: n % 50,
    engagementScore: n % 50,
    status: 'new',
    channel: 'paid_search',
  }
}
