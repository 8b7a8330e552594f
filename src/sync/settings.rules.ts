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

/**
 * Settings for showing, and for signing: of a secret only whether it is set. Unknown fields are left out, since they might be
 * secret, and what a connector keeps for itself (`meta({ kept: true })`), since nobody set it.
 */
export function hideSecrets(
  schema: z.ZodType,
  settings: Record<string, unknown>,
): Record<string, unknown> {
  const shape = schema instanceof z.ZodObject ? schema.shape : {}
  const shown: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(shape)) {
    const meta = field instanceof z.ZodType ? field.meta() : undefined
    if (meta?.['kept'] === true) continue
    const isSecret = meta?.['secret'] === true
    if (settings[name] !== undefined) shown[name] = isSecret ? true : settings[name]
  }
  return shown
}

/** Whether some of the settings given are secrets: those are credentials anew. */
export function holdsSecret(schema: z.ZodType, given: Record<string, unknown>): boolean {
  const shown = hideSecrets(schema, given)
  return Object.keys(given).some((name) => shown[name] === true && given[name] !== true)
}
