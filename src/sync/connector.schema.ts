import { z } from 'zod'

const SettingView = z.object({
  name: z.string(),
  description: z.string().nullable(),
  kind: z.enum(['text', 'number', 'boolean']),
  isSecret: z.boolean().meta({ description: 'It is sealed and never shown again' }),
  isRequired: z.boolean(),
  default: z.union([z.string(), z.number(), z.boolean()]).nullable(),
})
export type SettingView = z.infer<typeof SettingView>

/** A system that can be connected, and what it takes to do so. */
export const ConnectorView = z.object({
  vendor: z.string(),
  label: z.string(),
  logins: z.array(z.object({ label: z.string(), fields: z.array(z.string()) })).meta({
    description: 'The ways to sign in, the usual one first; fields are names of settings',
  }),
  settings: z.array(SettingView),
  tellsChanges: z
    .boolean()
    .meta({ description: 'Whether it can tell of changes by webhooks; else it is asked' }),
})
