import { sql } from 'kysely'
import type { AccessLine, ReportLine } from '#compliance/report.schema.ts'
import type { Transaction } from '#store/store.ts'

/** Operations on who may do what. */
const RIGHTS = [
  'saveRole',
  'deleteRole',
  'createGrant',
  'deleteGrant',
  'saveTeam',
  'deleteTeam',
  'createAccessRule',
  'deleteAccessRule',
  'inviteUser',
  'changeUser',
  'resetUser',
  'createApiKey',
  'rotateApiKey',
  'revokeApiKey',
  'createOwnKey',
  'revokeOwnKey',
  'createOAuthClient',
  'rotateOAuthClientSecret',
  'revokeOAuthClient',
]
const REQUESTS = [
  'createPrivacyRequest',
  'approvePrivacyRequest',
  'refusePrivacyRequest',
  'liftSuppression',
]
const RETENTION = ['retention.rule', 'retention.ran', 'audit.trimmed']

/** What the period held, line by line in a fixed order: groups of the audit log, of consents and of receipts. One statement. */
export function listReport(
  tx: Transaction,
  { from, to }: { from: Date; to: Date },
  after: readonly [string, string, string] | null,
  limit: number,
): Promise<ReportLine[]> {
  const own = sql`workspace_id = ${tx.workspaceId}`
  return tx.query(sql<ReportLine>`
    with told as (
      select action, principal_id, detail, coalesce((detail ->> 'count')::int, 1) as records from audit_log
      where ${own} and occurred_at >= ${from} and occurred_at < ${to}
    ), lines as (
      select 'reads' as section, detail ->> 'operation' || ' ' || (detail ->> 'shown') as item, principal_id, records, 'audit_log' as source
        from told where action = 'data.read'
      union all
      select 'refusals', detail ->> 'operation' || ' ' || (detail ->> 'status'), principal_id, records, 'audit_log'
        from told where action = 'access.refused'
      union all
      select 'requests', action, principal_id, 1, 'audit_log' from told where action = any(${REQUESTS}::text[])
      union all
      select 'erasures', case when detail ? 'runId' then 'by retention' when detail ? 'after' then 'after a restore' else 'on request' end,
        principal_id, 1, 'audit_log' from told where action = 'person.erased'
      union all
      select 'rights', action, principal_id, 1, 'audit_log' from told where action = any(${RIGHTS}::text[])
      union all
      select 'retention', action, principal_id, coalesce((detail ->> 'removed')::int, (detail ->> 'entries')::int, 1), 'audit_log'
        from told where action = any(${RETENTION}::text[])
      union all
      select 'holds', action, principal_id, 1, 'audit_log' from told where action in ('hold.placed', 'hold.lifted')
      union all
      select 'consents', purpose || ' ' || status, null, 1, 'consents' from consents
        where ${own} and created_at >= ${from} and created_at < ${to}
      union all
      select 'receipts', connection_id || ' ' || state, null, 1, 'sync_erasures' from sync_erasures
        where ${own} and asked_at >= ${from} and asked_at < ${to}
      union all
      select 'receipts', connection_id || ' ' || state, null, 1, 'sync_rectifications' from sync_rectifications
        where ${own} and asked_at >= ${from} and asked_at < ${to}
      union all
      select 'rectifications', 'on request', principal_id, 1, 'audit_log' from told where action = 'person.rectified'
    )
    select section, item, principal_id, count(*)::int as entries, sum(records)::int as records, source
    from lines group by section, item, principal_id, source
    having ${after === null} or (section, item, coalesce(principal_id, '')) > (${after?.[0] ?? ''}, ${after?.[1] ?? ''}, ${after?.[2] ?? ''})
    order by section, item, coalesce(principal_id, '') limit ${limit + 1}`)
}

/** Reads that showed this record, the newest first. */
export function listAccess(
  tx: Transaction,
  subject: string,
  before: readonly [string, string] | null,
  limit: number,
): Promise<AccessLine[]> {
  return tx.query(sql<AccessLine>`
    select id, occurred_at, principal_id, principal_kind, detail ->> 'operation' as operation, detail -> 'fields' as fields,
      detail ->> 'shown' as shown, detail ->> 'purpose' as purpose, request_id
    from audit_log
    where workspace_id = ${tx.workspaceId} and action = 'data.read' and detail -> 'records' ? ${subject}
      and (${before === null} or (occurred_at, id) < (${before?.[0] ?? null}::timestamptz, ${before?.[1] ?? ''}))
    order by occurred_at desc, id desc limit ${limit + 1}`)
}
