import { sql } from 'kysely'
import { openPersonal } from '#people/person.store.ts'
import type { LeadFacts } from '#analytics/scoring/lead-score.ts'
import type { ScoreRules } from '#analytics/scoring/score-rules.schema.ts'
import type { Transaction } from '#store/store.ts'
import type { JudgedLead } from './suggestion.rules.ts'

/** The published scoring rules; null while the built-in ones count. */
export async function findRules(
  tx: Transaction,
): Promise<{ version: number; rules: ScoreRules } | null> {
  return tx.find(sql<{ version: number; rules: ScoreRules }>`
    select version, model as rules from scoring_versions
    where workspace_id = ${tx.workspaceId} order by version desc limit 1`)
}

/** What the rules look at, of leads at their moments: company facts of today, touches until then. Two statements. */
export async function listRuleFacts(
  tx: Transaction,
  cases: readonly { id: string; personId: string; at: Date }[],
): Promise<Map<string, LeadFacts>> {
  const subjects = JSON.stringify(cases.map(({ id, personId, at }) => ({ id, personId, at })))
  const leads = await tx.query(sql<{
    id: string
    personId: string
    attributes: Record<string, string | number | null>
    isCustomer: boolean
    channel: string
    personal: Buffer | null
  }>`
    select l.id, l.person_id, l.attributes, l.is_customer, l.channel, p.personal
    from jsonb_to_recordset(${subjects}::jsonb) as s(id text)
    join leads l on l.id = s.id join people p on p.id = l.person_id`)
  const touches = await tx.query(sql<{ id: string; kind: string; channel: string; atMs: number }>`
    select t.id, t.kind, t.channel, t.at_ms from (
      select s.id, t.kind, t.channel, extract(epoch from t.occurred_at)::float8 * 1000 as at_ms,
        row_number() over (partition by s.id order by t.occurred_at desc) as place
      from jsonb_to_recordset(${subjects}::jsonb) as s(id text, "personId" text, at timestamptz)
      join touchpoints t on t.workspace_id = ${tx.workspaceId} and t.person_id = s."personId" and t.occurred_at <= s.at
    ) t where t.place <= 200`)
  const byLead = Map.groupBy(touches, ({ id }) => id)
  return new Map(
    leads.map(({ id, personId, attributes, channel, personal }): [string, LeadFacts] => {
      const { domain, emailDomain, ...company } = attributes
      const jobTitle = openPersonal(tx, personId, personal).jobTitle ?? null
      return [
        id,
        {
          attributes: {
            ...company,
            domain: emailDomain ?? domain,
            companyDomain: domain,
            jobTitle,
            // Whether somebody is a customer is the outcome itself: not known at the moment.
            isCustomer: false,
            channel,
          },
          touches: byLead.get(id) ?? [],
        },
      ]
    }),
  )
}

/** The last leads that sales accepted or rejected, with the rules that gave them points; at most `limit`. */
export async function listJudgedLeads(tx: Transaction, limit: number): Promise<JudgedLead[]> {
  const rows = await tx.query(sql<{ disposition: string; ruleIds: string[] }>`
    select l.disposition, array(
      select part->>'ruleId' from jsonb_array_elements(l.score_parts) part
    ) as rule_ids
    from leads l
    where l.workspace_id = ${tx.workspaceId} and l.disposition is not null and l.merged_into is null
    order by l.updated_at desc, l.id desc limit ${limit}`)
  return rows.map(({ disposition, ruleIds }) => {
    const [verdict = '', reason = ''] = disposition.split(':')
    return { accepted: verdict === 'accept', reason, ruleIds }
  })
}

export interface RuleScore {
  ownerId: `own_${string}` | null
  score: number
  computed: number
  fit: number
  engagement: number
  modelVersion: number
}

/** The rule score of a lead; null when there is none with this id, or it was merged into another. */
export async function findRuleScore(
  tx: Transaction,
  leadId: string,
  now: Date,
): Promise<RuleScore | null> {
  return tx.find(sql<RuleScore>`
    select case when l.override_until > ${now}::timestamptz then l.override_score else l.score end as score,
      l.owner_id, l.score as computed, l.fit_score as fit, l.engagement_score as engagement, l.score_version as model_version
    from leads l where l.id = ${leadId} and l.workspace_id = ${tx.workspaceId} and l.merged_into is null`)
}
