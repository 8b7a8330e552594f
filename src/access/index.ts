import {
  createApiKey,
  listApiKeys,
  revokeApiKey,
  rotateApiKey,
} from '#access/api-key.operations.ts'
import {
  createAuditVerification,
  listAudit,
  listAuditCheckpoints,
} from '#access/audit.operations.ts'
import { createAuditTimer, type AuditFiles } from '#access/audit-chain.ts'
import { createSessionRoutes } from '#access/session.routes.ts'
import { getCurrentWorkspace } from '#access/workspace.operations.ts'
import { tidyTimer } from '#access/tidy.ts'
import type { Module } from '#module.ts'

/** Workspaces, users, sessions, API keys, roles and the audit log. */
export function createAccess(publicUrl: () => string, auditFiles: AuditFiles): Module {
  return {
    name: 'access',
    operations: [
      getCurrentWorkspace,
      createApiKey,
      listApiKeys,
      rotateApiKey,
      revokeApiKey,
      listAudit,
      listAuditCheckpoints,
      createAuditVerification(auditFiles),
    ],
    rawRoutes: createSessionRoutes(publicUrl),
    entities: [],
    jobs: [],
    subscribers: [],
    timers: [tidyTimer, createAuditTimer(auditFiles)],
  }
}
