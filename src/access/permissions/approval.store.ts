import { sql } from 'kysely'
import type { Approval } from '#sync/approval.ts'

/** The domains that a kind of record concerns: each signs before it goes to or comes from another system. */
const domainsOfEntity: Readonly<Record<string, readonly string[]>> = {
  lead: ['marketing', 'sales'],
  opportunity: ['sales'],
  campaign: ['marketing'],
  campaign_member: ['marketing', 'sales'],
  owner: ['sales'],
  pipeline: ['sales'],
  stage: ['sales'],
  account: ['sales', 'success'],
  invoice: ['finance'],
  subscription: ['finance', 'success'],
}

const domainsOf = (entities: readonly string[]): string[] => [
  ...new Set(
    entities.flatMap((entity) =>
      Object.hasOwn(domainsOfEntity, entity) ? domainsOfEntity[entity]! : ['sales'],
    ),
  ),
]

/** Signatures for integrations, kept with the fingerprint that was signed. */
export const approval: Approval = {
  domainsOf,
  async list(tx, { connectionId, entities, fingerprint }) {
    const rows = await tx.query(sql<{
      domain: string
      approvedBy: string
      approvedAt: Date
      refusal: string | null
    }>`
      select domain, approved_by, approved_at, refusal from integration_approvals
      where connection_id = ${connectionId} and fingerprint = ${fingerprint}`)
    const decided = new Map(rows.map((row) => [row.domain, row]))
    return domainsOf(entities).map((domain) => {
      const row = decided.get(domain)
      if (!row) return { domain, approvedBy: null, approvedAt: null, refusal: null }
      const { approvedBy: by, approvedAt: at, refusal: reason } = row
      return reason === null
        ? { domain, approvedBy: by, approvedAt: at, refusal: null }
        : { domain, approvedBy: null, approvedAt: null, refusal: { by, at, reason } }
    })
  },
  async sign(tx, { connectionId, fingerprint }, domain, by, now) {
    await tx.execute(sql`
      insert into integration_approvals (workspace_id, connection_id, fingerprint, domain, approved_by, approved_at)
      values (${tx.workspaceId}, ${connectionId}, ${fingerprint}, ${domain}, ${by}, ${now})
      on conflict (workspace_id, connection_id, domain) do update
      set fingerprint = excluded.fingerprint, approved_by = excluded.approved_by, approved_at = excluded.approved_at,
        refusal = null`)
  },
  async refuse(tx, { connectionId, fingerprint }, domain, { by, at, reason }) {
    await tx.execute(sql`
      insert into integration_approvals (workspace_id, connection_id, fingerprint, domain, approved_by, approved_at, refusal)
      values (${tx.workspaceId}, ${connectionId}, ${fingerprint}, ${domain}, ${by}, ${at}, ${reason})
      on conflict (workspace_id, connection_id, domain) do update
      set fingerprint = excluded.fingerprint, approved_by = excluded.approved_by, approved_at = excluded.approved_at,
        refusal = excluded.refusal`)
  },
}
