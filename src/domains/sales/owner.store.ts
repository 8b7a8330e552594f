import { sql } from 'kysely'
import { normaliseEmail } from '#core/email.ts'
import type { Transaction } from '#store/store.ts'

interface OwnerPersonal {
  name: string
  email: string | null
}

export interface OwnerState extends OwnerPersonal {
  id: `own_${string}`
  active: boolean
  dailyCapacity: number | null
  absentFrom: Date | null
  absentUntil: Date | null
  createdAt: Date
  updatedAt: Date
}

interface OwnerRow extends Omit<OwnerState, keyof OwnerPersonal> {
  personal: Buffer
}

const columns = sql.raw(
  'o.id, o.personal, o.active, o.daily_capacity, o.absent_from, o.absent_until, o.created_at, o.updated_at',
)
const personalContext = (id: string) => `owners.personal:${id}`

function toState<Row extends OwnerRow>(
  tx: Transaction,
  { personal, ...row }: Row,
): Omit<Row, 'personal'> & OwnerPersonal {
  return { ...row, ...tx.sealer.open<OwnerPersonal>(personal, personalContext(row.id)) }
}

/** The blind index of an owner's address. */
export function ownerEmailIndex(tx: Transaction, email: string): Buffer {
  return tx.sealer.index('owner.email', normaliseEmail(email))
}

export async function findOwners(tx: Transaction, ids: readonly string[]): Promise<OwnerState[]> {
  const rows = await tx.query(
    sql<OwnerRow>`select ${columns} from owners o where o.id = any(${ids}::text[]) for no key update`,
  )
  return rows.map((row) => toState(tx, row))
}

/** The owners with these addresses, by the hexadecimal blind index of the address. */
export async function findOwnersByEmail(
  tx: Transaction,
  indexes: readonly Buffer[],
): Promise<Map<string, OwnerState>> {
  const rows = await tx.query(sql<OwnerRow & { emailIndex: Buffer }>`
    select ${columns}, o.email_index from owners o
    where o.workspace_id = ${tx.workspaceId} and o.email_index = any(${indexes}::bytea[])`)
  return new Map(
    rows.map(({ emailIndex, ...row }) => [emailIndex.toString('hex'), toState(tx, row)]),
  )
}

export async function listOwnerIds(tx: Transaction): Promise<Set<string>> {
  const rows = await tx.query(
    sql<{ id: string }>`select id from owners where workspace_id = ${tx.workspaceId}`,
  )
  return new Set(rows.map(({ id }) => id))
}

export async function listOwners(
  tx: Transaction,
  { active, after, limit }: { active: boolean | undefined; after: string | null; limit: number },
): Promise<(OwnerState & { openLeads: number })[]> {
  const rows = await tx.query(sql<OwnerRow & { openLeads: number }>`
    select ${columns}, (
      select count(*) from leads l
      where l.workspace_id = ${tx.workspaceId} and l.owner_id = o.id and l.status in ('new', 'working') and l.merged_into is null
    ) as open_leads
    from owners o
    where o.workspace_id = ${tx.workspaceId} and (${active ?? null}::boolean is null or o.active = ${active ?? null}::boolean)
      and (${after}::text is null or o.id > ${after}::text)
    order by o.id limit ${limit + 1}`)
  return rows.map((row) => toState(tx, row))
}

export async function countOpenLeads(tx: Transaction, ownerId: string): Promise<number> {
  const row = await tx.find(sql<{ count: number }>`
    select count(*) as count from leads l
    where l.workspace_id = ${tx.workspaceId} and l.owner_id = ${ownerId} and l.status in ('new', 'working') and l.merged_into is null`)
  return row?.count ?? 0
}

/** Adds owners or writes changed ones. A second owner with an address is a violated constraint: look first. */
export async function saveOwners(tx: Transaction, owners: readonly OwnerState[]): Promise<void> {
  if (owners.length === 0) return
  const rows = owners.map(({ name, email, ...owner }) => ({
    ...owner,
    personal: tx.sealer.seal({ name, email }, personalContext(owner.id)).toString('hex'),
    emailIndex: email === null ? null : ownerEmailIndex(tx, email).toString('hex'),
  }))
  await tx.execute(sql`
    insert into owners (id, workspace_id, personal, email_index, active, daily_capacity, absent_from, absent_until, created_at,
      updated_at)
    select r.id, ${tx.workspaceId}, decode(r.personal, 'hex'), decode(r."emailIndex", 'hex'), r.active, r."dailyCapacity",
      r."absentFrom", r."absentUntil", r."createdAt", r."updatedAt"
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(id text, personal text, "emailIndex" text, active boolean,
      "dailyCapacity" integer, "absentFrom" timestamptz, "absentUntil" timestamptz, "createdAt" timestamptz,
      "updatedAt" timestamptz)
    on conflict (id) do update set personal = excluded.personal, email_index = excluded.email_index, active = excluded.active,
      daily_capacity = excluded.daily_capacity, absent_from = excluded.absent_from, absent_until = excluded.absent_until,
      updated_at = excluded.updated_at`)
}
