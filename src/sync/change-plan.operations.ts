import { newId } from '#core/id.ts'
import { cutPage, decodeCursor, Page } from '#core/page.ts'
import { Problem } from '#core/problem.ts'
import { defineOperation, type Operation, type OperationContext } from '#gateway/operation.ts'
import type { Transaction } from '#store/store.ts'
import type { Approval } from './approval.ts'
import {
  ChangePlan,
  ChangePlanDetail,
  NewPlan,
  PlannedChangeView,
  PlannedQuery,
  PlanQuery,
  PlanRef,
  PlanSignature,
} from './change-plan.schema.ts'
import {
  countPlanned,
  entitiesOf,
  findOpenPlan,
  findPlan,
  insertPlan,
  listPlannedRows,
  listPlans,
  movePlan,
  type PlanRow,
} from './change-plan.store.ts'
import { insertSignature, listSignatures } from './plan-signature.store.ts'
import { explain } from './error-catalogue.ts'
import { undoReasons } from './undo-reasons.ts'
import { chooseStreams } from './run.operations.ts'
import { insertRun } from './run.store.ts'

function viewOf({ leftOut: _leftOut, ...row }: PlanRow) {
  return {
    ...row,
    id: `pln_${row.id.slice(4)}` as const,
    connectionId: `con_${row.connectionId.slice(4)}` as const,
    builtIn: `run_${row.builtIn.slice(4)}` as const,
    undoes: row.undoes === null ? null : (`run_${row.undoes.slice(4)}` as const),
  }
}

export async function getPlan(tx: Transaction, id: string): Promise<PlanRow> {
  const plan = await findPlan(tx, id)
  if (!plan) throw new Problem('resource.not_found', 'There is no change plan with this id.')
  return plan
}

/** @param approval  null: nobody has to sign. */
export async function detailOf(tx: Transaction, plan: PlanRow, approval: Approval | null) {
  const signed = new Map((await listSignatures(tx, plan.id)).map((row) => [row.domain, row]))
  const domains = approval?.domainsOf(await entitiesOf(tx, plan.id)) ?? []
  return {
    ...viewOf(plan),
    counts: await countPlanned(tx, plan.id),
    leftOut: Object.entries(plan.leftOut).flatMap(([stream, codes]) =>
      Object.entries(codes).map(([code, records]) => ({
        stream,
        code,
        title: code === 'unchanged' ? 'Both sides have the same' : explain(code).title,
        records,
      })),
    ),
    signatures: domains.map((domain) => ({
      domain,
      approvedBy: signed.get(domain)?.approvedBy ?? null,
      approvedAt: signed.get(domain)?.approvedAt ?? null,
    })),
  }
}

const createPlan = (approval: Approval | null) =>
  defineOperation({
    id: 'createChangePlan',
    method: 'POST',
    path: '/api/v1/connections/{connectionId}/plans',
    scope: 'sync:write',
    tag: 'Sync',
    summary: 'Plan what the next run would write, without writing it',
    description:
      'Queues a run that takes in what changed in the connected system and goes the whole way of sending but for the write itself. While the plan is open nothing is written there; what changes meanwhile stays due.',
    event: 'sync.plan_requested',
    subject: (plan) => plan.id,
    location: (plan) => `/api/v1/sync/plans/${plan.id}`,
    status: 202,
    input: NewPlan,
    output: ChangePlanDetail,
    async perform({ connectionId, streams }, context) {
      const { tx, now, principal } = context
      const chosen = await chooseStreams(tx, connectionId, streams)
      const open = await findOpenPlan(tx, connectionId)
      if (open) {
        throw new Problem(
          'sync.plan_open',
          `The plan ${open.id} of this connection is ${open.state}: approve or discard it first.`,
        )
      }
      const [id, runId] = [newId('pln'), newId('run')]
      const run = { id: runId, workspaceId: tx.workspaceId, connectionId, streams: chosen }
      const isQueued = await insertRun(
        tx,
        { ...run, cause: 'plan', dueAt: now, slots: 0, retries: 0 },
        now,
      )
      const plan = { id, connectionId, builtIn: runId, streams: chosen, madeBy: principal.id }
      if (!isQueued || !(await insertPlan(tx, plan, now))) {
        throw new Problem(
          'sync.running',
          'A run of this connection waits already: ask again once it is over.',
        )
      }
      context.emit({ event: 'sync.run_requested', subjectId: runId })
      return detailOf(tx, await getPlan(tx, id), approval)
    },
  })

const listAll = defineOperation({
  id: 'listChangePlans',
  method: 'GET',
  path: '/api/v1/sync/plans',
  scope: 'sync:read',
  tag: 'Sync',
  summary: 'List change plans, newest first',
  input: PlanQuery,
  output: Page(ChangePlan),
  async perform({ limit, cursor, ...filter }, { tx }) {
    const before = cursor === undefined ? null : String(decodeCursor(cursor, 1)[0])
    const page = cutPage(await listPlans(tx, filter, before, limit), limit, (row) => [row.id])
    return { ...page, data: page.data.map(viewOf) }
  },
})

const getOne = (approval: Approval | null) =>
  defineOperation({
    id: 'getChangePlan',
    method: 'GET',
    path: '/api/v1/sync/plans/{planId}',
    scope: 'sync:read',
    tag: 'Sync',
    summary:
      'Show a change plan: how many records it would write, who has signed, and what became of it',
    input: PlanRef,
    output: ChangePlanDetail,
    perform: async ({ planId }, { tx }) => detailOf(tx, await getPlan(tx, planId), approval),
  })

const listChanges = defineOperation({
  id: 'listPlannedChanges',
  method: 'GET',
  path: '/api/v1/sync/plans/{planId}/changes',
  scope: 'conflicts:read',
  tag: 'Sync',
  summary: 'List the records of a change plan, field by field: before and after',
  input: PlannedQuery,
  output: Page(PlannedChangeView),
  csv: [
    { title: 'Stream', field: 'stream' },
    { title: 'Entity', field: 'entity' },
    { title: 'Id', field: 'localId' },
    { title: 'Their id', field: 'externalId' },
    { title: 'Side', field: 'side' },
    { title: 'Action', field: 'action' },
    { title: 'State', field: 'state' },
    { title: 'Note', field: 'note' },
  ],
  async perform({ planId, limit, cursor, ...filter }, { tx }) {
    await getPlan(tx, planId)
    const after = cursor === undefined ? 0 : Number(decodeCursor(cursor, 1)[0])
    const rows = await listPlannedRows(tx, planId, filter, after, limit)
    const page = cutPage(rows, limit, (row) => [row.seq])
    const data = page.data.map(
      ({ seq: _seq, changedIn: _changedIn, seenAt: _seenAt, sent, kept = [], ...row }) => ({
        ...row,
        fields: sent.map(({ field, ours, was }) => ({ field, before: was, after: ours })),
        kept: kept.map((one) => ({ ...one, title: undoReasons[one.code].title })),
      }),
    )
    return { ...page, data }
  },
})

const approve = (approval: Approval | null) =>
  defineOperation({
    id: 'approveChangePlan',
    method: 'POST',
    path: '/api/v1/sync/plans/{planId}/approval',
    scope: 'sync:read',
    tag: 'Sync',
    summary: 'Sign a change plan for a domain; with the last signature it is carried out',
    description:
      'Takes the scope <domain>:approve, or sync:write where nobody has to sign. Exactly what was planned is written; what cannot be written any more as it was approved is left out, with the reason.',
    status: 200,
    freshWithinMinutes: 15,
    event: 'sync.plan_signed',
    subject: (plan) => plan.id,
    input: PlanSignature,
    output: ChangePlanDetail,
    async perform({ planId, domain }, context) {
      const { tx, principal, now } = context
      const plan = await getPlan(tx, planId)
      if (plan.state !== 'proposed') {
        throw new Problem(
          'sync.plan_not_proposed',
          `The plan is ${plan.state}: only a proposed one is signed.`,
        )
      }
      const domains = approval?.domainsOf(await entitiesOf(tx, planId)) ?? []
      assertMaySign(context, domains, domain)
      if (domain !== undefined) {
        await insertSignature(tx, planId, { domain, approvedBy: principal.id, approvedAt: now })
      }
      context.audit({
        action: 'plan.signed',
        subjectId: planId,
        detail: { domain: domain ?? null },
      })
      const signed = new Set((await listSignatures(tx, planId)).map((row) => row.domain))
      if (domains.every((one) => signed.has(one))) await carryOut(context, plan)
      return detailOf(tx, await getPlan(tx, planId), approval)
    },
  })

function assertMaySign(
  { principal }: OperationContext,
  domains: readonly string[],
  domain: string | undefined,
): void {
  if (domains.length === 0) {
    if (principal.scopes.has('sync:write')) return
    throw new Problem('auth.forbidden', 'This needs the scope sync:write.')
  }
  if (domain === undefined || !domains.includes(domain)) {
    throw new Problem('request.invalid', `This plan writes records of ${domains.join(', ')}.`, {
      errors: [{ pointer: '/domain', detail: `Sign for one of ${domains.join(', ')}.` }],
    })
  }
  if (!principal.scopes.has(`${domain}:approve`))
    throw new Problem('auth.forbidden', `This needs the scope ${domain}:approve.`)
}

/** A run that waits already carries it out as well. */
async function carryOut(context: OperationContext, plan: PlanRow): Promise<void> {
  const { tx, principal, now } = context
  if (!(await movePlan(tx, plan.id, ['proposed'], 'approved', principal.id, now))) return
  const { connectionId, streams } = plan
  const cause = plan.undoes === null ? 'manual' : 'undo'
  const run = { id: newId('run'), workspaceId: tx.workspaceId, connectionId, streams, dueAt: now }
  if (await insertRun(tx, { ...run, cause, slots: 0, retries: 0 }, now)) {
    context.emit({ event: 'sync.run_requested', subjectId: run.id })
  }
}

const discard = (approval: Approval | null) =>
  defineOperation({
    id: 'discardChangePlan',
    method: 'POST',
    path: '/api/v1/sync/plans/{planId}/discard',
    scope: 'sync:write',
    tag: 'Sync',
    summary: 'Give up a change plan, or what is left of one that is being carried out',
    description:
      'Nothing more of it is written. Its records stay due: the next run plans or sends them.',
    status: 200,
    event: 'sync.plan_discarded',
    subject: (plan) => plan.id,
    input: PlanRef,
    output: ChangePlanDetail,
    async perform({ planId }, { tx, principal, now }) {
      const plan = await getPlan(tx, planId)
      if (
        !(await movePlan(
          tx,
          planId,
          ['building', 'proposed', 'approved'],
          'discarded',
          principal.id,
          now,
        ))
      ) {
        throw new Problem(
          'sync.plan_not_proposed',
          `The plan is ${plan.state}: it cannot be given up any more.`,
        )
      }
      return detailOf(tx, await getPlan(tx, planId), approval)
    },
  })

/** Change plans: what would be written, who lets it, and whether it came out so. */
export function changePlanOperations(approval: Approval | null): readonly Operation[] {
  return [
    createPlan(approval),
    listAll,
    getOne(approval),
    listChanges,
    approve(approval),
    discard(approval),
  ]
}
