import type { z } from 'zod'
import { Problem } from '#core/problem.ts'
import type { FieldLink } from './connector.ts'
import type { Entity, FieldPolicy } from './entity.ts'
import type { FieldRuleRow } from './field-rule.store.ts'
import { FieldMappingView, type FieldMappings } from './field.schema.ts'
import type { OpenedStream } from './open-stream.ts'

const policyTexts: Readonly<Record<FieldPolicy, string>> = {
  prefer_hub: 'When both sides changed it, the hub’s value wins.',
  prefer_crm: 'When both sides changed it, the CRM’s value wins.',
  prefer_crm_unless_blank:
    'When both sides changed it, the CRM’s value wins, but a blank there never empties the field here.',
  latest: 'When both sides changed it, whoever changed it last wins.',
  ask: 'When both sides changed it, a person decides in the conflict inbox.',
  off: 'The field is not synced.',
}

export function mappingsView({ stream, entity, rules, stored }: OpenedStream): FieldMappingView[] {
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
        type: shape?.type ?? 'text',
        properties: rule?.property ? [rule.property] : propertiesOf(linkOf.get(field.name)),
        property: rule?.property ?? null,
        ownProperties: propertiesOf(linkOf.get(field.name)),
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

/** The mapped fields, and those of the hub that could be. */
export function listView(opened: OpenedStream): z.output<typeof FieldMappings> {
  const data = mappingsView(opened)
  const mapped = new Set(data.map(({ field }) => field))
  const unmapped = (opened.entity.fields ?? [])
    // Records that others name are the connector's own to translate.
    .filter(({ name, type }) => !mapped.has(name) && type !== 'reference')
    .map(({ name, label, type, computed = false }) => ({
      field: name,
      label,
      type,
      isComputed: computed,
    }))
  return { data, unmapped, nextCursor: null }
}

/** @throws Problem `request.invalid` for mappings that cannot work. */
export function assertMappable(
  entity: Entity,
  field: string,
  { property, direction }: { property: string | null; direction: string | null },
): void {
  const shape = entity.fields?.find((one) => one.name === field)
  const say = (pointer: string, detail: string) => {
    throw new Problem('request.invalid', detail, { errors: [{ pointer, detail }] })
  }
  if (!shape && !/^custom\.[\w-]{1,100}$/.test(field)) {
    say('/field', 'The hub has no such field: name one of its own, or custom.<key>.')
  }
  if (!shape && property === null) {
    say('/property', 'Name the property of the CRM that holds the custom field.')
  }
  if (shape?.computed && direction !== null && direction !== 'push') {
    say('/direction', 'The hub computes this field: it can only be sent.')
  }
}
