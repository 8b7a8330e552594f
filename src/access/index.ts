import {
  createApiKey,
  listApiKeys,
  revokeApiKey,
  rotateApiKey,
} from '#access/api-key.operations.ts'
import {
  createAuditVerification,
  getAuditEntry,
  listAudit,
  listAuditCheckpoints,
} from '#access/audit.operations.ts'
import { createOwnKey, revokeOwnKeyOperation } from '#access/own-key.operations.ts'
import { createAuditTimer, type AuditFiles } from '#access/audit-chain.ts'
import { emailIndex, installationSealer } from '#access/installation.ts'
import {
  createOAuthClient,
  listOAuthClients,
  revokeOAuthClient,
  rotateOAuthClientSecret,
} from '#access/oauth/client.operations.ts'
import { createInteractionRoutes } from '#access/oauth/interaction.routes.ts'
import { OAuthServer } from '#access/oauth/server.ts'
import { explainAccess } from '#access/permissions/explain.operations.ts'
import { permissionOperations } from '#access/permissions/permission.operations.ts'
import { createAccountOperations } from '#access/sign-in/account.operations.ts'
import { createOidcRoutes, type OutsideProvider } from '#access/sign-in/oidc.routes.ts'
import { createPasskeyOperations } from '#access/sign-in/passkey.operations.ts'
import { createSignInRoutes } from '#access/sign-in/sign-in.routes.ts'
import { createUserOperations } from '#access/sign-in/users.operations.ts'
import type { Signals } from '#access/threats/signals.ts'
import { threatOperations } from '#access/threats/threat.operations.ts'
import { threatTidyTimer } from '#access/threats/watch.ts'
import { getCurrentWorkspace } from '#access/workspace.operations.ts'
import { auditRetained } from '#access/retained-store.ts'
import { tidyTimer } from '#access/tidy.ts'
import { accessWatches } from '#access/watches.ts'
import { HOUR_MS, type Clock } from '#core/time.ts'
import type { RawRoute } from '#gateway/raw-route.ts'
import type { Module } from '#module.ts'
import type { Store } from '#store/store.ts'

export interface AccessParts {
  publicUrl: () => string
  store: () => Store
  clock: Clock
  outside: OutsideProvider | null
  auditFiles: AuditFiles
  /** What this process sees of credentials, for the watch over attacks. */
  signals: Signals
}

/** Workspaces, people and their sign-in, OAuth, API keys, roles and the audit log. */
export function createAccess({
  publicUrl,
  store,
  clock,
  outside,
  auditFiles,
  signals,
}: AccessParts): Module {
  const isSecure = () => publicUrl().startsWith('https:')
  let server: OAuthServer | null = null
  const oauth = () => (server ??= new OAuthServer(store(), clock, publicUrl, signals))
  const indexOf = async (email: string) => emailIndex(await installationSealer(store()), email)
  return {
    name: 'access',
    operations: [
      getCurrentWorkspace,
      ...createAccountOperations(isSecure),
      ...createPasskeyOperations(publicUrl, isSecure),
      ...createUserOperations(publicUrl, indexOf),
      createApiKey,
      listApiKeys,
      rotateApiKey,
      revokeApiKey,
      createOwnKey,
      revokeOwnKeyOperation,
      createOAuthClient,
      listOAuthClients,
      rotateOAuthClientSecret,
      revokeOAuthClient,
      ...permissionOperations,
      explainAccess,
      listAudit,
      listAuditCheckpoints,
      createAuditVerification(auditFiles),
      getAuditEntry,
      ...threatOperations,
    ],
    rawRoutes: [
      ...createSignInRoutes(publicUrl, outside?.name ?? null, signals),
      ...createOidcRoutes(outside, publicUrl),
      ...createInteractionRoutes(oauth, publicUrl),
      metadataRoute(oauth),
    ],
    mounts: [
      {
        id: 'oauth',
        paths: {
          'oauth.authorize': '/oauth/authorize',
          'oauth.resume': '/oauth/authorize/:uid',
          'oauth.token': '/oauth/token',
          'oauth.jwks': '/oauth/jwks',
          'oauth.revoke': '/oauth/revoke',
          'oauth.introspect': '/oauth/introspect',
        },
        perMinute: 600,
        handle: (request, response) => oauth().handle(request, response),
      },
    ],
    entities: [],
    retained: [auditRetained],
    jobs: [],
    subscribers: [],
    timers: [
      tidyTimer,
      threatTidyTimer,
      createAuditTimer(auditFiles),
      { name: 'access.signing-keys', everyMs: HOUR_MS, run: () => oauth().keys.tend() },
    ],
    watches: accessWatches,
  }
}

/** Where OAuth clients read what this server does (RFC 8414 §3). */
function metadataRoute(oauth: () => OAuthServer): RawRoute {
  return {
    id: 'oauthMetadata',
    method: 'GET',
    path: '/.well-known/oauth-authorization-server',
    scope: null,
    maxBytes: 0,
    crossOrigin: true,
    handle: async () => ({
      status: 200,
      headers: { 'content-type': 'application/json', 'cache-control': 'public, max-age=300' },
      body: JSON.stringify(oauth().metadata()),
    }),
  }
}
