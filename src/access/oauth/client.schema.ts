import { z } from 'zod'
import { Id } from '#core/id.ts'
import { PageQuery } from '#core/page.ts'
import { Instant } from '#core/time.ts'

/** `service` acts for itself (client credentials); `web` and `native` act for a person who agreed (authorization code with PKCE). */
export const OAuthClientKind = z.enum(['service', 'web', 'native'])

export const OAuthClient = z.object({
  id: Id('cli'),
  name: z.string().min(1).max(200).meta({ example: 'Warehouse export' }),
  kind: OAuthClientKind,
  authentication: z
    .enum(['client_secret_basic', 'client_secret_post', 'none'])
    .meta({ description: 'How the client proves itself at the token endpoint (RFC 6749 §2.3.1)' }),
  redirectUris: z.array(z.string().max(500)).max(10),
  scopes: z.array(z.string().max(60)).min(1).max(100),
  rateLimitPerMinute: z.int().min(1).max(1_000_000),
  createdAt: Instant,
  revokedAt: Instant.nullable(),
})
export type OAuthClient = z.infer<typeof OAuthClient>

export const NewOAuthClient = z.object({
  name: OAuthClient.shape.name,
  kind: OAuthClientKind,
  authentication: z
    .enum(['client_secret_basic', 'client_secret_post'])
    .default('client_secret_basic'),
  redirectUris: OAuthClient.shape.redirectUris.default([]),
  scopes: OAuthClient.shape.scopes,
  rateLimitPerMinute: OAuthClient.shape.rateLimitPerMinute.default(600),
})

/** The one answer that holds the client's secret. Native clients have none. */
export const IssuedOAuthClient = OAuthClient.extend({
  secret: z
    .string()
    .nullable()
    .meta({ description: 'The secret. It is shown this once and cannot be read again.' }),
})

export const OAuthClientRef = z.object({ clientId: Id('cli') })

export const RotateOAuthClient = OAuthClientRef.extend({
  overlapHours: z.number().min(0).max(720).default(24),
})

export const ListOAuthClients = PageQuery

/** What the consent page shows of a request that waits for the person's answer. */
export const OAuthRequest = z.object({
  client: z.object({ name: z.string(), redirectHost: z.string() }),
  workspace: z.string(),
  scopes: z.array(z.object({ name: z.string(), about: z.string(), granted: z.boolean() })),
})
