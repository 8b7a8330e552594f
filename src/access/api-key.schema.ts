import { z } from 'zod'
import { Id } from '#core/id.ts'
import { PageQuery } from '#core/page.ts'
import { Instant } from '#core/time.ts'

export const ApiKey = z.object({
  id: Id('key'),
  name: z
    .string()
    .min(1)
    .max(200)
    .meta({ description: 'What the key is for', example: 'Website form' }),
  prefix: z.string().meta({ description: 'The part of the key that may be shown' }),
  roles: z.array(z.string().max(40)).max(10),
  scopes: z
    .array(z.string().max(60))
    .max(100)
    .meta({ description: 'Scopes beyond those of the roles' }),
  rateLimitPerMinute: z.int().min(1).max(1_000_000),
  tenants: z
    .array(z.string().min(1).max(64))
    .min(1)
    .max(1000)
    .nullable()
    .meta({ description: 'The customer accounts that the key is limited to; null for all' }),
  ownerId: Id('usr').nullable().meta({
    description: 'The person whose own key it is: it can do at most what they may; null for others',
  }),
  createdAt: Instant,
  expiresAt: Instant.nullable(),
  revokedAt: Instant.nullable(),
  rotatedTo: Id('key').nullable(),
  lastUsedAt: Instant.nullable(),
})
export type ApiKey = z.infer<typeof ApiKey>

export const NewApiKey = z.object({
  name: ApiKey.shape.name,
  roles: ApiKey.shape.roles.default([]),
  scopes: ApiKey.shape.scopes.default([]),
  rateLimitPerMinute: ApiKey.shape.rateLimitPerMinute.default(600),
  expiresAt: Instant.nullable().default(null),
  tenants: ApiKey.shape.tenants.default(null),
})

/** The one answer that holds the key itself. */
export const IssuedApiKey = ApiKey.extend({
  key: z.string().meta({ description: 'The key. It is shown this once and cannot be read again.' }),
})

export const ApiKeyRef = z.object({ keyId: Id('key') })

export const RotateApiKey = ApiKeyRef.extend({
  overlapHours: z
    .number()
    .min(0)
    .max(720)
    .default(24)
    .meta({ description: 'How long the old key goes on working' }),
})

export const ListApiKeys = PageQuery
