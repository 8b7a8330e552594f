import { z } from 'zod'
import { VendorFault, type PullPage } from '#sync/connector.ts'
import type { SfRow } from './answers.ts'
import type { SalesforceClient } from './client.ts'
import type { ContactRole } from './mapping.ts'
import { OVERLAP_MS, type RowReader } from './reader.ts'
import { moment } from './soql.ts'

/** The people of each opportunity come along with it. */
export const ROLES_QUERY =
  '(SELECT ContactId, Role, IsPrimary FROM OpportunityContactRoles WHERE IsDeleted = false)'

const Roles = z
  .object({
    records: z.array(
      z.object({
        ContactId: z.string(),
        Role: z.string().nullish(),
        IsPrimary: z.boolean().default(false),
      }),
    ),
  })
  .nullable()

/** The contact roles that were read with an opportunity; null when they were not. */
export function rolesOf(row: SfRow): ContactRole[] | null {
  if (row['OpportunityContactRoles'] === undefined) return null
  const roles = Roles.safeParse(row['OpportunityContactRoles']).data
  return (roles?.records ?? []).map(({ ContactId, Role, IsPrimary }) => ({
    contactId: ContactId,
    role: Role ?? '',
    isPrimary: IsPrimary,
  }))
}

/** Opportunities looked at again in one page. */
const PAGE = 400

const Cursor = z.object({
  rows: z.unknown(),
  roles: z.object({
    /** When the last reading began, by the org's clock: up to here the changes of roles are known. */
    sinceMs: z.number().nullable(),
    /** Opportunities whose people changed and that are still to be read. */
    due: z.array(z.string()),
  }),
  /** When the reading under way began. */
  startedAtMs: z.number().nullable(),
  phase: z.enum(['rows', 'roles']),
})
type Cursor = z.infer<typeof Cursor>

/**
 * Reads opportunities with their people. A change of a contact role does not change its opportunity's time, so after the
 * opportunities those are looked at whose roles changed.
 */
export class OpportunityReader {
  readonly #client: SalesforceClient
  readonly #rows: RowReader

  constructor(client: SalesforceClient, rows: RowReader) {
    this.#client = client
    this.#rows = rows
  }

  /** @throws VendorFault `cursor_lost` when the cursor is none of ours. */
  async pull(given: unknown, signal: AbortSignal): Promise<PullPage> {
    const cursor = readCursor(given)
    if (cursor.phase === 'roles') return this.#pullRoles(cursor, signal)
    const page = await this.#rows.pull(cursor.rows ?? null, signal)
    const startedAtMs = cursor.startedAtMs ?? this.#client.orgNowMs
    if (!page.done) {
      return { ...page, cursor: { ...cursor, rows: page.cursor, startedAtMs } satisfies Cursor }
    }
    const due = await this.#changedRoles(cursor.roles.sinceMs, signal)
    const isDone = due.length === 0
    return {
      candidates: page.candidates,
      cursor: {
        rows: page.cursor,
        roles: { sinceMs: startedAtMs, due },
        startedAtMs: null,
        phase: isDone ? 'rows' : 'roles',
      } satisfies Cursor,
      done: isDone,
    }
  }

  /** The opportunities of changed roles. The first time there are none: all were just read with theirs. */
  async #changedRoles(sinceMs: number | null, signal: AbortSignal): Promise<string[]> {
    if (sinceMs === null) return []
    const since = moment(sinceMs - OVERLAP_MS)
    const soql = `SELECT Id, OpportunityId FROM OpportunityContactRole WHERE SystemModstamp >= ${since}`
    const rows = await this.#client.queryWhole(soql, signal, true)
    return [...new Set(rows.map((row) => String(row['OpportunityId'])))]
  }

  async #pullRoles(cursor: Cursor, signal: AbortSignal): Promise<PullPage> {
    const { sinceMs, due } = cursor.roles
    const candidates = await this.#rows.fetch(due.slice(0, PAGE), signal)
    const left = due.slice(PAGE)
    const isDone = left.length === 0
    return {
      candidates,
      cursor: {
        ...cursor,
        roles: { sinceMs, due: left },
        phase: isDone ? 'rows' : 'roles',
      } satisfies Cursor,
      done: isDone,
    }
  }
}

function readCursor(given: unknown): Cursor {
  if (given === null || given === undefined) {
    return { rows: null, roles: { sinceMs: null, due: [] }, startedAtMs: null, phase: 'rows' }
  }
  const parsed = Cursor.safeParse(given)
  if (!parsed.success) throw new VendorFault('cursor_lost', 'The kept position is unreadable.')
  return parsed.data
}
