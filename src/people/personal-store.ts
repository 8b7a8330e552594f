import { sql } from 'kysely'
import type { PersonalStore } from '#compliance/personal-store.ts'
import { listConsents, proofContext } from './consent.store.ts'
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
  tables: ['people', 'identities', 'identity_conflicts', 'consents', 'touchpoints'],
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
      // That and when consent was given or withdrawn stays: it is the proof of what was lawful.
      consents: await tx.execute(
        sql`update consents set proof = null where ${own} and proof is not null`,
      ),
      touchpoints: await tx.execute(sql`
        update touchpoints set detail = null, message_id = null, utm_term = null, utm_content = null where ${own}`),
    }
  },
}
