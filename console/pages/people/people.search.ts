import { z } from 'zod'

const PersonId = z
  .string()
  .regex(/^per_[0-9a-z]{1,60}$/i)
  .optional()
  .catch(undefined)

/** The e-mail that is looked for is not in it: addresses of pages are shared and kept in histories. */
export const PeopleSearch = z.object({
  identified: z.enum(['true', 'false']).optional().catch(undefined),
})
export type PeopleSearch = z.infer<typeof PeopleSearch>

export const PersonSearch = z.object({
  history: z.enum(['touches', 'leads', 'deals']).optional().catch(undefined),
})
export type PersonSearch = z.infer<typeof PersonSearch>

/** `one` and `other` name the pair in the drawer: `one` is who stays. */
export const DuplicatesSearch = z.object({
  view: z.enum(['pairs', 'conflicts', 'apart', 'log']).optional().catch(undefined),
  least: z.enum(['0.5', '0.7', '0.9']).optional().catch(undefined),
  conflicts: z.enum(['open', 'merged', 'kept_apart']).optional().catch(undefined),
  merges: z.enum(['merged', 'undone']).optional().catch(undefined),
  one: PersonId,
  other: PersonId,
})
export type DuplicatesSearch = z.infer<typeof DuplicatesSearch>
