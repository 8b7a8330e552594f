import type { Json, JsonObject } from '#sandbox/json.ts'
import { listOf, numberOf, objectOf, textOf } from '#sandbox/json.ts'
import { RowRefusal } from './errors.ts'
import { acceptValues } from './property-values.ts'
import { createdRecord, updatedRecord } from './records.ts'
import type { CrmRecord, RecordTable, Source, Values } from './records.ts'
import type { AccountState, Change } from './state.ts'

/** A row that is ready to be written: what it changes, and the record as it will be. */
export interface PlannedRow {
  changes: Change[]
  record: CrmRecord
  isNew: boolean
}

/**
 * Plans the writes of one request without carrying any out, so that a batch can be refused as a
 * whole. Rows of the same request see each other's claims on unique values.
 */
export class WritePlan {
  private readonly state: AccountState
  private readonly table: RecordTable
  private readonly source: Source
  private readonly atMs: number
  private readonly claims = new Map<string, string>()
  private readonly rights: { allowReadOnly: boolean }

  constructor(
    state: AccountState,
    table: RecordTable,
    by: { source: Source; atMs: number; allowReadOnly?: boolean },
  ) {
    this.state = state
    this.table = table
    this.source = by.source
    this.atMs = by.atMs
    this.rights = { allowReadOnly: by.allowReadOnly ?? false }
  }

  /** @throws RowRefusal when the record cannot be made. */
  create(sent: JsonObject, associations: Json = []): PlannedRow {
    const { type } = this.table
    const accepted = acceptValues(this.state, type.name, sent, {}, this.rights)
    const values: Values = { ...accepted }
    if (type.name === 'contacts') values['lifecyclestage'] ||= 'lead'
    this.requireProperties(values)
    this.requireUnique(values, null)
    const id = this.state.nextId()
    this.claim(values, id)
    const record = createdRecord(id, this.atMs, this.source, values)
    const { atMs, source } = this
    return {
      changes: [
        { do: 'create', type: type.name, id, atMs, source, values: record.values },
        ...listOf(associations).flatMap((each) => this.associate(id, objectOf(each))),
      ],
      record,
      isNew: true,
    }
  }

  /** @throws RowRefusal when the values are refused. */
  update(current: CrmRecord, sent: JsonObject): PlannedRow {
    const { type } = this.table
    const values = acceptValues(this.state, type.name, sent, current.values, this.rights)
    this.requireUnique(values, current.id)
    this.claim(values, current.id)
    const { atMs, source } = this
    return {
      changes: [{ do: 'update', type: type.name, id: current.id, atMs, source, values }],
      record: updatedRecord(current, atMs, source, values),
      isNew: false,
    }
  }

  /** HubSpot docs: required properties. */
  private requireProperties(values: Values): void {
    const missing = this.table.type.required.filter(
      (anyOf) => !anyOf.some((name) => (values[name] ?? '') !== ''),
    )
    if (missing.length === 0) return
    const kind = this.table.type.singular.toUpperCase()
    throw new RowRefusal(400, {
      category: 'VALIDATION_ERROR',
      message: `Error creating ${kind}. Some required properties were not set.`,
      context: { properties: missing.flat() },
    })
  }

  private requireUnique(values: Values, ownId: number | null): void {
    for (const property of this.table.uniqueProperties()) {
      const value = values[property]
      if (value === undefined || value === '') continue
      const holder = this.table.findBy(property, value)?.id
      const claimed = this.claims.get(`${property} ${value}`)
      const existing = holder === undefined ? claimed : String(holder)
      if (existing === undefined || existing === String(ownId)) continue
      throw property === 'email'
        ? new RowRefusal(409, {
            category: 'CONFLICT',
            message: `Contact already exists. Existing ID: ${existing}`,
            context: { existingId: [existing] },
          })
        : new RowRefusal(400, {
            category: 'VALIDATION_ERROR',
            message: `Cannot set ${property} to ${value}. ${existing} already has that value.`,
            context: { propertyName: [property], existingId: [existing] },
          })
    }
  }

  private claim(values: Values, id: number): void {
    for (const property of this.table.uniqueProperties()) {
      const value = values[property]
      if (value !== undefined && value !== '') {
        this.claims.set(`${property} ${value}`, String(id))
      }
    }
  }

  /** HubSpot docs: associations in a create request. */
  private associate(fromId: number, sent: JsonObject): Change[] {
    const from = this.table.type.name
    const sentId = textOf(objectOf(sent['to'])['id']) ?? ''
    return listOf(sent['types']).map((spec) => {
      const typeId = numberOf(objectOf(spec)['associationTypeId']) ?? 0
      const to = this.state.linkTypes.toType(from, typeId)
      const toId = to && this.state.table(to).find(sentId)?.id
      if (!to || !toId) {
        throw new RowRefusal(400, {
          category: 'VALIDATION_ERROR',
          message: `The association to object ${sentId} with type ${typeId} is not valid.`,
          context: { id: [sentId] },
        })
      }
      const typeIds = this.state.linkTypes.withImplied(from, to, typeId)
      return { do: 'link', from, to, fromId, toId, typeIds }
    })
  }
}
