import { cutPage, decodeCursor, encodeCursor, Page } from '#core/page.ts'
import { Problem } from '#core/problem.ts'
import { defineOperation, type Operation } from '#gateway/operation.ts'
import { spanOf, stateOf, type Period } from '#levels/quota.rules.ts'
import {
  ListQuotas,
  Quota,
  QuotaRef,
  SetQuota,
  UsageDay,
  UsageQuery,
} from '#levels/quota.schema.ts'
import {
  deleteQuota,
  hasSubject,
  listQuotas as listRows,
  listUsage as listDays,
  saveQuota,
  sumUsage,
  type QuotaRow,
} from '#levels/quota.store.ts'
import type { Transaction } from '#store/store.ts'

const listQuotas = defineOperation({
  id: 'listQuotas',
  method: 'GET',
  path: '/api/v1/quotas',
  scope: 'usage:read',
  tag: 'Service levels',
  summary: 'List quotas, and how far each is used up',
  input: ListQuotas,
  output: Page(Quota),
  async perform({ limit, cursor }, { tx, now }) {
    const after = cursor === undefined ? '' : String(decodeCursor(cursor, 1)[0])
    const page = cutPage(await listRows(tx, limit + 1, after), limit, (row) => [row.subject])
    return { ...page, data: await withUse(tx, page.data, now) }
  },
})

async function withUse(tx: Transaction, rows: readonly QuotaRow[], now: Date): Promise<Quota[]> {
  const periods: Period[] = ['day', 'month']
  const spans = rows.flatMap(({ subject }) =>
    periods.map((period) => ({ subject, period, startsOn: spanOf(period, now).startsOn })),
  )
  const uses = await sumUsage(tx, spans)
  return rows.map((row) => {
    const standing = (period: Period, limit: number | null) => {
      if (limit === null || row.subject.startsWith('role.')) return null
      const own = uses.find((use) => use.subject === row.subject && use.period === period)
      const used = own?.used ?? 0
      return {
        limit,
        used,
        remaining: Math.max(0, limit - used),
        resetsAt: new Date(spanOf(period, now).endsAtMs),
        state: stateOf(used, limit),
      }
    }
    return { ...row, day: standing('day', row.perDay), month: standing('month', row.perMonth) }
  })
}

/** @param roleNames  the roles that every workspace has. */
function createSetQuota(roleNames: readonly string[]): Operation {
  return defineOperation({
    id: 'setQuota',
    method: 'PUT',
    path: '/api/v1/quotas/{subject}',
    scope: 'quotas:write',
    tag: 'Service levels',
    summary: 'Set how many requests a day and a month may be made',
    description:
      'For the workspace as a whole, a key, an OAuth client, a person, or each person of a role. A request must be within all ' +
      'that concern it. What was used in the running day and month counts.',
    event: 'quota.changed',
    subject: (quota) => quota.subject,
    version: (quota) => quota.version,
    row: { table: 'quotas', key: 'subject', field: 'subject', columns: ['per_day', 'per_month'] },
    input: SetQuota,
    output: Quota,
    async perform({ subject, perDay, perMonth }, { tx, now }) {
      const isKnown =
        subject === 'workspace' ||
        roleNames.some((name) => subject === `role.${name}`) ||
        (await hasSubject(tx, subject))
      if (!isKnown)
        throw new Problem(
          'resource.not_found',
          'There is no such key, client, person or role here: use its id, or role.<name>.',
        )
      const row = await saveQuota(tx, subject, { perDay, perMonth }, now)
      return (await withUse(tx, [row], now))[0]!
    },
  })
}

const removeQuota = defineOperation({
  id: 'deleteQuota',
  method: 'DELETE',
  path: '/api/v1/quotas/{subject}',
  scope: 'quotas:write',
  tag: 'Service levels',
  summary: 'Lift a quota',
  event: 'quota.changed',
  subject: (quota) => quota.subject,
  row: { table: 'quotas', key: 'subject', field: 'subject', columns: ['per_day', 'per_month'] },
  input: QuotaRef,
  output: Quota,
  async perform({ subject }, { tx, now }) {
    const row = await deleteQuota(tx, subject)
    if (!row) throw new Problem('resource.not_found', 'There is no quota for this.')
    return (await withUse(tx, [row], now))[0]!
  },
})

const listUsage = defineOperation({
  id: 'listUsage',
  method: 'GET',
  path: '/api/v1/usage',
  scope: 'usage:read',
  tag: 'Service levels',
  summary: 'Requests by day of each key, client and person, and of the workspace',
  description: 'Days are UTC, newest first. They are kept for 13 months.',
  input: UsageQuery,
  output: Page(UsageDay),
  csv: [
    { title: 'Day', field: 'day' },
    { title: 'Subject', field: 'subject' },
    { title: 'Requests', field: 'requests', type: 'number' },
    { title: 'Refused', field: 'refused', type: 'number' },
  ],
  async perform({ limit, cursor, subject = null, from = null, to = null }, { tx }) {
    const [day, last] = cursor === undefined ? [null, null] : decodeCursor(cursor, 2)
    const after = day === null ? null : { day: String(day), subject: String(last) }
    if (after && !/^\d{4}-\d\d-\d\d$/.test(after.day)) decodeCursor(encodeCursor([]), 2)
    const rows = await listDays(tx, { subject, from, to }, limit + 1, after)
    return cutPage(rows, limit, (row) => [row.day, row.subject])
  },
})

export function createQuotaOperations(roleNames: readonly string[]): readonly Operation[] {
  return [listQuotas, createSetQuota(roleNames), removeQuota, listUsage]
}
