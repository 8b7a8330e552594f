import { z } from 'zod'
import { defineOperation, type Operation } from '#gateway/operation.ts'
import { ConnectorView, type SettingView } from './connector.schema.ts'
import type { Connectors } from './open-session.ts'

/** What there is to connect: from this the form is made. */
export function listConnectors(connectors: Connectors): Operation {
  return defineOperation({
    id: 'listConnectors',
    method: 'GET',
    path: '/api/v1/connectors',
    scope: 'connections:read',
    tag: 'Connections',
    summary: 'List the systems that can be connected, and what each takes',
    input: z.object({}),
    output: z.object({ data: z.array(ConnectorView), nextCursor: z.null() }),
    async perform() {
      const data = [...connectors.values()].map(({ vendor, label, logins, settings, hooks }) => ({
        vendor,
        label,
        logins: logins.map((login) => ({ label: login.label, fields: [...login.fields] })),
        settings: settingsOf(settings),
        tellsChanges: hooks !== undefined,
      }))
      return { data, nextCursor: null }
    },
  })
}

const Described = z.object({
  properties: z.record(
    z.string(),
    z.looseObject({
      description: z.string().optional(),
      type: z.string().optional(),
      anyOf: z.array(z.looseObject({ type: z.string().optional() })).optional(),
      default: z.union([z.string(), z.number(), z.boolean()]).optional(),
      secret: z.boolean().optional(),
      kept: z.boolean().optional(),
    }),
  ),
  required: z.array(z.string()).default([]),
})

/** The settings of a connector as a form needs them; what it keeps for itself is nobody's to set. */
export function settingsOf(schema: z.ZodType): SettingView[] {
  const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  const { properties, required } = Described.parse(json)
  return Object.entries(properties)
    .filter(([, setting]) => setting.kept !== true)
    .map(([name, setting]) => ({
      name,
      description: setting.description ?? null,
      kind: kindOf(setting),
      isSecret: setting.secret === true,
      isRequired: required.includes(name),
      default: setting.default ?? null,
    }))
}

/** A setting that the command line gives as text is still a number where its default is one. */
function kindOf({
  type,
  anyOf = [],
  default: usual,
}: z.output<typeof Described>['properties'][string]): SettingView['kind'] {
  const types = [type, ...anyOf.map((one) => one.type)]
  if (types.includes('boolean') || typeof usual === 'boolean') return 'boolean'
  const isNumber = types.includes('number') || types.includes('integer')
  return isNumber || typeof usual === 'number' ? 'number' : 'text'
}
