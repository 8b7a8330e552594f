import { dueOf } from '#compliance/hold.store.ts'
import type { RetainedKind } from '#compliance/retained-store.ts'
import { cutOff, daysOf, rulesOf } from '#compliance/retention.rules.ts'
import {
  PreviewQuery,
  PutRetentionRule,
  RetentionPreview,
  RetentionRule,
  RetentionRules,
  RetentionRun,
  RunPage,
  RunPath,
  RunQuery,
} from '#compliance/retention.schema.ts'
import {
  findRun,
  listHeldKinds,
  listRules,
  listRuns,
  saveRule,
} from '#compliance/retention.store.ts'
import { z } from 'zod'
import { cutPage, decodeCursor } from '#core/page.ts'
import { Problem } from '#core/problem.ts'
import { defineOperation, type Operation } from '#gateway/operation.ts'
import type { Transaction } from '#store/store.ts'

const tag = 'Retention'

/** @param kinds  what the modules keep for a time. */
export function retentionOperations(kinds: readonly RetainedKind[]): readonly Operation[] {
  const getKind = (name: string): RetainedKind => {
    const kind = kinds.find((one) => one.name === name)
    if (!kind)
      throw new Problem(
        'resource.not_found',
        'There is no such kind: GET /api/v1/retention/rules lists them.',
      )
    return kind
  }
  const all = async (tx: Transaction) =>
    rulesOf(kinds, await listRules(tx), await listHeldKinds(tx))

  const list = defineOperation({
    id: 'listRetentionRules',
    method: 'GET',
    path: '/api/v1/retention/rules',
    scope: 'retention:read',
    tag,
    summary: 'How long each kind of record is kept',
    input: z.object({}),
    output: RetentionRules,
    perform: async (_input, { tx }) => ({ data: await all(tx), nextCursor: null }),
  })

  const put = defineOperation({
    id: 'putRetentionRule',
    method: 'PUT',
    path: '/api/v1/retention/rules/{kind}',
    scope: 'retention:write',
    tag,
    freshWithinMinutes: 15,
    summary: 'Say how long a kind of record is kept; the next daily run goes by it',
    description: 'Look at the preview first: what a run removes does not come back.',
    event: 'retention.rule_changed',
    subject: ({ kind }) => kind,
    row: { table: 'retention_rules', key: 'kind', field: 'kind', columns: ['keep_days'] },
    input: PutRetentionRule,
    output: RetentionRule,
    async perform({ kind: name, days }, context) {
      const { tx, principal, now } = context
      const kind = getKind(name)
      if (days !== 'keep' && days < kind.minimumDays)
        throw new Problem(
          'request.invalid',
          `This kind is kept for ${kind.minimumDays} days at least.`,
          {
            errors: [{ pointer: '/days', detail: `Give ${kind.minimumDays} or more, or keep.` }],
          },
        )
      const [rule] = await listRules(tx, name)
      const keepDays = days === 'keep' ? null : days
      await saveRule(tx, { kind: name, keepDays, updatedAt: now, updatedBy: principal.id })
      const before = daysOf(kind, rule) ?? 'keep'
      const detail = { before, after: days }
      context.audit({ action: 'retention.rule', subjectId: name, detail })
      return (await all(tx)).find((one) => one.kind === name)!
    },
  })

  const preview = defineOperation({
    id: 'previewRetention',
    method: 'GET',
    path: '/api/v1/retention/preview',
    scope: 'retention:read',
    tag,
    summary: 'What would go of a kind: counts by month, and some of the oldest',
    input: PreviewQuery,
    output: RetentionPreview,
    async perform({ kind: name, days: asked }, { tx, now }) {
      const kind = getKind(name)
      const [rule] = await listRules(tx, name)
      const days = asked === undefined ? daysOf(kind, rule) : Math.max(asked, kind.minimumDays)
      const empty = { kind: name, count: 0, held: 0, months: [], samples: [] }
      if (days === null) return { ...empty, days: 'keep' as const, before: null }
      const before = cutOff(now, days)
      const { months, samples } = await kind.countDue(tx, dueOf(tx.workspaceId, before, now))
      const count = months.reduce((sum, month) => sum + month.count, 0)
      const held = months.reduce((sum, month) => sum + month.held, 0)
      const isHeld = (await listHeldKinds(tx)).has(name)
      if (isHeld) return { ...empty, days, before, held: count + held }
      return { kind: name, days, before, count, held, months, samples }
    },
  })

  const listAllRuns = defineOperation({
    id: 'listRetentionRuns',
    method: 'GET',
    path: '/api/v1/retention/runs',
    scope: 'retention:read',
    tag,
    summary: 'What the runs removed and what holds kept, the newest first',
    input: RunQuery,
    output: RunPage,
    csv: [
      { title: 'Id', field: 'id' },
      { title: 'Started', field: 'startedAt' },
      { title: 'Ended', field: 'endedAt' },
      { title: 'Removed', field: 'removed', type: 'number' },
      { title: 'Held', field: 'held', type: 'number' },
    ],
    async perform({ limit, cursor }, { tx }) {
      const before = cursor === undefined ? null : String(decodeCursor(cursor, 1)[0])
      return cutPage(await listRuns(tx, before, limit), limit, (row) => [row.id])
    },
  })

  const getRun = defineOperation({
    id: 'getRetentionRun',
    method: 'GET',
    path: '/api/v1/retention/runs/{runId}',
    scope: 'retention:read',
    tag,
    summary:
      'The report of a run: of each kind how many went, the oldest and newest, and how many are held',
    input: RunPath,
    output: RetentionRun,
    async perform({ runId }, { tx }) {
      const run = await findRun(tx, runId)
      if (!run) throw new Problem('resource.not_found', 'There is no run with this id.')
      return run
    },
  })
  return [list, put, preview, listAllRuns, getRun]
}
