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
