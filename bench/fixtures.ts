import { Client } from 'pg'
import type { Sealer } from '#store/vault.ts'

/** How much to make. A year of data before `now`. */
export interface LargeSizes {
  people: number
  touchpoints: number
  /** Opportunities; about a third each is won, lost and open. */
  deals: number
  leads?: number
  campaigns?: number
  owners?: number
  now?: Date
}

const CHANNELS = [
  'paid_search',
  'paid_social',
  'email',
  'webinar',
  'organic_search',
  'referral',
  'events',
  'direct',
]
const STAGES = ['Discovery', 'Evaluation', 'Proposal', 'Negotiation']

/**
 * Fills a workspace that exists and is empty with a year of campaigns, people, touches, leads and deals, by set-based SQL
 * (about a minute for a million touches). Ids and figures follow from the workspace's id, so that runs can be compared.
 *
 * Each statement commits for itself and none takes long: an open transaction would hold up every relay of the server.
 *
 * @param connectionString  of the owner of the tables, whom row-level security does not bind.
 * @param sealer  seals the names of deals and owners so that they open; without one they hold bytes that do not.
 */
export async function fillLargeWorkspace(
  connectionString: string,
  workspaceId: string,
  sizes: LargeSizes,
  sealer?: Sealer,
): Promise<void> {
  const { people, touchpoints, deals, now = new Date() } = sizes
  const { leads = Math.floor(people / 2), campaigns = 200, owners = 50 } = sizes
  const client = new Client({ connectionString, statement_timeout: 0 })
  await client.connect()
  const run = (text: string, values: unknown[] = []) => client.query(text, values)
  try {
    await run('set synchronous_commit = off')
    await skipForeignKeys(client)
    await run('select setseed(0.42)')
    await createMakers(run, workspaceId, now)
    await run(
      `insert into channels (workspace_id, key, label, created_at)
      select $1::text, key, initcap(replace(key, '_', ' ')), pg_temp.day(0) from unnest($2::text[]) key on conflict do nothing`,
      [workspaceId, CHANNELS],
    )
    await run(
      `insert into campaigns (id, workspace_id, key, name, channel, status, starts_on, ends_on, budget_minor, currency, created_at, updated_at)
      select pg_temp.id('cmp', i, 0), $1::text, 'campaign-' || i, 'Campaign ' || i, ($2::text[])[1 + i % 7], 'active',
        pg_temp.day(i % 300)::date, pg_temp.day(i % 300 + 60)::date, 100000 + i * 1000, 'EUR', pg_temp.day(0), pg_temp.day(0)
      from generate_series(1, $3::int) i`,
      [workspaceId, CHANNELS, campaigns],
    )
    await run(
      `insert into people (id, workspace_id, identified, created_at, updated_at)
      select pg_temp.id('per', i, 365.0 * i / $2), $1::text, true, pg_temp.day(365.0 * i / $2), pg_temp.day(365.0 * i / $2)
      from generate_series(1, $2::int) i`,
      [workspaceId, people],
    )
    await insertTouches(run, workspaceId, { people, touchpoints, campaigns })
    await insertOwners(run, workspaceId, owners, sealer)
    await insertLeads(run, workspaceId, { people, leads, campaigns, owners })
    await insertDeals(run, workspaceId, { people, deals, owners }, sealer)
    await run('vacuum analyze')
  } finally {
    await client.end()
  }
}

/** What goes in refers to what went in before it; checking that row by row would take most of the time. Needs a superuser. */
async function skipForeignKeys(client: Client): Promise<void> {
  const { rows } = await client.query<{ able: boolean }>(
    'select rolsuper as able from pg_roles where rolname = current_user',
  )
  if (rows[0]?.able) await client.query('set session_replication_role = replica')
}

type Run = (text: string, values?: unknown[]) => Promise<unknown>

/** Functions of this session: ids that ascend with their day, and days counted from a year before `now`. */
async function createMakers(run: Run, workspaceId: string, now: Date): Promise<void> {
  const start = `timestamptz '${now.toISOString()}' - interval '365 days'`
  const salt = workspaceId.replaceAll(/[^A-Za-z0-9_]/g, '')
  await run(`create function pg_temp.day(n numeric) returns timestamptz stable language sql
    as $$ select date_trunc('milliseconds', ${start} + n::float8 * interval '1 day') $$`)
  await run(`create function pg_temp.id(prefix text, i bigint, day numeric) returns text stable language sql
    as $$ select prefix || '_' || lpad(to_hex((extract(epoch from ${start} + day::float8 * interval '1 day') * 1000)::bigint), 12, '0')
      || '7' || substr(md5('${salt}' || prefix || i), 1, 19) $$`)
}

const TOUCH_BATCH = 100_000

/** Touches thin out over people: a few have hundreds, most have some. */
async function insertTouches(
  run: Run,
  workspaceId: string,
  { people, touchpoints, campaigns }: { people: number; touchpoints: number; campaigns: number },
): Promise<void> {
  for (let first = 1; first <= touchpoints; first += TOUCH_BATCH) {
    const last = Math.min(first + TOUCH_BATCH - 1, touchpoints)
    await run(
      `insert into touchpoints (id, workspace_id, person_id, kind, channel, campaign_id, occurred_at, received_at, source)
        select pg_temp.id('tch', i, 365.0 * i / $2), $1::text, pg_temp.id('per', p, 365.0 * p / $3), 'page_view',
          ($4::text[])[case when c <= $5::int then 1 + c % 7 else 8 end],
          case when c <= $5::int then pg_temp.id('cmp', c, 0) end,
          pg_temp.day(365.0 * i / $2), pg_temp.day(365.0 * i / $2), 'api'
        from (
          select i, 1 + floor(power(random(), 1.5) * ($3::int - 1))::int as p,
            1 + floor(power(random(), 1.3) * $5::int * 1.6)::int as c
          from generate_series($6::int, $7::int) i
        ) touch`,
      [workspaceId, touchpoints, people, CHANNELS, campaigns, first, last],
    )
  }
}

async function insertOwners(
  run: Run,
  workspaceId: string,
  owners: number,
  sealer?: Sealer,
): Promise<void> {
  await run(
    `insert into owners (id, workspace_id, personal, created_at, updated_at)
    select id, $1::text, decode(personal, 'base64'), pg_temp.day(0), pg_temp.day(0)
    from unnest($2::text[], $3::text[]) as owner (id, personal)`,
    [
      workspaceId,
      ...sealedRows(
        owners,
        (i) => `own_${ownerSuffix(workspaceId, i)}`,
        (id, i) =>
          sealer?.seal(
            { name: `Owner ${i}`, email: `owner${i}@example.com` },
            `owners.personal:${id}`,
          ),
      ),
    ],
  )
}

function ownerSuffix(workspaceId: string, i: number): string {
  return `${workspaceId.slice(-20)}${String(i).padStart(12, '0')}`
}

/** Ids and base64 of what is sealed for them. */
function sealedRows(
  count: number,
  idOf: (i: number) => string,
  seal: (id: string, i: number) => Buffer | undefined,
): [string[], string[]] {
  const ids = Array.from({ length: count }, (_, i) => idOf(i + 1))
  return [
    ids,
    ids.map((id, i) => (seal(id, i + 1) ?? Buffer.from('not sealed')).toString('base64')),
  ]
}

async function insertLeads(
  run: Run,
  workspaceId: string,
  {
    people,
    leads,
    campaigns,
    owners,
  }: { people: number; leads: number; campaigns: number; owners: number },
): Promise<void> {
  const ownerIds = Array.from(
    { length: owners },
    (_, i) => `own_${ownerSuffix(workspaceId, i + 1)}`,
  )
  await run(
    `insert into leads (id, workspace_id, person_id, status, channel, campaign_id, fit_score, engagement_score, score,
      score_parts, score_version, scored_at, mql_at, owner_id, disposition, captured_at, created_at, updated_at)
    select pg_temp.id('lead', i, d), $1::text, pg_temp.id('per', p, 365.0 * p / $2),
      case when r < .1 then 'disqualified' when r < .3 then 'qualified' when r < .5 then 'working' else 'new' end,
      ($3::text[])[1 + i % 8], pg_temp.id('cmp', 1 + i % $5::int, 0), 30, 30, 60, '[]', 1, pg_temp.day(d),
      case when i % 3 = 0 then pg_temp.day(least(d + (r * 20)::numeric, 365)) end, ($6::text[])[1 + i % cardinality($6::text[])],
      case when r < .1 then 'bad_fit' when r < .3 then 'good_fit' end, pg_temp.day(d), pg_temp.day(d), pg_temp.day(d)
    from (
      select i, p, 365.0 * p / $2 as d, random() as r
      from generate_series(1, $4::int) i cross join lateral (select (i::bigint * $2::int / $4::int)::int as p) person
    ) lead`,
    [workspaceId, people, CHANNELS, leads, campaigns, ownerIds],
  )
}

async function insertDeals(
  run: Run,
  workspaceId: string,
  { people, deals, owners }: { people: number; deals: number; owners: number },
  sealer?: Sealer,
): Promise<void> {
  const suffix = workspaceId.slice(-20)
  const pipelineId = `pip_${suffix}`
  const stageIds = STAGES.map((_, i) => `stg_${suffix}${i}`)
  await run(
    `insert into pipelines (id, workspace_id, label, updated_at) values ($2, $1::text, 'Sales', pg_temp.day(0))`,
    [workspaceId, pipelineId],
  )
  await run(
    `insert into stages (id, workspace_id, pipeline_id, label, position, probability, outcome)
    select id, $1::text, $2, label, position, position / 5.0, 'open'
    from unnest($3::text[], $4::text[]) with ordinality as s (id, label, position)`,
    [workspaceId, pipelineId, stageIds, STAGES],
  )
  const [ids, names] = sealedRows(
    deals,
    (i) => `opp_${suffix}${String(i).padStart(12, '0')}`,
    (id, i) => sealer?.seal(`Deal ${i}`, `opportunities.name:${id}`),
  )
  const ownerIds = Array.from(
    { length: owners },
    (_, i) => `own_${ownerSuffix(workspaceId, i + 1)}`,
  )
  await run(
    `insert into opportunities (id, workspace_id, name, amount_minor, currency, pipeline_id, stage_id, status, owner_id,
      opened_at, closed_at, updated_at)
    select id, $1::text, decode(name, 'base64'), case when i % 50 = 0 then null else 10000 + floor(a * 5000000)::bigint end,
      case when i % 20 = 0 then 'USD' else 'EUR' end, $4, ($5::text[])[1 + i % 4],
      case when closes_on > 365 or s < .15 then 'open' when s < .6 then 'won' else 'lost' end,
      ($6::text[])[1 + i % cardinality($6::text[])], pg_temp.day(opens_on),
      case when closes_on > 365 or s < .15 then null else pg_temp.day(closes_on) end, pg_temp.day(365)
    from (
      select id, name, i, random() as a, random() as s, 365.0 * i / cardinality($2::text[]) as opens_on,
        365.0 * i / cardinality($2::text[]) + (10 + random() * 90)::numeric as closes_on
      from unnest($2::text[], $3::text[]) with ordinality as deal (id, name, i)
    ) deal`,
    [workspaceId, ids, names, pipelineId, stageIds, ownerIds],
  )
  await run(
    `insert into opportunity_people (workspace_id, opportunity_id, person_id)
    select distinct $1::text, id, pg_temp.id('per', p, 365.0 * p / $3)
    from unnest($2::text[]) with ordinality as deal (id, i)
    cross join lateral generate_series(1, 1 + (i % 3)::int) k
    cross join lateral (select 1 + floor(random() * $3::int * i / cardinality($2::text[]))::int as p where k > 0) member
    where p <= $3::int`,
    [workspaceId, ids, people],
  )
  await run(
    `insert into opportunity_stages (workspace_id, opportunity_id, entered_at, stage_id)
    select $1::text, o.id, o.opened_at + k * (coalesce(o.closed_at, pg_temp.day(365)) - o.opened_at) / 5, ($2::text[])[k + 1]
    from opportunities o cross join generate_series(0, 3) k where o.workspace_id = $1::text`,
    [workspaceId, stageIds],
  )
}
