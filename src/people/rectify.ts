import { sql } from 'kysely'
import type { PersonalChanges, PersonalStore } from '#compliance/personal-store.ts'
import { normaliseEmail } from '#core/email.ts'
import { Problem } from '#core/problem.ts'
import type { Personal } from '#people/capture.ts'
import { editLayers } from '#people/layer.store.ts'
import { identityContext, openPersonal, updatePeople } from '#people/person.store.ts'
import type { Transaction } from '#store/store.ts'

/**
 * Puts right what a person is known by: the values in force, and the same wrong values where merges by hand have set them aside. A
 * wrong address names the person no more.
 */
export const rectifyPeople: NonNullable<PersonalStore['rectify']> = async (
  tx,
  { personIds },
  changes,
  { personId, now },
) => {
  const row = await tx.find(sql<{ personal: Buffer | null }>`
    select personal from people where id = ${personId} for no key update`)
  const held = openPersonal(tx, personId, row?.personal ?? null)
  if (changes.email !== undefined)
    await moveAddress(tx, held.email ?? null, changes.email, { personId, personIds, now })
  const personal = withCorrections(held, changes, held)
  await updatePeople(tx, [{ id: personId, identified: false, personal }], now)
  await editLayers(
    tx,
    personIds.map((homeId) => ({
      personId,
      homeId,
      change: (own) => withCorrections(own, changes, held),
    })),
  )
  const before = Object.fromEntries(Object.keys(changes).map((name) => [name, held[name] ?? null]))
  return { before: { person: before }, events: [] }
}

/** The values with those put right that are wrong in the same way as `wrong`. */
function withCorrections(own: Personal, changes: PersonalChanges, wrong: Personal): Personal {
  const corrected: Personal = { ...own }
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined || (own[name] ?? null) !== (wrong[name] ?? null)) continue
    if (value === null) delete corrected[name]
    else corrected[name] = value
  }
  return corrected
}

/** The person goes by the right address in place of the wrong one. @throws Problem `privacy.address_taken` */
async function moveAddress(
  tx: Transaction,
  from: string | null,
  to: string,
  { personId, personIds, now }: { personId: string; personIds: readonly string[]; now: Date },
): Promise<void> {
  const address = normaliseEmail(to)
  const index = tx.sealer.index('email', address)
  const wrong = from === null ? null : tx.sealer.index('email', normaliseEmail(from))
  if (wrong?.equals(index)) return
  const named = sql`workspace_id = ${tx.workspaceId} and kind = 'email' and source = ''`
  const old = await tx.find(sql<{ homeId: string | null }>`
    delete from identities where ${named} and value_index = ${wrong} and person_id = ${personId} returning home_id`)
  const value = tx.sealer.seal(address, identityContext('email', '', index.toString('hex')))
  await tx.execute(sql`
    insert into identities (workspace_id, kind, source, value_index, value, person_id, home_id, created_at)
    values (${tx.workspaceId}, 'email', '', ${index}, ${value}, ${personId}, ${old?.homeId ?? null}, ${now})
    on conflict do nothing`)
  const owner = await tx.find(sql<{ personId: string }>`
    select person_id from identities where ${named} and value_index = ${index}`)
  if (owner === null || !personIds.includes(owner.personId))
    throw new Problem(
      'privacy.address_taken',
      'Another person is known by this address: merge the two if they are one, else refuse the request.',
    )
}
