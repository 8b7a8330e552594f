import { sql } from 'kysely'
import { newId } from '#core/id.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '#core/time.ts'
import type { Store, Transaction } from '#store/store.ts'
import { insert } from '#tests/e2e/company.ts'

/** A sandbox that stands for the CRM, with a contact for each of the records. */
export interface Crm {
  url: string
  token: string
  contactIds: readonly string[]
}

/** What the tests of the sync pages look for. */
export interface SyncHistory {
  connectionId: string
  /** The newest run, in which records were refused. */
  runId: string
  /** A lead that was refused in it and written in earlier ones. */
  refusedLeadId: string
}

const STREAMS = [
  { name: 'owners', entity: 'owner', direction: 'pull' },
  { name: 'deals', entity: 'opportunity', direction: 'pull' },
  { name: 'contacts', entity: 'lead', direction: 'push' },
] as const
const CAUSES = [
  { code: 'INVALID_EMAIL', detail: 'Properties: email.' },
  { code: 'INVALID_OPTION', detail: 'Properties: job_function.' },
] as const
const RUNS = 26
const REFUSED = 7
export const RECORDS = 160

/**
 * A CRM connection with a month of runs: the last one had records refused for two causes, an earlier one broke off. And
 * a second connection whose login has run out.
 */
export async function seedSyncHistory(
  store: Store,
  workspaceId: string,
  leadIds: readonly string[],
  crm: Crm,
  now: Date,
): Promise<SyncHistory> {
  const connectionId = newId('con')
  const other = newId('con')
  return store.transaction(workspaceId, async (tx) => {
    await insertConnection(tx, { id: connectionId, name: 'HubSpot', state: 'active' }, crm, now)
    await insertConnection(
      tx,
      { id: other, name: 'HubSpot Iberia', state: 'needs_login' },
      crm,
      now,
    )
    const runIds = await insertRuns(tx, connectionId, now)
    const runId = runIds.at(-1) ?? ''
    await insertOutcomes(tx, connectionId, runIds, leadIds, crm, now)
    await insertErrors(tx, connectionId, runId, leadIds, now)
    return { connectionId, runId, refusedLeadId: leadIds[0] ?? '' }
  })
}

async function insertConnection(
  tx: Transaction,
  { id, name, state }: { id: string; name: string; state: string },
  { url: baseUrl, token }: Crm,
  now: Date,
): Promise<void> {
  const settings = tx.sealer.seal(
    { baseUrl, version: '2026-09', token },
    `connections.settings:${id}`,
  )
  const at = new Date(now.getTime() - 60 * DAY_MS)
  await tx.execute(sql`
    insert into connections (id, workspace_id, vendor, name, settings, account, state, daily_calls, credentials_at,
      credentials_end_on, created_at, updated_at)
    values (${id}, ${tx.workspaceId}, 'hubspot', ${name}, ${settings}, 'HubSpot 48211', ${state}, 40000, ${at},
      ${state === 'active' ? new Date(now.getTime() + 12 * DAY_MS) : null}::date, ${at}, ${at})`)
  const lastAt = new Date(now.getTime() - (state === 'active' ? 4 * HOUR_MS : 3 * DAY_MS))
  for (const [position, stream] of STREAMS.entries()) {
    await tx.execute(sql`
      insert into sync_streams (workspace_id, connection_id, name, entity, direction, every_minutes, cadence_reason,
        next_run_at, reconciled_at, last_run_at, last_success_at, position)
      values (${tx.workspaceId}, ${id}, ${stream.name}, ${stream.entity}, ${stream.direction}, 1440,
        'Sales works on it once a day', ${new Date(now.getTime() + 20 * HOUR_MS)}, ${at}, ${lastAt}, ${lastAt},
        ${position})`)
  }
}

function runRow(i: number, now: Date) {
  const age = RUNS - 1 - i
  const dueAt = new Date(now.getTime() - age * DAY_MS - 4 * HOUR_MS)
  const isLast = age === 0
  const isBroken = age === 9
  return {
    id: newId('run'),
    state: isBroken ? 'failed' : isLast ? 'partial' : 'succeeded',
    cause: isLast ? 'manual' : isBroken ? 'catch_up' : 'schedule',
    due_at: dueAt,
    started_at: new Date(dueAt.getTime() + 2 * SECOND_MS),
    ended_at: new Date(dueAt.getTime() + (isBroken ? 20 : 40 + i) * SECOND_MS),
    calls: isBroken ? 8 : 12 + (i % 5),
    counts: isBroken
      ? {}
      : {
          owners: { unchanged: 6 },
          deals: { created: i % 4, updated: 2 + (i % 3), unchanged: 20 + i },
          contacts: isLast
            ? { updated: RECORDS - REFUSED - 1, refused: REFUSED, conflict: 1 }
            : { created: i === 0 ? 12 : 0, updated: i === 0 ? 0 : 12 },
        },
    fault_stream: isBroken ? 'contacts' : null,
    fault_kind: isBroken ? 'transient' : null,
    fault_detail: isBroken ? 'HubSpot answered 502 four times in a row.' : null,
  }
}

async function insertRuns(tx: Transaction, connectionId: string, now: Date): Promise<string[]> {
  const rows = Array.from({ length: RUNS }, (_, i) => runRow(i, now))
  const own =
    'id, state, cause, due_at, started_at, ended_at, calls, counts, fault_stream, fault_kind, fault_detail'
  await insert(
    tx,
    {
      table: 'sync_runs',
      record:
        'id text, state text, cause text, due_at timestamptz, started_at timestamptz, ended_at timestamptz, calls int, counts jsonb, fault_stream text, fault_kind text, fault_detail text',
      columns: `connection_id, streams, queued_at, ${own}`,
      values: `'${connectionId}', '{owners,deals,contacts}', due_at, ${own}`,
    },
    rows,
  )
  return rows.map(({ id }) => id)
}

async function insertOutcomes(
  tx: Transaction,
  connectionId: string,
  runIds: readonly string[],
  leadIds: readonly string[],
  { contactIds }: Crm,
  now: Date,
): Promise<void> {
  const last = runIds.length - 1
  const rows = runIds.flatMap((runId, run) =>
    leadIds.slice(0, run === last ? RECORDS : 12).map((leadId, i) => {
      const cause = run === last && i < REFUSED ? CAUSES[i % CAUSES.length] : undefined
      const isConflict = run === last && i === REFUSED
      return {
        run_id: runId,
        record: leadId,
        external_id: contactIds[i],
        outcome: cause ? 'refused' : isConflict ? 'conflict' : run === 0 ? 'created' : 'updated',
        code: cause?.code ?? (isConflict ? 'CONFLICT' : null),
        detail: cause?.detail ?? null,
        at: new Date(now.getTime() - (last - run) * DAY_MS - 4 * HOUR_MS + i * SECOND_MS),
      }
    }),
  )
  await insert(
    tx,
    {
      table: 'sync_outcomes',
      record:
        'run_id text, record text, external_id text, outcome text, code text, detail text, at timestamptz',
      columns:
        'run_id, stream, record, direction, entity, local_id, external_id, outcome, code, detail, at',
      values: `run_id, 'contacts', record, 'push', 'lead', record, external_id, outcome, code, detail, at`,
    },
    rows,
  )
  await insert(
    tx,
    {
      table: 'sync_links',
      record: 'local_id text, external_id text',
      columns: 'connection_id, entity, local_id, external_id, linked_at',
      values: `'${connectionId}', 'lead', local_id, external_id, '${new Date(now.getTime() - 26 * DAY_MS).toISOString()}'`,
    },
    leadIds.slice(0, RECORDS).map((id, i) => ({ local_id: id, external_id: contactIds[i] })),
  )
}

async function insertErrors(
  tx: Transaction,
  connectionId: string,
  runId: string,
  leadIds: readonly string[],
  now: Date,
): Promise<void> {
  const causeOf = (i: number) => CAUSES[i % CAUSES.length]
  await insert(
    tx,
    {
      table: 'sync_errors',
      record: 'record text, code text, detail text, at timestamptz',
      columns:
        'connection_id, stream, record, direction, entity, local_id, code, detail, first_at, last_at, last_run_id',
      values: `'${connectionId}', 'contacts', record, 'push', 'lead', record, code, detail, at, at, '${runId}'`,
    },
    leadIds.slice(0, REFUSED).map((record, i) => ({
      record,
      ...causeOf(i),
      at: new Date(now.getTime() - (i + 4) * HOUR_MS),
    })),
  )
  await insert(
    tx,
    {
      table: 'sync_pending',
      record: 'local_id text, seq bigint, since timestamptz, held_code text',
      columns: 'connection_id, entity, local_id, first_seq, last_seq, since, held_code',
      values: `'${connectionId}', 'lead', local_id, seq, seq, since, held_code`,
    },
    leadIds.slice(0, 19).map((id, i) => ({
      local_id: id,
      seq: i + 1,
      since: new Date(now.getTime() - (90 - i) * MINUTE_MS),
      held_code: i < REFUSED ? causeOf(i)?.code : null,
    })),
  )
}
