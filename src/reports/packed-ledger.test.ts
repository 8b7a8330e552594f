import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { expect, test } from 'vitest'
import { silentLog } from '#core/log.ts'
import { migrate } from '#store/migrate.ts'
import { migrationsFolder } from '#tests/database.ts'
import { createDatabase } from '#tests/store.ts'

const FIRST_PACKED = '0051'

/** A ledger as it was kept before: two deals, one of whose credit was replaced once, a model with a baseline. */
const LEDGER = `
  set session_replication_role = replica;
  insert into workspaces (id, name, time_zone, currency, created_at) values ('wsp_1', 'Old', 'Pacific/Auckland', 'EUR', now());
  insert into attribution_windows (workspace_id, window_days) values ('wsp_1', 90);
  insert into touchpoints (id, workspace_id, person_id, kind, channel, campaign_id, occurred_at, received_at, source)
  select id, 'wsp_1', 'per_1', 'page_view', channel, campaign, at::timestamptz, at::timestamptz, 'api'
  from (values ('tch_a', 'email', 'cmp_1', '2026-01-02'), ('tch_b', 'webinar', null, '2026-01-01'), ('tch_c', 'email', null, '2026-01-03'))
    as t (id, channel, campaign, at);
  insert into credits (workspace_id, window_days, model, opportunity_id, touchpoint_id, person_id, campaign_id, channel, closed_at, share,
    amount_minor, currency, recorded_at)
  select 'wsp_1', 90, model, deal, touch, case touch when '' then '' else 'per_1' end, campaign, channel, '2026-01-31T18:00:00Z', share,
    minor, 'EUR', '2026-02-01'
  from (values ('linear', 'opp_1', 'tch_a', 'cmp_1', 'email', 0.5, 51), ('linear', 'opp_1', 'tch_b', null, 'webinar', 0.5, 50),
    ('first', 'opp_1', 'tch_b', null, 'webinar', 1, 101), ('causal', 'opp_1', 'tch_a', 'cmp_1', 'email', 0.25, 25),
    ('causal', 'opp_1', '', null, '', 0.75, 76), ('linear', 'opp_2', 'tch_c', null, 'email', 1, 7)) as c (model, deal, touch, campaign,
    channel, share, minor);
  insert into credits_past (workspace_id, window_days, model, opportunity_id, touchpoint_id, person_id, campaign_id, channel, closed_at,
    share, amount_minor, currency, recorded_at, superseded_at)
  values ('wsp_1', 90, 'linear', 'opp_2', 'tch_c', 'per_1', null, 'email', '2026-01-31T18:00:00Z', 1, 5, 'EUR', '2026-01-31', '2026-02-01');
  insert into credit_totals (workspace_id, opportunity_id, window_days, model, kind, key, closed_at, currency, amount_minor, share,
    recorded_at, cause)
  select workspace_id, opportunity_id, window_days, model, kind, key, closed_at, currency, sum(amount_minor), sum(share), recorded_at,
    'amount_changed'
  from credits c cross join lateral (values
    (case touchpoint_id when '' then 'baseline' else 'campaign' end, case touchpoint_id when '' then '' else coalesce(campaign_id, '') end),
    (case touchpoint_id when '' then null else 'channel' end, channel)) as k (kind, key)
  where kind is not null group by 1, 2, 3, 4, 5, 6, 7, 8, 11;
  insert into credit_totals_past (workspace_id, opportunity_id, window_days, model, kind, key, closed_at, currency, amount_minor, share,
    recorded_at, cause, superseded_at, superseded_cause)
  select workspace_id, opportunity_id, window_days, model, kind, key, closed_at, currency, amount_minor, share, recorded_at, 'deal_won',
    superseded_at, 'amount_changed'
  from credits_past c cross join lateral (values ('campaign', ''), ('channel', channel)) as k (kind, key);
  insert into attribution_deals (workspace_id, window_days, opportunity_id, closed_at, amount_minor, currency, has_amount, touches)
  values ('wsp_1', 90, 'opp_1', '2026-01-31T18:00:00Z', 101, 'EUR', true, 2),
    ('wsp_1', 90, 'opp_2', '2026-01-31T18:00:00Z', 7, 'EUR', true, 1);`

test('a ledger that was kept touch by touch reads the same once it is packed, and its days add up to it', async () => {
  const database = await createDatabase()
  const folder = await mkdtemp(join(tmpdir(), 'throughline-before-'))
  const client = new Client({ connectionString: database.connectionString })
  try {
    const files = (await readdir(migrationsFolder)).filter((file) => file < FIRST_PACKED)
    for (const file of files) await cp(join(migrationsFolder, file), join(folder, file))
    const options = { connectionString: database.connectionString, log: silentLog }
    await migrate({ ...options, folder })
    await client.connect()
    await client.query(LEDGER)
    const tables = ['credits', 'credits_past', 'credit_totals', 'credit_totals_past']
    const columns = new Map<string, string>()
    for (const table of tables) columns.set(table, await columnsOf(client, table))
    const before = await readAll(client, columns)
    expect(before.map((rows) => rows.length)).toEqual([6, 1, 11, 2])
    await migrate({ ...options, folder: migrationsFolder })
    expect(await readAll(client, columns)).toEqual(before)
    const { rows } = await client.query(`
      select key, closed_on::text as closed_on, amount_minor::int as minor, share, deals from credit_days
      where model = 'linear' and kind = 'channel' order by key`)
    // It was February in Auckland.
    expect(rows).toEqual([
      { key: 'email', closed_on: '2026-02-01', minor: 58, share: 1.5, deals: 2 },
      { key: 'webinar', closed_on: '2026-02-01', minor: 50, share: 0.5, deals: 1 },
    ])
    const kept = await client.query(
      'select opportunity_id from attribution_deals where journey_id is not null order by 1',
    )
    expect(kept.rows).toEqual([{ opportunity_id: 'opp_1' }, { opportunity_id: 'opp_2' }])
  } finally {
    await client.end()
    await rm(folder, { recursive: true, force: true })
    await database.drop()
  }
})

async function columnsOf(client: Client, table: string): Promise<string> {
  const { rows } = await client.query<{ name: string }>(
    `select column_name as name from information_schema.columns where table_name = $1 order by 1`,
    [table],
  )
  return rows.map(({ name }) => name).join(', ')
}

/** The rows of each table, of the columns that it had. */
async function readAll(client: Client, columns: ReadonlyMap<string, string>): Promise<unknown[][]> {
  const tables: unknown[][] = []
  for (const [table, names] of columns) {
    const { rows } = await client.query<{ row: unknown }>(
      `select to_jsonb(r) as row from (select ${names} from ${table}) r order by 1`,
    )
    tables.push(rows.map(({ row }) => row))
  }
  return tables
}
