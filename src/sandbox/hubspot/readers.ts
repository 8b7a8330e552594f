import type { PropertyDefinition } from './definitions.ts'
import type { ObjectTypeName } from './object-types.ts'
import { findStage } from './pipelines.ts'
import type { Stage } from './pipelines.ts'
import { versionsOf } from './records.ts'
import type { CrmRecord } from './records.ts'
import type { AccountState } from './state.ts'

/** How one property of a record is read; null when it has no value. */
export type Reader = (record: CrmRecord) => string | null

/** HubSpot docs: deal properties. One pair of dates for each stage of each pipeline. */
const STAGE_DATES = ['hs_v2_date_entered_', 'hs_v2_date_exited_'] as const

/** The definition of a property, the stage dates of deals among them; null when unknown. */
export function findProperty(
  state: AccountState,
  type: ObjectTypeName,
  name: string,
): PropertyDefinition | null {
  const definition = state.properties.get(type)?.get(name)
  if (definition) return definition.archived ? null : definition
  return type === 'deals' ? findStageDate(state, name) : null
}

function findStageDate(state: AccountState, name: string): PropertyDefinition | null {
  const prefix = STAGE_DATES.find((each) => name.startsWith(each))
  const model = state.properties.get('deals')?.get('hs_createdate')
  if (prefix === undefined || !model) return null
  const stage = findStage(state.pipelinesOf('deals'), undefined, name.slice(prefix.length))
  if (!stage) return null
  const verb = prefix === 'hs_v2_date_entered_' ? 'entered' : 'exited'
  return { ...model, name, label: `Date ${verb} "${stage.label}"`, calculated: true }
}

/** The stage dates that exist because of the pipelines there are. */
export function stageDateProperties(state: AccountState): PropertyDefinition[] {
  return state
    .pipelinesOf('deals')
    .flatMap(({ stages }) => stages)
    .flatMap(({ id }) => STAGE_DATES.flatMap((prefix) => findStageDate(state, prefix + id) ?? []))
}

/** How to read a property; null when the object type has none of this name. Kept per name. */
export function readerOf(state: AccountState, type: ObjectTypeName, name: string): Reader | null {
  const kept = state.readers.get(type) ?? new Map<string, Reader | null>()
  state.readers.set(type, kept)
  const known = kept.get(name)
  if (known !== undefined) return known
  const reader = makeReader(state, type, name)
  // Names come from callers: those that are not properties are not kept.
  if (reader) kept.set(name, reader)
  return reader
}

function makeReader(state: AccountState, type: ObjectTypeName, name: string): Reader | null {
  if (!findProperty(state, type, name)) return null
  const shared = SHARED[name]
  if (shared) return shared
  const own = type === 'deals' ? dealReader(state, name) : otherReader(state, type, name)
  return own ?? ((record) => record.values[name] ?? null)
}

/** Epoch milliseconds of a property that every record has, so that a search need not parse it. */
export function readTime(name: string): ((record: CrmRecord) => number) | null {
  if (name === 'lastmodifieddate' || name === 'hs_lastmodifieddate') {
    return (record) => record.updatedAtMs
  }
  if (name === 'hs_createdate') return (record) => record.createdAtMs
  return name === 'hs_object_id' ? (record) => record.id : null
}

/** ISO text of a time; the last one is kept, as the rows of a batch share theirs. */
export function iso(ms: number): string {
  if (ms !== lastIso.ms) lastIso = { ms, text: new Date(ms).toISOString() }
  return lastIso.text
}

let lastIso = { ms: 0, text: new Date(0).toISOString() }
const createdAt: Reader = (record) => record.values['createdate'] ?? iso(record.createdAtMs)
const updatedAt: Reader = (record) => iso(record.updatedAtMs)
const joined: Reader = (record) => record.mergedIds?.join(';') ?? null

const SHARED: Record<string, Reader | undefined> = {
  hs_object_id: (record) => String(record.id),
  createdate: createdAt,
  hs_createdate: (record) => iso(record.createdAtMs),
  lastmodifieddate: updatedAt,
  hs_lastmodifieddate: updatedAt,
  hs_object_source: (record) => record.source.type,
  hs_object_source_id: (record) => record.source.id,
  hs_object_source_label: (record) => record.source.type,
  hs_merged_object_ids: joined,
  hs_all_contact_vids: (record) => [String(record.id), ...(record.mergedIds ?? [])].join(';'),
  // HubSpot docs: traffic sources. Records that an API made are "offline, integration".
  hs_analytics_source: (record) => record.values['hs_analytics_source'] ?? 'OFFLINE',
  hs_analytics_source_data_1: (record) =>
    record.values['hs_analytics_source_data_1'] ?? record.source.type,
  hs_analytics_source_data_2: (record) =>
    record.values['hs_analytics_source_data_2'] ?? record.source.id,
}

/** HubSpot docs: deal properties that follow from the stage. */
function dealReader(state: AccountState, name: string): Reader | null {
  const stageOf = (record: CrmRecord): Stage | null =>
    findStage(state.pipelinesOf('deals'), record.values['pipeline'], record.values['dealstage'])
  switch (name) {
    case 'hs_is_closed':
      return (record) => String(isClosed(stageOf(record)))
    case 'hs_is_closed_won': {
      return (record) => {
        const stage = stageOf(record)
        return String(isClosed(stage) && probability(stage) === 1)
      }
    }
    case 'hs_is_closed_lost': {
      return (record) => {
        const stage = stageOf(record)
        return String(isClosed(stage) && probability(stage) === 0)
      }
    }
    case 'hs_deal_stage_probability':
      return (record) => stageOf(record)?.metadata['probability'] ?? null
    case 'amount_in_home_currency':
      return (record) => record.values['amount'] ?? null
    case 'hs_forecast_amount': {
      return (record) => {
        const amount = record.values['amount']
        return amount === undefined ? null : String(Number(amount) * probability(stageOf(record)))
      }
    }
  }
  for (const prefix of STAGE_DATES) {
    if (name.startsWith(prefix)) return stageDateReader(name.slice(prefix.length), prefix)
  }
  return otherReader(state, 'deals', name)
}

function isClosed(stage: Stage | null): boolean {
  return stage?.metadata['isClosed'] === 'true'
}

function probability(stage: Stage | null): number {
  return Number(stage?.metadata['probability'] ?? 0)
}

/** When the deal last came into a stage, and when it left it after that. */
function stageDateReader(stageId: string, prefix: (typeof STAGE_DATES)[number]): Reader {
  return (record) => {
    let enteredAtMs: number | null = null
    let exitedAtMs: number | null = null
    for (const { values, atMs } of versionsOf(record)) {
      const stage = values['dealstage']
      if (stage === stageId) {
        enteredAtMs = atMs
        exitedAtMs = null
      } else if (stage !== undefined && enteredAtMs !== null) {
        exitedAtMs ??= atMs
      }
    }
    const ms = prefix === 'hs_v2_date_entered_' ? enteredAtMs : exitedAtMs
    return ms === null ? null : iso(ms)
  }
}

function otherReader(state: AccountState, type: ObjectTypeName, name: string): Reader | null {
  switch (name) {
    case 'num_associated_contacts':
      return (record) => String(state.links.of(type, 'contacts', record.id).size)
    case 'num_associated_deals':
      return (record) => String(state.links.of(type, 'deals', record.id).size)
    case 'hs_primary_associated_company':
    case 'associatedcompanyid':
      return (record) => primaryCompanyOf(state, type, record)
    case 'hs_email_domain':
      return (record) => record.values['email']?.split('@').at(-1) ?? null
    case 'hs_full_name_or_email': {
      return ({ values }) => {
        const names = [values['firstname'], values['lastname']].filter(Boolean).join(' ')
        return names === '' ? (values['email'] ?? null) : names
      }
    }
    case 'hs_is_contact':
      return () => 'true'
    case 'hs_is_unworked':
      return (record) => String(record.values['hubspot_owner_id'] === undefined)
    case 'hs_pipeline':
      return type === 'contacts' ? () => 'contacts-lifecycle-pipeline' : null
  }
  const lifecycle = /^hs_lifecyclestage_([a-z]+)_date$/.exec(name)?.[1]
  return lifecycle === undefined ? null : lifecycleDateReader(lifecycle)
}

function primaryCompanyOf(
  state: AccountState,
  type: ObjectTypeName,
  record: CrmRecord,
): string | null {
  const primary = state.linkTypes.primary(type, 'companies')
  for (const [companyId, typeIds] of state.links.of(type, 'companies', record.id)) {
    if (primary && typeIds.includes(primary.typeId)) return String(companyId)
  }
  return null
}

function lifecycleDateReader(stage: string): Reader {
  return (record) => {
    const first = versionsOf(record).find(({ values }) => values['lifecyclestage'] === stage)
    return first ? iso(first.atMs) : null
  }
}
