import { z } from 'zod'
import { Problem } from '#core/problem.ts'
import type { Connector } from './connector.ts'

/** Settings with the connector's defaults filled in. @throws Problem `request.invalid` that names each fault. */
export function parseSettings(
  connector: Connector,
  given: Record<string, unknown>,
): Record<string, unknown> {
  const parsed = z
    .record(z.string(), z.unknown())
    .safeParse(connector.settings.safeParse(given).data)
  if (parsed.success) return parsed.data
  const issues = connector.settings.safeParse(given).error?.issues ?? []
  throw new Problem('request.invalid', `The settings do not fit ${connector.label}.`, {
    errors: issues.slice(0, 20).map((issue) => ({
      pointer: `/settings/${issue.path.join('/')}`,
      detail: issue.message,
    })),
  })
}

/** Settings for showing: of a secret only whether it is set. Unknown fields are left out, since they might be secret. */
export function hideSecrets(
  schema: z.ZodType,
  settings: Record<string, unknown>,
): Record<string, unknown> {
  const shape = schema instanceof z.ZodObject ? schema.shape : {}
  const shown: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(shape)) {
    const isSecret = field instanceof z.ZodType && field.meta()?.['secret'] === true
    if (settings[name] !== undefined) shown[name] = isSecret ? true : settings[name]
  }
  return shown
}
