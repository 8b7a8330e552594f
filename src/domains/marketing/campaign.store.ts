import { sql } from 'kysely'
import type {
  Campaign,
  CampaignQuery,
  Channel,
  NewCampaign,
} from '#domains/marketing/campaign.schema.ts'
import type { Transaction } from '#store/store.ts'

const columns = sql`id, key, name, channel, status, starts_on, ends_on, budget_minor, currency, version, created_at, updated_at`

/** Adds channels that are not there yet. */
export async function insertChannels(
  tx: Transaction,
  channels: Readonly<Record<string, string>>,
  now: Date,
): Promise<void> {
  const rows = Object.entries(channels).map(([key, label]) => ({ key, label }))
  await tx.execute(sql`
    insert into channels (workspace_id, key, label, created_at)
    select ${tx.workspaceId}, r.key, r.label, ${now}
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(key text, label text)
    order by r.key -- two that add the same channels wait in one line
    on conflict do nothing`)
}

export async function listChannels(
  tx: Transaction,
  limit: number,
  after: string | null,
): Promise<Channel[]> {
  return tx.query(sql<Channel>`
    select key, label, created_at from channels
    where ${after}::text is null or key > ${after} order by key limit ${limit + 1}`)
}

export interface CampaignInsert extends NewCampaign {
  id: string
}

/** Adds campaigns; those whose key is taken, or comes twice, are left out. @returns what was added. */
export async function insertCampaigns(
  tx: Transaction,
  campaigns: readonly CampaignInsert[],
  now: Date,
): Promise<Campaign[]> {
  return tx.query(sql<Campaign>`
    insert into campaigns
      (id, workspace_id, key, name, channel, status, starts_on, ends_on, budget_minor, currency, created_at, updated_at)
    select r.id, ${tx.workspaceId}, r.key, r.name, r.channel, r.status, r."startsOn", r."endsOn", r."budgetMinor", r.currency, ${now}, ${now}
    from jsonb_to_recordset(${JSON.stringify(campaigns)}::jsonb) as r(
      id text, key text, name text, channel text, status text, "startsOn" date, "endsOn" date, "budgetMinor" bigint, currency text)
    order by r.key
    on conflict (workspace_id, key) where deleted_at is null do nothing
    returning ${columns}`)
}

export async function listCampaigns(
  tx: Transaction,
  query: CampaignQuery,
  before: [at: string, id: string] | null,
): Promise<Campaign[]> {
  const [at, id] = before ?? [null, null]
  return tx.query(sql<Campaign>`
    select ${columns} from campaigns
    where deleted_at is null
      and (${query.status ?? null}::text is null or status = ${query.status ?? null})
      and (${query.channel ?? null}::text is null or channel = ${query.channel ?? null})
      and (${query.key ?? null}::text is null or key = ${query.key ?? null})
      and (${at}::timestamptz is null or (created_at, id) < (${at}::timestamptz, ${id}))
    order by created_at desc, id desc limit ${query.limit + 1}`)
}

/** A campaign with whether it was deleted; locked when it is to be changed. */
export async function findCampaign(
  tx: Transaction,
  campaignId: string,
  lock: 'lock' | 'read',
): Promise<(Campaign & { deletedAt: Date | null }) | null> {
  return tx.find(sql<Campaign & { deletedAt: Date | null }>`
    select ${columns}, deleted_at from campaigns where id = ${campaignId} ${lock === 'lock' ? sql`for update` : sql``}`)
}

export async function updateCampaign(
  tx: Transaction,
  next: Campaign,
  now: Date,
): Promise<Campaign> {
  const row = await tx.find(sql<Campaign>`
    update campaigns set name = ${next.name}, channel = ${next.channel}, status = ${next.status}, starts_on = ${next.startsOn},
      ends_on = ${next.endsOn}, budget_minor = ${next.budgetMinor}, currency = ${next.currency}, version = version + 1, updated_at = ${now}
    where id = ${next.id} returning ${columns}`)
  if (!row) throw new Error('a locked campaign cannot vanish')
  return row
}

/** Its touches and credits stay; the key becomes free. */
export async function deleteCampaign(
  tx: Transaction,
  campaignId: string,
  now: Date,
): Promise<void> {
  await tx.execute(
    sql`update campaigns set deleted_at = ${now}, updated_at = ${now}, version = version + 1 where id = ${campaignId}`,
  )
}

/** Campaigns that are not deleted, by id; locked when they are to be changed. */
export async function findLivingCampaigns(
  tx: Transaction,
  ids: readonly string[],
  lock: 'lock' | 'read',
): Promise<Campaign[]> {
  if (ids.length === 0) return []
  return tx.query(sql<Campaign>`
    select ${columns} from campaigns where id = any(${[...ids]}::text[]) and deleted_at is null
    order by id ${lock === 'lock' ? sql`for update` : sql``}`)
}

export async function listCampaignIds(
  tx: Transaction,
  afterId: string | null,
  limit: number,
): Promise<string[]> {
  const rows = await tx.query(sql<{ id: string }>`
    select id from campaigns
    where workspace_id = ${tx.workspaceId} and deleted_at is null and id > ${afterId ?? ''}
    order by id limit ${limit}`)
  return rows.map(({ id }) => id)
}

/** For each: the campaign of this key, else the oldest of this name that begins on this day, or null. Both in any case. */
export async function matchCampaigns(
  tx: Transaction,
  wanted: readonly { key: string | null; name: string | null; startsOn: string | null }[],
): Promise<(string | null)[]> {
  const rows = wanted.map((one, n) => ({ n, ...one }))
  const found = await tx.query(sql<{ n: number; id: string }>`
    select distinct on (r.n) r.n, c.id
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(n integer, key text, name text, "startsOn" date)
    join campaigns c on c.workspace_id = ${tx.workspaceId} and c.deleted_at is null
      and (c.key = lower(r.key)
        or lower(c.name) = lower(trim(r.name)) and c.starts_on is not distinct from r."startsOn")
    order by r.n, c.key is not distinct from lower(r.key) desc, c.id`)
  const ids = new Map(found.map(({ n, id }) => [n, id]))
  return wanted.map((_, n) => ids.get(n) ?? null)
}

/** Those of the keys that are taken, and the numbered ones behind them. */
export async function findKeysLike(tx: Transaction, keys: readonly string[]): Promise<Set<string>> {
  if (keys.length === 0) return new Set()
  const rows = await tx.query(sql<{ key: string }>`
    select distinct c.key from unnest(${[...keys]}::text[]) as wanted(key)
    join campaigns c on c.workspace_id = ${tx.workspaceId} and c.deleted_at is null
      and (c.key = wanted.key or starts_with(c.key, wanted.key || '_'))`)
  return new Set(rows.map(({ key }) => key))
}

/** Adds campaigns or replaces what may change of them; their keys stay. */
export async function saveCampaigns(
  tx: Transaction,
  campaigns: readonly Campaign[],
): Promise<void> {
  await tx.execute(sql`
    insert into campaigns
      (id, workspace_id, key, name, channel, status, starts_on, ends_on, budget_minor, currency, version, created_at, updated_at)
    select r.id, ${tx.workspaceId}, r.key, r.name, r.channel, r.status, r."startsOn", r."endsOn", r."budgetMinor", r.currency,
      r.version, r."createdAt", r."updatedAt"
    from jsonb_to_recordset(${JSON.stringify(campaigns)}::jsonb) as r(
      id text, key text, name text, channel text, status text, "startsOn" date, "endsOn" date, "budgetMinor" bigint, currency text,
      version integer, "createdAt" timestamptz, "updatedAt" timestamptz)
    on conflict (id) do update
    set name = excluded.name, channel = excluded.channel, status = excluded.status, starts_on = excluded.starts_on,
      ends_on = excluded.ends_on, budget_minor = excluded.budget_minor, currency = excluded.currency,
      version = excluded.version, updated_at = excluded.updated_at`)
}
