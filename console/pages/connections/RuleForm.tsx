import { Select, TextInput } from '@mantine/core'
import { formatWord } from '#console/format.ts'
import type {
  Draft,
  Mapping,
  Mappings,
  VendorField,
} from '#console/pages/connections/mapping.queries.ts'
import { TransformInput } from '#console/pages/connections/TransformInput.tsx'
import { policyOptions } from '#console/pages/conflicts/policy-words.ts'
import text from '#console/ui/Text.module.css'

const OWN = ''
const CUSTOM = 'custom.'

/** What is what, which way it goes, who wins, and how the value changes on its way. */
export function RuleForm({
  name,
  mapping,
  mappings,
  vendorFields,
  draft,
  onChange,
}: {
  name: string
  mapping: Mapping | null
  mappings: Mappings
  vendorFields: readonly VendorField[]
  draft: Draft
  onChange: (draft: Draft) => void
}) {
  const change = (fields: Partial<Draft>) => onChange({ ...draft, ...fields })
  const property = vendorFields.find((one) => one.name === draft.property) ?? null
  const hubField = mappings.unmapped.find((one) => one.field === draft.field)
  const isComputed = mapping?.isComputed ?? hubField?.isComputed ?? false
  const isReadOnly = property !== null && !property.writable
  const hasOwn = mapping !== null && mapping.ownProperties.length > 0
  const isCustom = draft.field.startsWith(CUSTOM)
  return (
    <>
      {mapping === null && (
        <HubField draft={draft} mappings={mappings} isCustom={isCustom} onChange={change} />
      )}
      <Select
        label={`Field of ${name}`}
        description={
          property === null
            ? (mapping?.ownProperties.join(', ') ?? 'Choose one')
            : `${formatWord(property.type)}${isReadOnly ? ', read only there' : ''}`
        }
        searchable
        limit={50}
        data={[
          ...(hasOwn ? [{ value: OWN, label: 'As the connector brings it' }] : []),
          ...vendorFields.map((one) => ({ value: one.name, label: `${one.label} (${one.name})` })),
        ]}
        value={draft.property ?? OWN}
        allowDeselect={false}
        onChange={(value) => {
          const chosen = vendorFields.find((one) => one.name === value)
          const direction = chosen && !chosen.writable ? 'pull' : draft.direction
          change({ property: chosen?.name ?? null, direction })
        }}
      />
      <Select
        label="Direction"
        description={isComputed ? 'The hub computes it: it is only sent.' : undefined}
        data={[
          { value: 'both', label: 'Both ways', disabled: isComputed || isReadOnly },
          { value: 'pull', label: `In: from ${name} to the hub`, disabled: isComputed },
          { value: 'push', label: `Out: from the hub to ${name}`, disabled: isReadOnly },
        ]}
        value={draft.direction}
        allowDeselect={false}
        onChange={(value) => change({ direction: value ?? draft.direction })}
      />
      <Select
        label="When both sides changed it"
        description={
          mapping?.isCritical
            ? 'A critical field: a person decides, whatever is set, unless it is not synced.'
            : 'A change on one side alone always passes.'
        }
        data={policyOptions}
        value={draft.policy}
        allowDeselect={false}
        onChange={(value) => change({ policy: value ?? draft.policy })}
      />
      {draft.property !== null && (
        <TransformInput
          transform={draft.transform}
          options={property?.options ?? null}
          onChange={(transform) => change({ transform })}
        />
      )}
      {property?.options && draft.transform.kind !== 'map' && (
        <p className={text.soft}>
          {name} takes one of {property.options.length} values:{' '}
          {property.options
            .slice(0, 8)
            .map(({ value }) => value)
            .join(', ')}
          {property.options.length > 8 ? ' …' : ''}.
        </p>
      )}
    </>
  )
}

function HubField({
  draft,
  mappings,
  isCustom,
  onChange,
}: {
  draft: Draft
  mappings: Mappings
  isCustom: boolean
  onChange: (fields: Partial<Draft>) => void
}) {
  return (
    <>
      <Select
        label="Field of the hub"
        data={[
          { value: CUSTOM, label: 'A custom field' },
          ...mappings.unmapped.map(({ field, label }) => ({ value: field, label })),
        ]}
        value={isCustom ? CUSTOM : draft.field}
        allowDeselect={false}
        onChange={(value) => {
          const known = mappings.unmapped.find(({ field }) => field === value)
          if (known)
            onChange({ field: known.field, ...(known.isComputed ? { direction: 'push' } : {}) })
          else onChange({ field: `${CUSTOM}${draft.property ?? ''}` })
        }}
      />
      {isCustom && (
        <TextInput
          label="Key of the custom field"
          description="Letters, digits, - and _; as custom.<key> in the API"
          required
          maxLength={100}
          value={draft.field.slice(CUSTOM.length)}
          onChange={(event) => onChange({ field: `${CUSTOM}${event.currentTarget.value}` })}
        />
      )}
    </>
  )
}
