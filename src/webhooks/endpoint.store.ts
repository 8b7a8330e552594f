import { sql } from 'kysely'
import type { Endpoint } from './webhook.schema.ts'
import type { Transaction } from '#store/store.ts'

export type EndpointRow = Omit<Endpoint, 'pending' | 'failed'>

/** What a delivery needs of an endpoint: secrets are in the clear here and nowhere else. */
export interface OpenEndpoint {
  id: string
  url: string
  format: Endpoint['format']
  state: Endpoint['state']
  failingSince: Date | null
  secrets: string[]
}

/** Why an endpoint is off that somebody switched off. */
export const BY_HAND = 'Switched off by hand.'

const secretContext = (id: string) => `webhook_endpoints.secret:${id}`

const columns = sql.raw(
  'e.id, e.url, e.description, e.format, e.events, e.state, e.disabled_reason, e.failing_since, e.created_at, e.updated_at, e.version',
)
const withCounts = sql`${columns},
  (select count(*)::int from webhook_deliveries d where d.endpoint_id = e.id and d.state = 'pending') as pending,
  (select count(*)::int from webhook_deliveries d where d.endpoint_id = e.id and d.state = 'failed') as failed`

export function listEndpoints(tx: Transaction, after: string, limit: number): Promise<Endpoint[]> {
  return tx.query(
    sql<Endpoint>`select ${withCounts} from webhook_endpoints e where e.id > ${after} order by e.id limit ${limit}`,
  )
}

export function findEndpoint(tx: Transaction, id: string): Promise<Endpoint | null> {
  return tx.find(sql<Endpoint>`select ${withCounts} from webhook_endpoints e where e.id = ${id}`)
}

export async function countEndpoints(tx: Transaction): Promise<number> {
  const row = await tx.find(
    sql<{ endpoints: number }>`select count(*)::int as endpoints from webhook_endpoints`,
  )
  return row?.endpoints ?? 0
}

export async function insertEndpoint(
  tx: Transaction,
  row: Pick<Endpoint, 'id' | 'url' | 'description' | 'format' | 'events'>,
  secret: string,
  now: Date,
): Promise<void> {
  const sealed = tx.sealer.seal(secret, secretContext(row.id))
  await tx.execute(sql`
    insert into webhook_endpoints (id, url, description, format, events, secret, created_at, updated_at)
    values (${row.id}, ${row.url}, ${row.description}, ${row.format}, ${row.events}, ${sealed}, ${now}, ${now})`)
}

/** Writes what is given. Switched on again, an endpoint starts with a clean record, and what waited is due at once. */
export async function updateEndpoint(
  tx: Transaction,
  id: string,
  changes: {
    url?: string | undefined
    description?: string | undefined
    events?: readonly string[] | undefined
    state?: Endpoint['state'] | undefined
    reason?: string | null
  },
  now: Date,
): Promise<void> {
  await tx.execute(sql`
    update webhook_endpoints set url = coalesce(${changes.url ?? null}, url),
      description = coalesce(${changes.description ?? null}, description),
      events = coalesce(${changes.events === undefined ? null : [...changes.events]}::text[], events),
      state = coalesce(${changes.state ?? null}, state),
      disabled_reason = case ${changes.state ?? null}::text when 'enabled' then null when 'disabled' then ${changes.reason ?? null} else disabled_reason end,
      failing_since = case when ${changes.state ?? null}::text = 'enabled' then null else failing_since end,
      updated_at = ${now}, version = version + 1
    where id = ${id}`)
  if (changes.state === 'enabled')
    await tx.execute(sql`
      update webhook_deliveries set next_attempt_at = ${now} where endpoint_id = ${id} and state = 'pending'`)
}

export async function deleteEndpoint(tx: Transaction, id: string): Promise<void> {
  await tx.execute(sql`delete from webhook_endpoints where id = ${id}`)
}

/** Puts a new secret in force; the one before goes on signing beside it until `oldUntil`. */
export async function rotateSecret(
  tx: Transaction,
  id: string,
  secret: string,
  oldUntil: Date,
  now: Date,
): Promise<void> {
  await tx.execute(sql`
    update webhook_endpoints set old_secret = secret, old_secret_until = ${oldUntil},
      secret = ${tx.sealer.seal(secret, secretContext(id))}, updated_at = ${now}, version = version + 1
    where id = ${id}`)
}

export async function openEndpoint(
  tx: Transaction,
  id: string,
  now: Date,
): Promise<OpenEndpoint | null> {
  const row = await tx.find(sql<
    Omit<OpenEndpoint, 'secrets'> & { secret: Buffer; oldSecret: Buffer | null }
  >`select id, url, format, state, failing_since, secret,
      case when old_secret_until > ${now} then old_secret end as old_secret
    from webhook_endpoints where id = ${id}`)
  if (!row) return null
  const { secret, oldSecret, ...rest } = row
  const secrets = [secret, oldSecret].flatMap((sealed) =>
    sealed ? [tx.sealer.open<string>(sealed, secretContext(id))] : [],
  )
  return { ...rest, secrets }
}
