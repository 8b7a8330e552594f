import { sql } from 'kysely'
import { z } from 'zod'
import { CurrentWorkspace } from '#access/workspace.schema.ts'
import { defineOperation } from '#gateway/operation.ts'

export const getCurrentWorkspace = defineOperation({
  id: 'getCurrentWorkspace',
  method: 'GET',
  path: '/api/v1/workspace',
  scope: 'workspace:read',
  tag: 'Access',
  summary: 'The workspace of these credentials, and what they may do',
  input: z.object({}),
  output: CurrentWorkspace,
  async perform(_input, { tx, principal }) {
    const row = await tx.find(sql<Omit<CurrentWorkspace, 'principal'>>`
      select id, name, time_zone, currency, created_at from workspaces where id = ${tx.workspaceId}`)
    if (!row) throw new Error('a principal of no workspace')
    return {
      ...row,
      principal: { id: principal.id, kind: principal.kind, scopes: [...principal.scopes].sort() },
    }
  },
})
