import { z } from 'zod'

export const RoleName = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{1,39}$/, 'Begin with a letter; then letters, figures, - and _.')

export const Role = z.object({
  name: z.string().max(40),
  label: z.string().min(1).max(100),
  scopes: z.array(z.string().max(60)).max(100),
  builtIn: z.boolean(),
})
export type Role = z.infer<typeof Role>

export const SaveRole = z.object({
  name: RoleName,
  label: Role.shape.label,
  scopes: Role.shape.scopes,
})
export const RoleRef = z.object({ name: RoleName })

/** What a scope lets its bearer do, and in which domain of the tree it stands. */
export const ScopeInfo = z.object({ name: z.string(), about: z.string(), domain: z.string() })
export type ScopeInfo = z.infer<typeof ScopeInfo>
export const ScopeList = z.object({ data: z.array(ScopeInfo) })
