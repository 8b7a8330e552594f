import type { FieldChange } from './merge-record.ts'

const ENTITIES: Readonly<Record<string, readonly string[]>> = {
  lead: ['lead', 'contact'],
  opp: ['opportunity'],
  acc: ['account'],
  act: ['activity'],
  own: ['owner'],
  pip: ['pipeline'],
  stg: ['stage'],
  cmp: ['campaign'],
}

/** The entities by which a record goes in connected systems; none where it is not synced. */
export function entitiesOf(record: string): readonly string[] {
  return ENTITIES[record.slice(0, record.indexOf('_'))] ?? []
}

/** The value came in; otherwise it went out, or gave way. */
export function broughtBy({ verdict }: Pick<FieldChange, 'verdict'>): boolean {
  return verdict === 'take' || verdict === 'chosen' || verdict === 'undone'
}
