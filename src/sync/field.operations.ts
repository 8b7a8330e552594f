import { Problem } from '#core/problem.ts'
import { DAY_MS } from '#core/time.ts'
import { defineOperation, type Operation } from '#gateway/operation.ts'
import type { Transaction } from '#store/store.ts'
import { deleteRule, saveRule } from './field-rule.store.ts'
import { previewMapping } from './field-preview.ts'
import { rulesOf } from './field-rules.ts'
import { assertMappable, listView, mappingsView } from './field-view.ts'
import {
  FieldMappings,
  FieldMappingView,
  FieldRef,
  FieldRuleChange,
  RehearsalQuery,
  RehearsalView,
  StreamRef,
  VendorFields,
} from './field.schema.ts'
import type { Connectors } from './open-session.ts'
import { withStream, type Entities, type OpenedStream } from './open-stream.ts'
import { rehearsePolicy } from './rehearse.ts'

const TAG = 'Field mapping'
const PATH = '/api/v1/connections/{connectionId}/streams/{stream}'

/** Field mappings and policies of a connection, and what another policy would have done. */
export function fieldOperations(connectors: Connectors, entities: Entities): readonly Operation[] {
  return [
    listMappings(connectors, entities),
    listVendorFields(connectors, entities),
    changeRule(connectors, entities),
    removeRule(connectors, entities),
    rehearse(connectors, entities),
    previewMapping(connectors, entities),
  ]
}

/** How the fields of a stream are mapped; none where there is no such stream any more, or its records are not merged. */
export async function mappingsOfStream(
  connectors: Connectors,
  entities: Entities,
  tx: Transaction,
  stream: { connectionId: string; stream: string },
  now: Date,
): Promise<FieldMappingView[]> {
  const view = async (opened: OpenedStream) => mappingsView(opened)
  try {
    return await withStream(connectors, entities, tx, stream, now, view)
  } catch (thrown) {
    if (thrown instanceof Problem && thrown.code === 'resource.not_found') return []
    throw thrown
  }
}

const listMappings = (connectors: Connectors, entities: Entities) =>
  defineOperation({
    id: 'listFieldMappings',
    method: 'GET',
    path: `${PATH}/fields`,
    scope: 'connections:read',
    tag: TAG,
    summary: 'List which field goes where, which way, and who wins',
    input: StreamRef,
    output: FieldMappings,
    async perform(input, { tx, now }) {
      const view = async (opened: OpenedStream) => listView(opened)
      return withStream(connectors, entities, tx, input, now, view)
    },
  })

const listVendorFields = (connectors: Connectors, entities: Entities) =>
  defineOperation({
    id: 'listVendorFields',
    method: 'GET',
    path: `${PATH}/vendor-fields`,
    scope: 'connections:read',
    tag: TAG,
    summary: 'List the fields that the CRM has, the customer’s own among them',
    description: 'Asked of the CRM at this moment: it costs one call of the allowance.',
    input: StreamRef,
    output: VendorFields,
    async perform(input, { tx, now }) {
      return withStream(connectors, entities, tx, input, now, async (opened, _session, signal) => {
        const { stream } = opened
        const fields = (await stream.describe?.(signal)) ?? []
        const mappedTo = new Map(
          mappingsView(opened).flatMap((view) =>
            view.properties.map((property) => [property, view.field] as const),
          ),
        )
        const data = fields.map(
          ({ name, label, type, writable, unique, required, custom, options }) => ({
            name,
            label,
            type,
            writable,
            unique,
            required,
            custom,
            options: options === null ? null : [...options],
            mappedTo: mappedTo.get(name) ?? null,
          }),
        )
        return { data, nextCursor: null }
      })
    },
  })

const changeRule = (connectors: Connectors, entities: Entities) =>
  defineOperation({
    id: 'setFieldMapping',
    method: 'PUT',
    path: `${PATH}/fields/{field}`,
    scope: 'connections:write',
    tag: TAG,
    summary: 'Map a field, or say who wins',
    description:
      'A custom field of the hub is named custom.<key>. Fields that are critical go to the conflict inbox whatever policy is set, unless it is off.',
    event: 'field_mapping.changed',
    subject: (view, input) => `${input.connectionId}.${input.stream}.${view.field}`,
    version: (view) => view.version,
    input: FieldRuleChange,
    output: FieldMappingView,
    async perform({ connectionId, stream, field, ...rule }, { tx, now }) {
      return withStream(connectors, entities, tx, { connectionId, stream }, now, async (opened) => {
        const { entity } = opened
        assertMappable(entity, field, rule)
        const saved = await saveRule(tx, connectionId, { entity: entity.name, field, ...rule }, now)
        const stored = [...opened.stored.filter((one) => one.field !== field), saved]
        const rules = rulesOf(entity, opened.stream, stored)
        const view =
          rules && mappingsView({ ...opened, rules, stored }).find((one) => one.field === field)
        if (!view) throw new Error('a mapping that was written is not there')
        return view
      })
    },
  })

const removeRule = (connectors: Connectors, entities: Entities) =>
  defineOperation({
    id: 'resetFieldMapping',
    method: 'DELETE',
    path: `${PATH}/fields/{field}`,
    scope: 'connections:write',
    tag: TAG,
    summary: 'Go back to the mapping and policy that the connector brings',
    description: 'Values that came in by a mapping of the workspace stay.',
    event: 'field_mapping.changed',
    subject: (_output, input) => `${input.connectionId}.${input.stream}.${input.field}`,
    input: FieldRef,
    output: FieldMappings,
    async perform({ field, ...input }, { tx, now }) {
      return withStream(connectors, entities, tx, input, now, async (opened) => {
        const { entity, stream } = opened
        if (!(await deleteRule(tx, input.connectionId, entity.name, field))) {
          throw new Problem(
            'resource.not_found',
            'There is no rule of the workspace for this field.',
          )
        }
        const stored = opened.stored.filter((one) => one.field !== field)
        const rules = rulesOf(entity, stream, stored)
        if (!rules) throw new Error('a stream whose fields are mapped has rules')
        return listView({ ...opened, rules, stored })
      })
    },
  })

const rehearse = (connectors: Connectors, entities: Entities) =>
  defineOperation({
    id: 'rehearseFieldPolicy',
    method: 'GET',
    path: `${PATH}/fields/{field}/rehearsal`,
    scope: 'conflicts:read',
    tag: TAG,
    summary: 'See what a policy would have changed over the last quarter',
    description:
      'Decides the recorded changes of the field once more; nothing is written. Each is judged with the values that met then.',
    input: RehearsalQuery,
    output: RehearsalView,
    async perform({ connectionId, stream, field, policy, direction, days }, { tx, now }) {
      const from = new Date(now.getTime() - days * DAY_MS)
      return withStream(connectors, entities, tx, { connectionId, stream }, now, async (opened) => {
        const known = opened.rules.fields.get(field)
        if (!known) throw new Problem('resource.not_found', 'The stream has no such field.')
        const place = { connectionId, entity: opened.entity.name, field, from }
        const rule = { ...known, policy, direction: direction ?? known.direction }
        return { from, ...(await rehearsePolicy(tx, place, rule)) }
      })
    },
  })
