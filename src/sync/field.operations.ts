import { Problem } from '#core/problem.ts'
import { DAY_MS } from '#core/time.ts'
import { defineOperation, type Operation } from '#gateway/operation.ts'
import type { Transaction } from '#store/store.ts'
import { findConnection, readSettings } from './connection.store.ts'
import type { FieldLink, Session, Stream } from './connector.ts'
import type { Entity, FieldPolicy } from './entity.ts'
import { deleteRule, listRules, saveRule, type FieldRuleRow } from './field-rule.store.ts'
import { rulesOf, type StreamRules } from './field-rules.ts'
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
import { connectorOf, withSession, type Connectors } from './open-session.ts'
import { rehearsePolicy } from './rehearse.ts'

type Entities = ReadonlyMap<string, Entity>

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
  ]
}

/** A stream of a connection with its entity and the workspace's rules. */
export interface OpenedStream {
  stream: Stream
  entity: Entity
  rules: StreamRules
  stored: FieldRuleRow[]
}

/** @throws Problem `resource.not_found` for unknown connections and streams, and those that are not merged. */
export async function withStream<T>(
  connectors: Connectors,
  entities: Entities,
  tx: Transaction,
  { connectionId, stream: name }: { connectionId: string; stream: string },
  now: Date,
  work: (opened: OpenedStream, session: Session, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const row = await findConnection(tx, connectionId)
  const settings = row && (await readSettings(tx, connectionId))
  if (!row || !settings) {
    throw new Problem('resource.not_found', 'There is no connection with this id.')
  }
  const stored = await listRules(tx, connectionId)
  const connector = connectorOf(connectors, row.vendor)
  return withSession(connector, connectionId, settings, now, async (session, signal) => {
    const stream = session.streams.find((one) => one.name === name)
    const entity = stream && entities.get(stream.entity)
    const rules = stream && entity ? rulesOf(entity, stream, stored) : null
    if (!stream || !entity || !rules) {
      const detail = `The connection has no stream ${name} whose fields can be mapped.`
      throw new Problem('resource.not_found', detail)
    }
    const own = stored.filter((rule) => rule.entity === entity.name)
    return work({ stream, entity, rules, stored: own }, session, signal)
  })
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

const policyTexts: Readonly<Record<FieldPolicy, string>> = {
  prefer_hub: 'When both sides changed it, the hub’s value wins.',
  prefer_crm: 'When both sides changed it, the CRM’s value wins.',
  prefer_crm_unless_blank:
    'When both sides changed it, the CRM’s value wins, but a blank there never empties the field here.',
  latest: 'When both sides changed it, whoever changed it last wins.',
  ask: 'When both sides changed it, a person decides in the conflict inbox.',
  off: 'The field is not synced.',
}

function mappingsView({ stream, entity, rules, stored }: OpenedStream): FieldMappingView[] {
  const linkOf = new Map((stream.fields ?? []).map((link) => [link.field, link]))
  const ruleOf = new Map(stored.map((rule) => [rule.field, rule]))
  const shapeOf = new Map((entity.fields ?? []).map((field) => [field.name, field]))
  return [...rules.fields.values()]
    .filter((field) => linkOf.has(field.name) || ruleOf.has(field.name))
    .map((field) => {
      const rule = ruleOf.get(field.name)
      const shape = shapeOf.get(field.name)
      // A critical field is never overwritten without a person when both sides changed it, whatever is set.
      const policy = field.critical && field.policy !== 'off' ? 'ask' : field.policy
      return {
        field: field.name,
        label: shape?.label ?? field.name,
        properties: rule?.property ? [rule.property] : propertiesOf(linkOf.get(field.name)),
        direction: field.direction,
        policy,
        policyText: policyTexts[policy],
        isCritical: field.critical,
        isComputed: shape?.computed ?? false,
        isCustom: shape === undefined,
        transform: transformView(rule),
        version: rule?.version ?? 0,
      }
    })
}

function propertiesOf(link: FieldLink | undefined): string[] {
  return [...(link?.properties ?? [])]
}

function transformView(rule: FieldRuleRow | undefined): FieldMappingView['transform'] {
  const { transform } = FieldMappingView.pick({ transform: true }).parse({
    transform: rule?.transform ?? { kind: 'none' },
  })
  return transform
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
      const view = async (opened: OpenedStream) => mappingsView(opened)
      const data = await withStream(connectors, entities, tx, input, now, view)
      return { data, nextCursor: null }
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
        const shape = entity.fields?.find((one) => one.name === field)
        refuse(field, rule, shape !== undefined, shape?.computed ?? false)
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

/** @throws Problem `request.invalid` for mappings that cannot work. */
function refuse(
  field: string,
  { property, direction }: { property: string | null; direction: string | null },
  isKnown: boolean,
  isComputed: boolean,
): void {
  const say = (pointer: string, detail: string) => {
    throw new Problem('request.invalid', detail, { errors: [{ pointer, detail }] })
  }
  if (!isKnown && !/^custom\.[\w-]{1,100}$/.test(field)) {
    say('/field', 'The hub has no such field: name one of its own, or custom.<key>.')
  }
  if (!isKnown && property === null) {
    say('/property', 'Name the property of the CRM that holds the custom field.')
  }
  if (isComputed && direction !== null && direction !== 'push') {
    say('/direction', 'The hub computes this field: it can only be sent.')
  }
}

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
        const data = rules ? mappingsView({ ...opened, rules, stored }) : []
        return { data, nextCursor: null }
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
