import type { JsonObject } from '#sandbox/json.ts'
import { RowRefusal } from './errors.ts'
import type { Org } from './org.ts'
import type { SfRecord } from './records.ts'
import { compileCondition } from './soql-compile.ts'
import { parseCondition } from './soql-parser.ts'

/**
 * Holds a row against the rules of the customer: owners that left, validation rules, duplicate rules.
 * @throws RowRefusal for the first one that refuses.
 */
export function requireValid(
  org: Org,
  object: string,
  before: SfRecord | null,
  after: SfRecord,
  allowSave: boolean,
): void {
  requireActiveOwner(org, object, before, after)
  requireRecordType(org, object, after)
  for (const rule of org.validationRules) {
    if (rule.object !== object) continue
    const scope = { state: org.state, nowMs: org.now(), soql: rule.refuses, valuesOf: () => [] }
    const refuses = compileCondition(scope, org.state.object(object), parseCondition(rule.refuses))
    if (!refuses(after)) continue
    const fields = rule.field === undefined ? [] : [rule.field]
    throw new RowRefusal('FIELD_CUSTOM_VALIDATION_EXCEPTION', rule.message, fields)
  }
  requireNoDuplicate(org, object, after, allowSave)
}

function requireActiveOwner(
  org: Org,
  object: string,
  before: SfRecord | null,
  after: SfRecord,
): void {
  const ownerId = after.values['OwnerId']
  if (typeof ownerId !== 'string' || before?.values['OwnerId'] === ownerId) return
  const user = org.state.table('User').find(ownerId)
  if (!user || user.values['IsActive'] === true) return
  throw new RowRefusal(
    'INACTIVE_OWNER_OR_USER',
    `operation performed with inactive user [${ownerId.slice(0, 15)}] as owner of ${object.toLowerCase()}`,
    ['OwnerId'],
  )
}

/** Salesforce docs: record types belong to one object. */
function requireRecordType(org: Org, object: string, after: SfRecord): void {
  const typeId = after.values['RecordTypeId']
  if (typeof typeId !== 'string') return
  const type = org.state.table('RecordType').find(typeId)
  if (type?.values['SobjectType'] === object) return
  throw new RowRefusal(
    'INVALID_CROSS_REFERENCE_KEY',
    `Record Type ID: this ID value isn't valid for the user: ${typeId}`,
    ['RecordTypeId'],
  )
}

function requireNoDuplicate(org: Org, object: string, after: SfRecord, allowSave: boolean): void {
  for (const rule of org.duplicateRules) {
    if (rule.object !== object || (rule.action === 'alert' && allowSave)) continue
    const matches = matchesOf(org, object, after, rule.matchesOn)
    if (matches.length === 0) continue
    const refusal = new RowRefusal('DUPLICATES_DETECTED', 'Use one of these records?', [])
    refusal.error.duplicateResut = duplicateResult(org, object, rule, matches)
    throw refusal
  }
}

function matchesOf(
  org: Org,
  object: string,
  after: SfRecord,
  matchesOn: readonly string[],
): SfRecord[] {
  const keys = matchesOn.map((name): [string, string] => [
    name,
    String(after.values[name] ?? '').toLowerCase(),
  ])
  const [first] = keys
  if (!first || keys.some(([, value]) => value === '')) return []
  const table = org.state.table(object)
  const candidates = table.findBy(first[0], first[1]) ?? [...table.all()]
  return candidates.filter(
    (row) =>
      row.id !== after.id &&
      !row.isDeleted &&
      keys.every(([name, value]) => String(row.values[name] ?? '').toLowerCase() === value),
  )
}

/** Salesforce docs: DUPLICATES_DETECTED; the key is misspelt there as well. */
function duplicateResult(
  org: Org,
  object: string,
  rule: { name: string; action: string },
  matches: readonly SfRecord[],
): JsonObject {
  return {
    allowSave: rule.action === 'alert',
    duplicateRule: rule.name,
    duplicateRuleEntityType: object,
    errorMessage: 'Use one of these records?',
    matchResults: [
      {
        entityType: object,
        errors: [],
        matchEngine: 'ExactMatchEngine',
        matchRecords: matches.map(({ id }) => ({
          additionalInformation: [],
          fieldDiffs: [],
          matchConfidence: 100,
          record: {
            attributes: { type: object, url: `${org.basePath}/sobjects/${object}/${id}` },
            Id: id,
          },
        })),
        rule: `${rule.name}_Match`,
        size: matches.length,
        success: true,
      },
    ],
  }
}

/**
 * No two live rows with the same value of a unique field, no person twice in a campaign.
 * @throws RowRefusal DUPLICATE_VALUE.
 */
export function requireUnique(
  org: Org,
  object: string,
  after: SfRecord,
  changed: ReadonlySet<string>,
): void {
  for (const field of org.state.object(object).fields.values()) {
    if (!field.isUnique || !changed.has(field.name)) continue
    const value = after.values[field.name] ?? null
    const holder = org.state
      .table(object)
      .findBy(field.name, value)
      ?.find((row) => row.id !== after.id)
    if (!holder) continue
    throw new RowRefusal(
      'DUPLICATE_VALUE',
      `duplicate value found: ${field.name} duplicates value on record with id: ${holder.id.slice(0, 15)}`,
      [],
    )
  }
  if (object !== 'CampaignMember' || !changed.has('CampaignId')) return
  const {
    CampaignId: campaignId,
    LeadId: leadId = null,
    ContactId: contactId = null,
  } = after.values
  const table = org.state.table(object)
  const others = [
    ...(table.findBy('LeadId', leadId) ?? []),
    ...(table.findBy('ContactId', contactId) ?? []),
  ]
  if (others.some((row) => row.id !== after.id && row.values['CampaignId'] === campaignId)) {
    throw new RowRefusal('DUPLICATE_VALUE', 'Already a campaign member.', [])
  }
}
