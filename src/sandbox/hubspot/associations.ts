import type { ObjectTypeName } from './object-types.ts'

/** One direction of an association type. HubSpot docs: associations v4, association type ids. */
export interface AssociationType {
  from: ObjectTypeName
  to: ObjectTypeName
  typeId: number
  inverseTypeId: number
  category: 'HUBSPOT_DEFINED' | 'USER_DEFINED'
  /** Null for the unlabelled (default) type. */
  label: string | null
  /** The name in inline associations, e.g. `contact_to_company_unlabeled`. */
  name: string
}

/** from, to, type id, inverse type id, label. The unlabelled type comes first within a pair. */
const DEFINED: readonly (readonly [
  ObjectTypeName,
  ObjectTypeName,
  number,
  number,
  string | null,
  string,
  string,
])[] = [
  [
    'contacts',
    'companies',
    279,
    280,
    null,
    'contact_to_company_unlabeled',
    'company_to_contact_unlabeled',
  ],
  ['contacts', 'companies', 1, 2, 'Primary', 'contact_to_company', 'company_to_contact'],
  ['deals', 'contacts', 3, 4, null, 'deal_to_contact', 'contact_to_deal'],
  ['deals', 'companies', 341, 342, null, 'deal_to_company_unlabeled', 'company_to_deal_unlabeled'],
  ['deals', 'companies', 5, 6, 'Primary', 'deal_to_company', 'company_to_deal'],
  ['contacts', 'tickets', 15, 16, null, 'contact_to_ticket', 'ticket_to_contact'],
  [
    'tickets',
    'companies',
    339,
    340,
    null,
    'ticket_to_company_unlabeled',
    'company_to_ticket_unlabeled',
  ],
  ['tickets', 'companies', 26, 25, 'Primary', 'ticket_to_company', 'company_to_ticket'],
  ['leads', 'contacts', 578, 579, null, 'lead_to_contact', 'contact_to_lead'],
  ['leads', 'companies', 610, 611, null, 'lead_to_company', 'company_to_lead'],
]

/** The association types of an account, both directions of each. */
export class AssociationTypes {
  private types: AssociationType[] = []

  constructor() {
    for (const [from, to, typeId, inverseTypeId, label, name, inverseName] of DEFINED) {
      const category = 'HUBSPOT_DEFINED'
      this.add(
        { from, to, typeId, inverseTypeId, category, label, name },
        {
          from: to,
          to: from,
          typeId: inverseTypeId,
          inverseTypeId: typeId,
          category,
          label,
          name: inverseName,
        },
      )
    }
  }

  add(type: AssociationType, inverse: AssociationType): void {
    this.types.push(type, inverse)
  }

  remove(typeId: number): void {
    this.types = this.types.filter(
      (type) => type.typeId !== typeId && type.inverseTypeId !== typeId,
    )
  }

  relabel(typeId: number, label: string): void {
    this.types = this.types.map((type) => (type.typeId === typeId ? { ...type, label } : type))
  }

  between(from: ObjectTypeName, to: ObjectTypeName): AssociationType[] {
    return this.types.filter((type) => type.from === from && type.to === to)
  }

  find(from: ObjectTypeName, to: ObjectTypeName, typeId: number): AssociationType | null {
    return this.between(from, to).find((type) => type.typeId === typeId) ?? null
  }

  /** The unlabelled type of a pair; null when the pair cannot be associated. */
  unlabelled(from: ObjectTypeName, to: ObjectTypeName): AssociationType | null {
    return this.between(from, to).find((type) => type.label === null) ?? null
  }

  primary(from: ObjectTypeName, to: ObjectTypeName): AssociationType | null {
    const types = this.between(from, to)
    return (
      types.find((type) => type.label === 'Primary' && type.category !== 'USER_DEFINED') ?? null
    )
  }

  /** The object type at the other end of an association type; null when there is no such type. */
  toType(from: ObjectTypeName, typeId: number): ObjectTypeName | null {
    return this.types.find((type) => type.from === from && type.typeId === typeId)?.to ?? null
  }

  /** A labelled association holds as an unlabelled one too. HubSpot docs: association labels. */
  withImplied(from: ObjectTypeName, to: ObjectTypeName, typeId: number): number[] {
    const plain = this.unlabelled(from, to)?.typeId
    return plain === undefined || plain === typeId ? [typeId] : [typeId, plain]
  }

  nextUserTypeId(): number {
    return this.types.reduce((highest, type) => Math.max(highest, type.typeId), 1000) + 1
  }
}

/** Which records are associated, by pair of object types and both ways. */
export class AssociationStore {
  private pairs = new Map<string, Map<number, Map<number, number[]>>>()

  /** The record's associations: to-record id → type ids. */
  of(from: ObjectTypeName, to: ObjectTypeName, id: number): ReadonlyMap<number, number[]> {
    return this.pairs.get(`${from}>${to}`)?.get(id) ?? NONE
  }

  link(type: AssociationType, fromId: number, toId: number): void {
    this.add(type.from, type.to, fromId, toId, type.typeId)
    this.add(type.to, type.from, toId, fromId, type.inverseTypeId)
  }

  /** Takes away one type of association; the record pair is apart when none is left. */
  unlink(type: AssociationType, fromId: number, toId: number): void {
    this.take(type.from, type.to, fromId, toId, type.typeId)
    this.take(type.to, type.from, toId, fromId, type.inverseTypeId)
  }

  /** Moves all associations of one record with `to` to another record (a merge). */
  move(from: ObjectTypeName, to: ObjectTypeName, oldId: number, newId: number): void {
    for (const [toId, typeIds] of this.of(from, to, oldId)) {
      for (const typeId of typeIds) this.add(from, to, newId, toId, typeId)
      const back = this.pairs.get(`${to}>${from}`)?.get(toId)
      for (const typeId of back?.get(oldId) ?? []) this.add(to, from, toId, newId, typeId)
    }
    this.forget(from, to, oldId)
  }

  /** Removes all associations of one record with `to`. */
  forget(from: ObjectTypeName, to: ObjectTypeName, id: number): void {
    for (const toId of this.of(from, to, id).keys()) {
      this.pairs.get(`${to}>${from}`)?.get(toId)?.delete(id)
    }
    this.pairs.get(`${from}>${to}`)?.delete(id)
  }

  private add(
    from: ObjectTypeName,
    to: ObjectTypeName,
    fromId: number,
    toId: number,
    typeId: number,
  ): void {
    const key = `${from}>${to}`
    const pair = this.pairs.get(key) ?? new Map<number, Map<number, number[]>>()
    this.pairs.set(key, pair)
    const links = pair.get(fromId) ?? new Map<number, number[]>()
    pair.set(fromId, links)
    const typeIds = links.get(toId)
    if (!typeIds) links.set(toId, [typeId])
    else if (!typeIds.includes(typeId)) typeIds.push(typeId)
  }

  private take(
    from: ObjectTypeName,
    to: ObjectTypeName,
    fromId: number,
    toId: number,
    typeId: number,
  ): void {
    const links = this.pairs.get(`${from}>${to}`)?.get(fromId)
    const left = links?.get(toId)?.filter((each) => each !== typeId) ?? []
    if (left.length > 0) links?.set(toId, left)
    else links?.delete(toId)
  }
}

const NONE: ReadonlyMap<number, number[]> = new Map()
