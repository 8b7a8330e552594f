import { sql } from 'kysely'
import { expect } from 'vitest'
import type { TestHub, TestWorkspace } from '#tests/hub.ts'

export const LEADS_PATH = '/api/v1/integrations/sales/leads'

/** A submission that qualifies. */
export const ada = {
  email: 'Ada@Northwind.example',
  firstName: 'Ada',
  jobTitle: 'Head of Marketing',
  company: 'Northwind',
  country: 'Germany',
  employees: 300,
  industry: 'Software',
  form: 'contact',
  consents: [{ purpose: 'marketing' }],
}

/** The events about a record so far, oldest first. */
export async function eventsOf(
  hub: TestHub,
  workspace: TestWorkspace,
  subjectId: string,
): Promise<string[]> {
  const rows = await hub.app.store.read(workspace.id, (tx) =>
    tx.query(
      sql<{ event: string }>`select event from outbox where subject_id = ${subjectId} order by seq`,
    ),
  )
  return rows.map(({ event }) => event)
}

export async function addOwner(workspace: TestWorkspace, more: object = {}): Promise<string> {
  const answer = await workspace.post('/api/v1/owners', { name: 'Grace', ...more })
  expect(answer.status).toBe(201)
  return answer.body.id
}

/** Routing rules that are nothing but a fallback. */
export const fallbackTo = (ownerIds: string[], more: object = {}) => ({
  rules: [],
  fallback: { ownerIds, strategy: 'round_robin', ...more },
})
