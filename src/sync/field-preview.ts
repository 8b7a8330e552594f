import type { z } from 'zod'
import { defineOperation } from '#gateway/operation.ts'
import type { Transaction } from '#store/store.ts'
import { sampleLinked } from './backfill.store.ts'
import type { MergeBase } from './base.ts'
import type { Candidate, EntityRecord } from './entity.ts'
import { mapCandidate } from './field-rules.ts'
import { assertMappable } from './field-view.ts'
import { MappingPreview, PreviewRequest } from './field.schema.ts'
import { decideField, type Verdict } from './merge.ts'
import { sidesOf } from './merge-record.ts'
import type { Connectors } from './open-session.ts'
import { withStream, type Entities, type OpenedStream } from './open-stream.ts'
import { resolve, type LinkIds } from './passage.ts'
import { findReferenced } from './reference.store.ts'

/** Read in one call, whatever the vendor. */
const RECORDS = 10

type Previewed = z.output<typeof MappingPreview>['records'][number]

/** Some records of both sides beside each other, as the mappings have them or would have them. */
export const previewMapping = (connectors: Connectors, entities: Entities) =>
  defineOperation({
    id: 'previewFieldMapping',
    method: 'POST',
    path: '/api/v1/connections/{connectionId}/streams/{stream}/preview',
    scope: 'conflicts:read',
    tag: 'Field mapping',
    summary: 'See up to ten records under a mapping, before it is kept',
    description:
      'Linked records chosen evenly, read from the CRM at this moment: it costs a call or two. Nothing is written. With a rule, that field alone; without, every mapped field, as samples.',
    status: 200,
    input: PreviewRequest,
    output: MappingPreview,
    async perform({ rule, ...ref }, { tx, now }) {
      const opened = await withStream(connectors, entities, tx, ref, now, async (one) => one)
      if (rule) assertMappable(opened.entity, rule.field, rule)
      const others = opened.stored.filter((one) => one.field !== rule?.field)
      const entity = opened.entity.name
      const drafted = rule ? [...others, { ...rule, entity, updatedAt: now, version: 0 }] : others
      const records = await withStream(
        connectors,
        entities,
        tx,
        ref,
        now,
        (tried, _session, signal) => read(tx, ref.connectionId, tried, rule?.field ?? null, signal),
        drafted,
      )
      return { records }
    },
  })

async function read(
  tx: Transaction,
  connectionId: string,
  opened: OpenedStream,
  only: string | null,
  signal: AbortSignal,
): Promise<Previewed[]> {
  const { stream, entity, rules } = opened
  const sample = await sampleLinked(tx, { connectionId, entity: entity.name }, RECORDS)
  if (!stream.fetch || !entity.load || sample.length === 0) return []
  const fetched = await stream.fetch(
    sample.map(({ externalId }) => externalId),
    signal,
  )
  const there = fetched
    .filter(({ deleted }) => !deleted)
    .map((one) => mapCandidate(one, rules.mappings))
  const candidates = new Map(there.map((one) => [one.externalId, one]))
  const ids = sample.map(({ localId }) => localId)
  const records = new Map((await entity.load(tx, ids)).map((one) => [one.localId, one]))
  const links = await findReferenced(tx, connectionId, there)
  return sample.flatMap(({ localId, externalId, base }) => {
    const candidate = candidates.get(externalId)
    const record = records.get(localId)
    if (!candidate || !record) return []
    const fields = fieldsOf(opened, only, { candidate, record, base, links })
    return [{ localId, externalId, fields }]
  })
}

const outcomes: Readonly<Record<Verdict, Previewed['fields'][number]['outcome']>> = {
  same: 'same',
  agree: 'same',
  take: 'crm',
  send: 'hub',
  ask: 'ask',
}

/** What the next run would make of each field. Pure. */
function fieldsOf(
  { stream, rules }: OpenedStream,
  only: string | null,
  seen: {
    candidate: Candidate
    record: EntityRecord
    base: MergeBase | null
    links: LinkIds
  },
): Previewed['fields'] {
  const { candidate, record, base, links } = seen
  const references = resolve(candidate, links)
  const input = { rules, candidate, references, record, base, told: {} }
  const own = new Map(rules.mappings.map(({ field, property }) => [field, [property]]))
  const linked = new Map((stream.fields ?? []).map((link) => [link.field, link.properties]))
  return [...rules.fields.values()].flatMap((field) => {
    const properties = own.get(field.name) ?? linked.get(field.name)
    if (!properties || (only !== null && field.name !== only)) return []
    const sides = sidesOf(input, field)
    if (!sides) return []
    const [property] = properties
    const isOne = properties.length === 1 && property !== undefined
    return [
      {
        field: field.name,
        hub: sides.ours,
        crm: sides.theirs ?? null,
        raw: (isOne ? candidate.raw?.[property] : null) ?? null,
        outcome: outcomes[decideField(field, sides).verdict],
      },
    ]
  })
}
