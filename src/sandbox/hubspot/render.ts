import { findObjectType } from './object-types.ts'
import type { ObjectTypeName } from './object-types.ts'
import { iso, readerOf } from './readers.ts'
import { versionsOf } from './records.ts'
import type { CrmRecord, RecordTable } from './records.ts'
import type { AccountState } from './state.ts'

/** What a caller asked to see of a record. */
export interface View {
  properties: readonly string[]
  /** HubSpot docs: propertiesWithHistory. */
  history: readonly string[]
  /** Object types as the caller spelled them. HubSpot docs: inline associations. */
  associations: readonly string[]
}

export interface RenderContext {
  state: AccountState
  portalId: number
}

/** HubSpot docs: inline associations come with one page. */
const INLINE_ASSOCIATIONS = 100

/** The wire form of a record. Asked properties without a value are null. */
export function renderRecord(
  { state, portalId }: RenderContext,
  table: RecordTable,
  record: CrmRecord,
  view: View,
) {
  const { type } = table
  const asked = view.properties.length > 0 ? view.properties : type.defaultProperties
  const properties: Record<string, string | null> = {}
  for (const name of [...asked, 'createdate', type.modifiedProperty, 'hs_object_id']) {
    const read = readerOf(state, type.name, name)
    if (read) properties[name] = read(record)
  }
  const isArchived = record.archivedAtMs !== 0
  return {
    id: String(record.id),
    properties,
    ...(view.history.length > 0
      ? { propertiesWithHistory: historiesOf(record, view.history) }
      : {}),
    createdAt: iso(record.createdAtMs),
    updatedAt: iso(record.updatedAtMs),
    archived: isArchived,
    ...(isArchived ? { archivedAt: iso(record.archivedAtMs) } : {}),
    url: `https://app.hubspot.com/contacts/${portalId}/record/${type.typeId}/${record.id}`,
    ...inlineAssociations(state, type.name, record, view.associations),
  }
}

/** Every property with a value, as create answers. */
export function allPropertiesOf(table: RecordTable, record: CrmRecord): string[] {
  return [...table.type.defaultProperties, ...Object.keys(record.values), ...SYSTEM]
}

/** The properties that come back with a write whether asked for or not. */
export const SYSTEM = ['hs_object_source', 'hs_object_source_id', 'hs_object_source_label']

/** HubSpot docs: property history, newest first. */
function historiesOf(record: CrmRecord, names: readonly string[]) {
  return Object.fromEntries(
    names.map((name) => {
      const entries = versionsOf(record).flatMap(({ values, atMs, source }) => {
        const value = values[name]
        if (value === undefined) return []
        const timestamp = iso(atMs)
        return [{ value, timestamp, sourceType: source.type, sourceId: source.id }]
      })
      return [name, entries.reverse()]
    }),
  )
}

function inlineAssociations(
  state: AccountState,
  from: ObjectTypeName,
  record: CrmRecord,
  spellings: readonly string[],
) {
  const associations: Record<string, unknown> = {}
  for (const spelling of spellings) {
    const to = findObjectType(spelling)
    if (!to) continue
    const targets = state.table(to.name)
    const entries = [...state.links.of(from, to.name, record.id)]
      .filter(([toId]) => targets.find(String(toId))?.archivedAtMs === 0)
      .flatMap(([toId, typeIds]) =>
        typeIds.map((typeId) => ({
          id: String(toId),
          type: state.linkTypes.find(from, to.name, typeId)?.name ?? String(typeId),
        })),
      )
    if (entries.length === 0) continue
    const next = entries[INLINE_ASSOCIATIONS]
    associations[spelling] = {
      results: entries.slice(0, INLINE_ASSOCIATIONS),
      ...(next ? { paging: { next: { after: next.id } } } : {}),
    }
  }
  return Object.keys(associations).length > 0 ? { associations } : {}
}
