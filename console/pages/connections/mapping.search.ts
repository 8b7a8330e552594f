import { z } from 'zod'

const Text = z.string().min(1).max(200).optional().catch(undefined)

/** Which field is open: by the hub's name, or by the CRM's. */
export const MappingSearch = z.object({ field: Text, property: Text })
export type MappingSearch = z.infer<typeof MappingSearch>
