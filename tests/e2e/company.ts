import { sql } from 'kysely'
import { newId } from '#core/id.ts'
import { DAY_MS, isoWeekStart } from '#core/time.ts'
import { markAllDirty } from '#reports/dirty.store.ts'
import { refreshLedger } from '#reports/refresh.ts'
import type { Store, Transaction } from '#store/store.ts'
import { simulateWorld, type World } from '#worlds/world.ts'

/** Ids of the company's records as the hub has them, by the world's. */
export interface Company {
  campaignIds: ReadonlyMap<string, string>
  leadIds: readonly string[]
  ownerId: string
}

type Ids = ReadonlyMap<string, string>

const WEEKS = 40

/**
 * A simulated company of 400 people, written by SQL as the owning modules would, and its ledger computed. The same seed
 * gives the same company, so that what a test expects of a page does not move.
 */
export async function seedCompany(store: Store, workspaceId: string, now: Date): Promise<Company> {
  const startAt = new Date(Date.parse(isoWeekStart(now)) - (WEEKS - 1) * 7 * DAY_MS)
  const world = simulateWorld({ seed: 7, weeks: WEEKS, people: 400, startAt, wonDeals: 60 })
  const personIds = idsOf('per', world.people)
  const campaignIds = idsOf(
    'cmp',
    world.campaigns.map(({ key }) => ({ id: key })),
  )
  const leads = world.leads.filter(({ capturedAt }) => capturedAt <= now)
  const leadIds = idsOf('lead', leads)
  const ownerId = await store.transaction(workspaceId, async (tx) => {
    await insertMarketing(tx, world, campaignIds, now)
    await insertPeople(tx, world, personIds, campaignIds, now)
    const owner = await insertLeads(tx, leads, leadIds, personIds, now)
    await insertDeals(tx, world, personIds, now)
    await markAllDirty(tx, now)
    return owner
  })
  while ((await refreshLedger(store, workspaceId, () => now)) > 0);
  return { campaignIds, leadIds: [...leadIds.values()], ownerId }
}

function idsOf(prefix: 'per' | 'cmp' | 'lead', rows: readonly { id: string }[]): Ids {
  return new Map(rows.map(({ id }) => [id, newId(prefix)]))
}

/** One statement however many rows, each out of a record of these columns. */
export async function insert(
  tx: Transaction,
  into: { table: string; record: string; columns: string; values: string },
  rows: readonly object[],
): Promise<void> {
  const { table, record, columns, values } = into
  await tx.execute(sql`
    insert into ${sql.raw(table)} (workspace_id, ${sql.raw(columns)})
    select ${tx.workspaceId}, ${sql.raw(values)}
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(${sql.raw(record)})
    on conflict do nothing`)
}

async function insertMarketing(
  tx: Transaction,
  world: World,
  campaignIds: Ids,
  now: Date,
): Promise<void> {
  const at = now.toISOString()
  await insert(
    tx,
    {
      table: 'channels',
      record: 'key text, label text',
      columns: 'key, label, created_at',
      values: `key, label, '${at}'`,
    },
    world.channels,
  )
  await insert(
    tx,
    {
      table: 'campaigns',
      record:
        'id text, key text, name text, channel text, starts_on date, ends_on date, budget_minor bigint, currency text',
      columns:
        'id, key, name, channel, status, starts_on, ends_on, budget_minor, currency, created_at, updated_at',
      values: `id, key, name, channel, 'active', starts_on, ends_on, budget_minor, currency, '${at}', '${at}'`,
    },
    world.campaigns.map(({ key, name, channel, startsAt, budgetMinor, currency }) => ({
      id: campaignIds.get(key),
      key,
      name,
      channel,
      starts_on: startsAt,
      ends_on: world.endAt,
      budget_minor: budgetMinor > 0 ? budgetMinor : null,
      currency,
    })),
  )
}

async function insertPeople(
  tx: Transaction,
  world: World,
  personIds: Ids,
  campaignIds: Ids,
  now: Date,
): Promise<void> {
  const touches = world.touches.filter(({ at }) => at <= now)
  const first = new Map<string, Date>()
  for (const { personId, at } of touches) if (!first.has(personId)) first.set(personId, at)
  await insert(
    tx,
    {
      table: 'people',
      record: 'id text, at timestamptz',
      columns: 'id, identified, created_at, updated_at',
      values: 'id, true, at, at',
    },
    world.people.map(({ id }) => ({ id: personIds.get(id), at: first.get(id) ?? world.startAt })),
  )
  await insert(
    tx,
    {
      table: 'touchpoints',
      record: 'id text, person_id text, kind text, channel text, campaign_id text, at timestamptz',
      columns: 'id, person_id, kind, channel, campaign_id, occurred_at, received_at, source',
      values: `id, person_id, kind, channel, campaign_id, at, at, 'api'`,
    },
    touches.map(({ personId, campaignKey, kind, channel, at }) => ({
      id: newId('tch'),
      person_id: personIds.get(personId),
      kind,
      channel,
      campaign_id: campaignIds.get(campaignKey ?? '') ?? null,
      at,
    })),
  )
}

const UNKNOWN = {
  company: null,
  domain: null,
  country: null,
  region: null,
  industry: null,
  employees: null,
}

/** Enough of one company that a change or two would make its lead qualified. */
const KNOWN = { ...UNKNOWN, country: 'DE', industry: 'Software', employees: 300 }

async function insertOwner(tx: Transaction, now: Date): Promise<string> {
  const id = newId('own')
  const owner = { name: 'Grace Hopper', email: 'grace@northwind.example' }
  const personal = tx.sealer.seal(owner, `owners.personal:${id}`)
  await tx.execute(sql`
    insert into owners (id, workspace_id, personal, created_at, updated_at)
    values (${id}, ${tx.workspaceId}, ${personal}, ${now}, ${now})`)
  return id
}

async function insertLeads(
  tx: Transaction,
  leads: World['leads'],
  leadIds: Ids,
  personIds: Ids,
  now: Date,
): Promise<string> {
  const ownerId = await insertOwner(tx, now)
  await insert(
    tx,
    {
      table: 'leads',
      record:
        'id text, person_id text, at timestamptz, mql_at timestamptz, owner_id text, attributes jsonb',
      columns:
        'id, person_id, status, channel, fit_score, engagement_score, score, score_parts, score_version, scored_at, mql_at, captured_at, created_at, updated_at, owner_id, attributes',
      values: `id, person_id, 'new', 'email', 20, 30, 50, '[]', 1, at, mql_at, at, at, at, owner_id, attributes`,
    },
    leads.map(({ id, personId, capturedAt, touchIds }, i) => ({
      id: leadIds.get(id),
      person_id: personIds.get(personId),
      owner_id: i % 30 === 0 ? null : ownerId,
      attributes: i === 0 ? KNOWN : UNKNOWN,
      at: capturedAt,
      mql_at: touchIds.length > 1 ? capturedAt : null,
    })),
  )
  await insert(
    tx,
    {
      table: 'tasks',
      record: 'id text, lead_id text, due_at timestamptz, escalated_at timestamptz',
      columns: 'id, lead_id, kind, due_at, escalated_at, created_at',
      values: `id, lead_id, 'follow_up', due_at, escalated_at, due_at`,
    },
    [...leadIds.values()].slice(0, 4).map((leadId, i) => ({
      id: newId('tsk'),
      lead_id: leadId,
      due_at: new Date(now.getTime() - (i + 1) * DAY_MS),
      escalated_at: i < 2 ? now : null,
    })),
  )
  return ownerId
}

async function insertDeals(
  tx: Transaction,
  world: World,
  personIds: Ids,
  now: Date,
): Promise<void> {
  const deals = world.deals
    .filter(({ createdAt }) => createdAt <= now)
    .map((deal) => ({ ...deal, hubId: newId('opp') }))
  await insert(
    tx,
    {
      table: 'opportunities',
      record:
        'id text, name text, amount_minor bigint, currency text, status text, opened_at timestamptz, closed_at timestamptz',
      columns: 'id, name, amount_minor, currency, status, opened_at, closed_at, updated_at',
      values: `id, decode(name, 'hex'), amount_minor, currency, status, opened_at, closed_at, coalesce(closed_at, opened_at)`,
    },
    deals.map(({ hubId, name, amountMinor, currency, status, createdAt, closedAt }) => {
      const isClosed = closedAt !== null && closedAt <= now
      return {
        id: hubId,
        name: tx.sealer.seal(name, `opportunities.name:${hubId}`).toString('hex'),
        amount_minor: amountMinor,
        currency,
        status: isClosed ? status : 'open',
        opened_at: createdAt,
        closed_at: isClosed ? closedAt : null,
      }
    }),
  )
  // Each was expected after 50 days at first, and every third was pushed when these were nearly over.
  await tx.execute(sql`
    insert into opportunity_close_dates (workspace_id, opportunity_id, known_at, closes_on)
    select ${tx.workspaceId}, o.id, o.opened_at + told.after, (o.opened_at + told.until)::date
    from opportunities o
    join (values (interval '0', interval '50 days'), ('40 days', '110 days')) told (after, until)
      on told.after = interval '0' or hashtext(o.id) % 3 = 0
    where coalesce(o.closed_at, ${now}::timestamptz) > o.opened_at + told.after`)
  await insert(
    tx,
    {
      table: 'opportunity_people',
      record: 'opportunity_id text, person_id text',
      columns: 'opportunity_id, person_id',
      values: 'opportunity_id, person_id',
    },
    deals.flatMap((deal) =>
      deal.personIds.map((id) => ({ opportunity_id: deal.hubId, person_id: personIds.get(id) })),
    ),
  )
}
