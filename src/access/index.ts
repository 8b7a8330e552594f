import {
  createApiKey,
  listApiKeys,
  revokeApiKey,
  rotateApiKey,
} from '#access/api-key.operations.ts'
import { listAudit } from '#access/audit.operations.ts'
import { createSessionRoutes } from '#access/session.routes.ts'
import { getCurrentWorkspace } from '#access/workspace.operations.ts'
import { tidyTimer } from '#access/tidy.ts'
import type { Module } from '#module.ts'

/** Workspaces, users, sessions, API keys, roles and the audit log. */
export function createAccess(publicUrl: () => string): Module {
  return {
    name: 'access',
    operations: [
      getCurrentWorkspace,
      createApiKey,
      listApiKeys,
      rotateApiKey,
      revokeApiKey,
      listAudit,
    ],
    rawRoutes: createSessionRoutes(publicUrl),
    entities: [],
    jobs: [],
    subscribers: [],
    timers: [tidyTimer],
  }
}
