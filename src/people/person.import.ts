import { attributeFields, consentsOf, names, namesOf, personFields, pick } from '#imports/names.ts'
import type { ImportTarget, MappedRow, TargetContext } from '#imports/target.ts'
import { identifyPerson } from './person.operations.ts'

/** People from a file: who they are, without a touch. */
export const personImport: ImportTarget = {
  name: 'people',
  label: 'People',
  operation: identifyPerson,
  maxCustom: 50,
  requiresOneOf: ['email', 'externalId', 'userId'],
  fields: [...personFields, ...attributeFields],
  toInput,
}

const PLAIN = names(
  'email, externalId, userId, firstName, lastName, phone, jobTitle, company, country',
)

function toInput({ values, custom }: MappedRow, { source }: TargetContext) {
  const consents = consentsOf(values)
  return {
    source,
    ...namesOf(values['fullName']),
    ...pick(values, PLAIN),
    ...(consents.length > 0 && { consents }),
    ...(Object.keys(custom).length > 0 && { traits: custom }),
  }
}
