import type { Value, Values } from './fields.ts'
import type { Org } from './org.ts'
import type { SfRecord } from './records.ts'
import { dateOf } from './times.ts'

/**
 * What the platform fills in itself when a row is written: names, what follows from a stage, what
 * a member's status means. Salesforce docs: object reference, the fields' notes.
 *
 * @param sent  the fields the call brought, which win over what would be filled in.
 */
export function derive(
  org: Org,
  object: string,
  before: SfRecord | null,
  values: Values,
  sent: ReadonlySet<string>,
): void {
  switch (object) {
    case 'Lead':
    case 'Contact':
    case 'User':
      values['Name'] = [values['FirstName'], values['LastName']].filter(Boolean).join(' ')
      return
    case 'Opportunity':
      deriveOpportunity(org, before, values, sent)
      return
    case 'Task':
      values['IsClosed'] = values['Status'] === 'Completed'
      if (values['IsClosed'] && before?.values['IsClosed'] !== true) {
        values['CompletedDateTime'] = org.now()
      }
      return
    case 'CampaignMember':
      deriveMember(org, values)
      return
    case 'Group':
      values['DeveloperName'] ??= String(values['Name']).replaceAll(/\W/g, '_')
      return
    case 'RecordType':
      values['DeveloperName'] ??= String(values['Name']).replaceAll(/\W/g, '_')
      return
    default:
  }
}

function deriveOpportunity(
  org: Org,
  before: SfRecord | null,
  values: Values,
  sent: ReadonlySet<string>,
): void {
  const stageName = values['StageName'] ?? null
  const stage = org.state.table('OpportunityStage').findBy('ApiName', stageName)?.[0]?.values
  values['IsClosed'] = stage?.['IsClosed'] ?? false
  values['IsWon'] = stage?.['IsWon'] ?? false
  if (before?.values['StageName'] === stageName) return
  values['LastStageChangeDate'] = before ? org.now() : null
  if (!sent.has('Probability')) values['Probability'] = stage?.['DefaultProbability'] ?? null
  if (!sent.has('ForecastCategoryName')) {
    values['ForecastCategoryName'] = stage?.['ForecastCategoryName'] ?? null
  }
}

function deriveMember(org: Org, values: Values): void {
  values['LeadOrContactId'] = values['ContactId'] ?? values['LeadId'] ?? null
  const statuses = org.state
    .table('CampaignMemberStatus')
    .findBy('CampaignId', values['CampaignId'] ?? null)
  // Salesforce docs: CampaignMember; in place of a status that the campaign does not have, the default one is set.
  const status =
    statuses?.find((row) => row.values['Label'] === values['Status']) ??
    statuses?.find((row) => row.values['IsDefault'] === true)
  values['Status'] = status?.values['Label'] ?? null
  const hasResponded = status?.values['HasResponded'] === true
  values['HasResponded'] = hasResponded
  if (hasResponded) values['FirstRespondedDate'] ??= dateOf(org.now())
}

const HISTORY: readonly string[] = ['StageName', 'Amount', 'CloseDate', 'Probability']

/** The row of OpportunityHistory that a change makes; null when nothing of it changed. */
export function historyOf(before: SfRecord | null, after: SfRecord): Values | null {
  const isSame = before && HISTORY.every((name) => before.values[name] === after.values[name])
  if (isSame) return null
  const kept = HISTORY.map((name): [string, Value] => [name, after.values[name] ?? null])
  return { OpportunityId: after.id, ...Object.fromEntries(kept) }
}
