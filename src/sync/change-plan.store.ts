import { sql } from 'kysely'
import type { Transaction } from '#store/store.ts'
import { openMergeBase } from './base.ts'
import type { PlannedAction, PlannedChange, Side, Standing } from './change-plan.rules.ts'
import { findDisputed } from './conflict.store.ts'
import type { Judgement } from './prove.rules.ts'

export type PlanState = 'building' | 'proposed' | 'approved' | 'done' | 'discarded' | 'failed'
export type PlannedState =
  | 'planned'
  | 'sent'
  | 'refused'
  | 'outdated'
  | 'proved'
  | 'changed_there'
  | 'not_there'
  /** Of an undo: nothing of the record goes back. */
  | 'kept'

export interface PlanRow {
  id: string
  connectionId: string
  state: PlanState
  builtIn: string
  streams: string[]
  prepares: boolean
  leftOut: Record<string, Record<string, number>>
  madeBy: string | null
  madeAt: Date
  proposedAt: Date | null
  decidedBy: string | null
  decidedAt: Date | null
  doneAt: Date | null
  /** The run whose writes go back; null: it plans what is due. */
  undoes: string | null
  /** Records that the run made there go as well. */
  removesCreated: boolean
}

const columns = sql.raw(
  `id, connection_id, state, built_in, streams, prepares, left_out, made_by, made_at, proposed_at, decided_by, decided_at, done_at, undoes, removes_created`,
)
const isOpen = sql`state in ('building', 'proposed', 'approved')`
const context = (planId: string, localId: string, side: Side) =>
  `sync_planned_changes.detail:${planId}:${localId}${side === 'here' ? ':here' : ''}`

export function findPlan(tx: Transaction, id: string): Promise<PlanRow | null> {
  return tx.find(sql<PlanRow>`select ${columns} from sync_change_plans where id = ${id}`)
}

/** The plan that is being made, waits for signatures or is being carried out; there is at most one a connection. */
export function findOpenPlan(tx: Transaction, connectionId: string): Promise<PlanRow | null> {
  return tx.find(sql<PlanRow>`
    select ${columns} from sync_change_plans where connection_id = ${connectionId} and ${isOpen}`)
}

/** Null: nothing has to be planned. */
export async function findLimit(tx: Transaction, connectionId: string): Promise<number | null> {
  const row = await tx.find(sql<{ planAbove: number | null }>`
    select plan_above from connections where id = ${connectionId}`)
  return row?.planAbove ?? null
}

/** Begins a plan; false when one is open. */
export async function insertPlan(
  tx: Transaction,
  plan: Pick<PlanRow, 'id' | 'connectionId' | 'builtIn' | 'streams' | 'madeBy'> &
    Partial<Pick<PlanRow, 'undoes' | 'removesCreated'>>,
  now: Date,
): Promise<boolean> {
  const rows = await tx.execute(sql`
    insert into sync_change_plans (id, connection_id, state, built_in, streams, made_by, made_at, undoes, removes_created)
    values (${plan.id}, ${plan.connectionId}, 'building', ${plan.builtIn}, ${plan.streams}, ${plan.madeBy}, ${now},
      ${plan.undoes ?? null}, ${plan.removesCreated ?? false})
    on conflict do nothing`)
  return rows === 1
}

/** Moves a plan on from one of these states; false when it is in none of them. */
export async function movePlan(
  tx: Transaction,
  id: string,
  from: readonly PlanState[],
  to: PlanState,
  by: string | null,
  now: Date,
): Promise<boolean> {
  const rows = await tx.execute(sql`
    update sync_change_plans
    set state = ${to}, proposed_at = case when ${to} = 'proposed' then ${now} else proposed_at end,
      decided_by = coalesce(${by}, decided_by), decided_at = case when ${by}::text is null then decided_at else ${now} end,
      done_at = case when ${to} in ('done', 'discarded', 'failed') then ${now} else done_at end
    where id = ${id} and state = any(${[...from]}::text[])`)
  return rows === 1
}

export async function notePrepares(tx: Transaction, id: string): Promise<void> {
  await tx.execute(sql`update sync_change_plans set prepares = true where id = ${id}`)
}

/** A stream is planned anew from its beginning when the run that plans was cut off. */
export async function clearPlanned(tx: Transaction, planId: string, stream: string): Promise<void> {
  await tx.execute(
    sql`delete from sync_planned_changes where plan_id = ${planId} and stream = ${stream}`,
  )
}

export async function noteLeftOut(
  tx: Transaction,
  planId: string,
  stream: string,
  leftOut: Record<string, number>,
): Promise<void> {
  await tx.execute(sql`
    update sync_change_plans set left_out = left_out || ${JSON.stringify({ [stream]: leftOut })}::jsonb
    where id = ${planId}`)
}

/** Keeps a page of a plan. One statement. */
export async function insertPlanned(
  tx: Transaction,
  planId: string,
  place: { stream: string; entity: string },
  changes: readonly Omit<PlannedChange, 'seq'>[],
): Promise<void> {
  if (changes.length === 0) return
  const rows = changes.map((change, n) => {
    const { properties, sent, kept, seenAt, ...row } = change
    const sealed = tx.sealer.seal(
      { properties, sent, kept, seenAt },
      context(planId, row.localId, row.side),
    )
    // A record of which nothing goes back is in the plan for its reasons alone.
    const state = sent.length === 0 && kept ? 'kept' : 'planned'
    return { n, ...row, state, detail: `\\x${sealed.toString('hex')}` }
  })
  await tx.execute(sql`
    insert into sync_planned_changes (plan_id, stream, entity, local_id, side, external_id, action, state, detail, changed_in)
    select ${planId}, ${place.stream}, ${place.entity}, "localId", side, "externalId", action, state, detail, "changedIn"
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(n integer, "localId" text, side text, "externalId" text,
      action text, state text, detail bytea, "changedIn" xid8)
    order by n`)
}

type Sealed = Pick<PlannedChange, 'properties' | 'sent' | 'kept' | 'seenAt'>

interface SealedRow extends Omit<PlannedChange, keyof Sealed> {
  detail: Buffer
}

function openRow<Row extends SealedRow>(tx: Transaction, planId: string, { detail, ...row }: Row) {
  const opened = tx.sealer.open<Sealed>(detail, context(planId, row.localId, row.side))
  return { ...row, ...opened }
}

/** What is left to be carried out of a stream, in the order of the plan; nothing any more once the plan is given up. */
export async function listPlanned(
  tx: Transaction,
  planId: string,
  stream: string,
  after: number,
  limit: number,
  side: Side = 'there',
): Promise<PlannedChange[]> {
  const rows = await tx.query(sql<SealedRow>`
    select seq, local_id, external_id, action, side, changed_in::text as changed_in, detail from sync_planned_changes
    where plan_id = ${planId} and stream = ${stream} and side = ${side} and seq > ${after} and state = 'planned'
      and exists (select from sync_change_plans p where p.id = plan_id and p.state = 'approved')
    order by seq limit ${limit}`)
  return rows.map((row) => openRow(tx, planId, row))
}

export type LinkStanding = Omit<Standing, 'isHere'> & {
  /** When the vendor had last changed it, as far as the hub knows. */
  modifiedAt: Date | null
}

/** How the records of planned changes stand: linked with what, and on what both sides agree. Two statements. */
export async function readStandings(
  tx: Transaction,
  connectionId: string,
  entity: string,
  localIds: readonly string[],
): Promise<Map<string, LinkStanding>> {
  const rows = await tx.query(sql<{
    localId: string
    externalId: string
    base: Buffer | null
    deletedAt: Date | null
    goneTo: string | null
    modifiedAt: Date | null
  }>`
    select local_id, external_id, base, deleted_at, gone_to, external_modified_at as modified_at from sync_links
    where connection_id = ${connectionId} and entity = ${entity} and local_id = any(${localIds}::text[])`)
  const disputed = await findDisputed(tx, { connectionId, entity }, localIds)
  const none = new Set<string>()
  return new Map(
    rows.map(({ localId, externalId, base, deletedAt, goneTo, modifiedAt }) => [
      localId,
      {
        modifiedAt,
        externalId: deletedAt === null ? externalId : null,
        goneThere: goneTo === null ? null : goneTo === '' ? 'deleted' : 'merged',
        base: openMergeBase(tx, connectionId, entity, localId, base),
        disputed: disputed.get(localId) ?? none,
      },
    ]),
  )
}

export async function markPlanned(
  tx: Transaction,
  planId: string,
  entity: string,
  rows: readonly { localId: string; state: PlannedState; note: string | null }[],
  side: Side = 'there',
): Promise<void> {
  if (rows.length === 0) return
  await tx.execute(sql`
    update sync_planned_changes c set state = r.state, note = r.note
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r("localId" text, state text, note text)
    where c.plan_id = ${planId} and c.entity = ${entity} and c.local_id = r."localId" and c.side = ${side}`)
}

/** What a stream cannot write of an approved plan holds up no other stream: it is due still, and is planned anew. */
export async function leavePlanned(
  tx: Transaction,
  connectionId: string,
  stream: string,
  note: string,
): Promise<void> {
  await tx.execute(sql`
    update sync_planned_changes c set state = 'outdated', note = ${note}
    from sync_change_plans p
    where p.connection_id = ${connectionId} and p.state = 'approved' and p.undoes is null
      and c.plan_id = p.id and c.stream = ${stream} and c.state = 'planned'`)
}

const proofOf = {
  right: 'proved',
  changed_there: 'changed_there',
  missing: 'not_there',
  gone: 'changed_there',
  lost: 'not_there',
} as const satisfies Record<Judgement['kind'], PlannedState>

/** Of records that were read back: whether what the last plan sent of them is there. Nothing where there was no plan. */
export async function markProof(
  tx: Transaction,
  connectionId: string,
  entity: string,
  judged: readonly { localId: string; judgement: Judgement }[],
): Promise<void> {
  if (judged.length === 0) return
  const states = judged.map(({ judgement }) => proofOf[judgement.kind])
  await tx.execute(sql`
    update sync_planned_changes c set state = r.state
    from unnest(${judged.map((one) => one.localId)}::text[], ${states}::text[]) as r(id, state)
    where c.entity = ${entity} and c.local_id = r.id and c.side = 'there' and c.state in ('sent', 'not_there')
      and c.plan_id = (
        select id from sync_change_plans
        where connection_id = ${connectionId} and state in ('approved', 'done', 'discarded') order by id desc limit 1)`)
}

export interface PlanCount {
  stream: string
  side: Side
  action: PlannedAction
  state: PlannedState
  records: number
}

export function countPlanned(tx: Transaction, planId: string): Promise<PlanCount[]> {
  return tx.query(sql<PlanCount>`
    select stream, side, action, state, count(*)::int as records from sync_planned_changes
    where plan_id = ${planId} group by stream, side, action, state order by stream, side desc, action, state`)
}

/** Kinds of records that the plan writes. */
export async function entitiesOf(tx: Transaction, planId: string): Promise<string[]> {
  const rows = await tx.query(sql<{ entity: string }>`
    select distinct entity from sync_planned_changes where plan_id = ${planId} and state <> 'kept' order by entity`)
  return rows.map(({ entity }) => entity)
}

export interface PlannedRow extends PlannedChange {
  stream: string
  entity: string
  state: PlannedState
  note: string | null
}

export async function listPlannedRows(
  tx: Transaction,
  planId: string,
  filter: {
    stream?: string | undefined
    side?: Side | undefined
    action?: PlannedAction | undefined
    state?: PlannedState | undefined
  },
  after: number,
  limit: number,
): Promise<PlannedRow[]> {
  const rows = await tx.query(
    sql<SealedRow & Pick<PlannedRow, 'stream' | 'entity' | 'state' | 'note'>>`
    select seq, stream, entity, local_id, external_id, side, action, changed_in::text as changed_in, detail, state, note
    from sync_planned_changes
    where plan_id = ${planId} and seq > ${after}
      and (${filter.stream ?? null}::text is null or stream = ${filter.stream ?? null})
      and (${filter.side ?? null}::text is null or side = ${filter.side ?? null})
      and (${filter.action ?? null}::text is null or action = ${filter.action ?? null})
      and (${filter.state ?? null}::text is null or state = ${filter.state ?? null})
    order by seq limit ${limit + 1}`,
  )
  return rows.map((row) => openRow(tx, planId, row))
}

export function listPlans(
  tx: Transaction,
  filter: {
    connectionId?: string | undefined
    state?: PlanState | undefined
    undoes?: string | undefined
  },
  before: string | null,
  limit: number,
): Promise<PlanRow[]> {
  return tx.query(sql<PlanRow>`
    select ${columns} from sync_change_plans
    where workspace_id = ${tx.workspaceId} and (${before}::text is null or id < ${before})
      and (${filter.connectionId ?? null}::text is null or connection_id = ${filter.connectionId ?? null})
      and (${filter.state ?? null}::text is null or state = ${filter.state ?? null})
      and (${filter.undoes ?? null}::text is null or undoes = ${filter.undoes ?? null})
    order by id desc limit ${limit + 1}`)
}
