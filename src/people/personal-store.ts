import { sql } from 'kysely'
import type { PersonalStore } from '#compliance/personal-store.ts'
import type { Transaction } from '#store/store.ts'
import { listConsents, proofContext } from './consent.store.ts'
import { openSetAside } from './layer.store.ts'
import { rectifyPeople } from './rectify.ts'
import type { MergeRow } from './merge.store.ts'
import { listIdentities } from './person-list.store.ts'
import { identityContext, openPersonal } from './person.store.ts'
import { touchpointDetailContext } from './touchpoint.store.ts'

interface TouchRow {
  id: string
  kind: string
  channel: string
  occurredAt: Date
  source: string
  utmSource: string | null
  utmCampaign: string | null
  detail: Buffer | null
}

export const peoplePersonal: PersonalStore = {
  tables: [
    'people',
    'identities',
    'identity_conflicts',
    'consents',
    'touchpoints',
    'person_merges',
    'person_keys',
    'person_duplicates',
  ],
  kept: {},
  async collect(tx, { personIds }, limit) {
    const people = await tx.query(sql<{ id: string; personal: Buffer | null; createdAt: Date }>`
      select id, personal, created_at from people where id = any(${personIds}::text[]) order by id`)
    const identities = (
      await Promise.all(personIds.map((personId) => listIdentities(tx, personId)))
    ).flat()
    const consents = await listConsents(tx, personIds)
    const touches = await tx.query(sql<TouchRow>`
      select id, kind, channel, occurred_at, source, utm_source, utm_campaign, detail from touchpoints
      where workspace_id = ${tx.workspaceId} and person_id = any(${personIds}::text[])
      order by occurred_at desc limit ${limit}`)
    const open = (sealed: Buffer | null, context: string) =>
      sealed && tx.sealer.open<unknown>(sealed, context)
    return {
      people: people.map(({ personal, ...row }) => ({
        ...row,
        personal: openPersonal(tx, row.id, personal),
      })),
      identities: identities.map(({ kind, source, index, value, createdAt }) => ({
        kind,
        source,
        value: tx.sealer.open<string>(value, identityContext(kind, source, index)),
        createdAt,
      })),
      consents: consents.map(({ proof, ...row }) => ({
        ...row,
        proof: open(proof, proofContext(row.id)),
      })),
      merges: await collectMerges(tx, personIds),
      touchpoints: touches.map(({ detail, ...row }) => ({
        ...row,
        detail: open(detail, touchpointDetailContext(row.id)),
      })),
    }
  },
  async erase(tx, { personIds }, { now }) {
    const own = sql`workspace_id = ${tx.workspaceId} and person_id = any(${personIds}::text[])`
    return {
      people: await tx.execute(sql`
        update people set personal = null, erased_at = ${now}, updated_at = ${now}, version = version + 1
        where id = any(${personIds}::text[])`),
      identities: await tx.execute(sql`delete from identities where ${own}`),
      identity_conflicts: await tx.execute(sql`
        delete from identity_conflicts
        where person_id = any(${personIds}::text[]) or other_person_id = any(${personIds}::text[])`),
      person_merges: await tx.execute(sql`
        update person_merges set from_values = null, into_values = null
        where from_id = any(${personIds}::text[]) or into_id = any(${personIds}::text[])`),
      person_keys: await tx.execute(sql`delete from person_keys where ${own}`),
      person_duplicates: await tx.execute(sql`
        delete from person_duplicates
        where person_id = any(${personIds}::text[]) or other_person_id = any(${personIds}::text[])`),
      // That and when consent was given or withdrawn stays: it is the proof of what was lawful.
      consents: await tx.execute(
        sql`update consents set proof = null where ${own} and proof is not null`,
      ),
      touchpoints: await tx.execute(sql`
        update touchpoints set detail = null, message_id = null, utm_term = null, utm_content = null where ${own}`),
    }
  },
  rectify: rectifyPeople,
}

/** Merges by hand with what they have set aside. */
async function collectMerges(tx: Transaction, personIds: readonly string[]) {
  const rows = await tx.query(sql<MergeRow>`
    select id, from_id, into_id, merged_by, merged_at, undone_by, undone_at, from_values, into_values from person_merges
    where from_id = any(${personIds}::text[]) or into_id = any(${personIds}::text[]) order by seq`)
  return rows.map(({ fromValues, intoValues, ...merge }) => ({
    ...merge,
    fromValues: openSetAside(tx, { id: merge.id, side: 'from' }, fromValues),
    intoValues: openSetAside(tx, { id: merge.id, side: 'into' }, intoValues),
  }))
}
