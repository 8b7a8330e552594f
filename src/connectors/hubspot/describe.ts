import type { VendorField } from '#sync/connector.ts'
import type { HubspotDefinition } from './answers.ts'

/** HubSpot's property definition in the engine's words. HubSpot docs: properties, types and field types. */
export function fieldOfDefinition(definition: HubspotDefinition): VendorField {
  const { name, label, options, hasUniqueValue, hubspotDefined, calculated } = definition
  const isChoice = definition.type === 'enumeration' && !definition.externalOptions
  return {
    name,
    label: label ?? name,
    type: typeOf(definition),
    options: isChoice
      ? options.map((option) => ({ value: option.value, label: option.label ?? option.value }))
      : null,
    writable: !calculated && definition.modificationMetadata?.readOnlyValue !== true,
    unique: hasUniqueValue,
    // HubSpot enforces required properties in its forms only, not in its API.
    required: false,
    custom: !hubspotDefined,
    references: definition.referencedObjectType === 'OWNER' ? 'owner' : null,
  }
}

function typeOf({ type, fieldType, referencedObjectType }: HubspotDefinition): VendorField['type'] {
  if (referencedObjectType === 'OWNER') return 'reference'
  switch (type) {
    case 'number':
      return 'number'
    case 'bool':
      return 'boolean'
    case 'date':
      return 'date'
    case 'datetime':
      return 'datetime'
    case 'enumeration':
      return fieldType === 'checkbox' ? 'choices' : 'choice'
    case 'phone_number':
      return 'phone'
    case 'string':
      if (fieldType === 'textarea' || fieldType === 'html') return 'long_text'
      return fieldType === 'phonenumber' ? 'phone' : 'text'
    default:
      return 'other'
  }
}
