import { sql } from 'kysely'
import { normaliseEmail } from '#core/email.ts'
import type { Queries, Transaction } from '#store/store.ts'

/** What an import or a sync answers to an address that was erased on request. It tells nothing of whom it was. */
export const SUPPRESSED =
  'The person of this address was erased on request and does not come back by an import or a sync. Somebody who decides privacy requests can lift it.'

/** The keyed hash under which an address is compared; identities of people go by the same. */
export function addressIndex(tx: Transaction, email: string): Buffer {
  return tx.sealer.index('email', normaliseEmail(email))
}

/**
 * For each address whether it is kept from coming back: it was erased on request, nobody lifted that, and nobody is here
 * under it (who came again by themself is somebody new, whose record goes on). One statement.
 */
export async function areSuppressed(
  tx: Transaction,
  emails: readonly (string | null)[],
): Promise<boolean[]> {
  const indexes = emails.map((email) => (email === null ? null : addressIndex(tx, email)))
  const asked = indexes.flatMap((index) => (index === null ? [] : [index.toString('hex')]))
  if (asked.length === 0) return emails.map(() => false)
  const rows = await tx.query(sql<{ index: string }>`
    select encode(s.address_index, 'hex') as index from suppressed_addresses s
    where s.workspace_id = ${tx.workspaceId} and s.lifted_at is null
      and s.address_index in (select decode(h, 'hex') from unnest(${asked}::text[]) as h)
      and not exists (
        select 1 from identities i
        where i.workspace_id = ${tx.workspaceId} and i.kind = 'email' and i.source = '' and i.value_index = s.address_index)`)
  const suppressed = new Set(rows.map((row) => row.index))
  return indexes.map((index) => index !== null && suppressed.has(index.toString('hex')))
}

/** Keeps the hashes of the addresses of people who are about to be erased on their request. @returns how many. */
export function suppressAddresses(
  tx: Queries,
  personIds: readonly string[],
  { id, now }: { id: string; now: Date },
): Promise<number> {
  return tx.execute(sql`
    insert into suppressed_addresses (workspace_id, address_index, request_id, suppressed_at)
    select i.workspace_id, i.value_index, ${id}, ${now}::timestamptz from identities i
    where i.person_id = any(${[...personIds]}::text[]) and i.kind = 'email'
    on conflict (workspace_id, address_index) do update
    set request_id = excluded.request_id, suppressed_at = excluded.suppressed_at, lifted_at = null, lifted_by = null, lift_reason = null`)
}
