import { newId } from '#core/id.ts'
import { CurrencyCode } from '#core/money.ts'
import type { EventDraft } from '#jobs/job.ts'
import type { EntityWrite, EntityWritten } from '#sync/entity.ts'
import type { LeadStatus } from './lead.schema.ts'
import { OpportunityStatus } from './opportunity.schema.ts'
import { dayOf, numberOf, referenceOf, textOf, timeOf } from './sync-values.ts'

export interface OpportunityState {
  id: `opp_${string}`
  name: string
  amountMinor: number | null
  currency: string
  status: OpportunityStatus
  pipelineId: string | null
  stageId: string | null
  ownerId: string | null
  openedAt: Date
  closedAt: Date | null
  /** The day on which it is expected to close; of a closed one what the CRM keeps there, mostly the day of its close. */
  closesOn: string | null
  deletedAt: Date | null
  updatedAt: Date
  version: number
  /** Whom it was told with, ascending; a person that was merged by hand stays named. */
  personIds: string[]
  /** By person: the role, for those who have one. */
  roles: Record<string, string>
  primaryPersonId: string | null
}

/** What a write is read against. */
export interface WriteFacts {
  outcomeOfStage: ReadonlyMap<string, OpportunityStatus>
  personOfLead: ReadonlyMap<string, string>
  /** For opportunities whose CRM names none. */
  currency: string
}

export interface Settled {
  before: OpportunityState | null
  after: OpportunityState
  written: EntityWritten
  /** Set when it entered another stage. */
  enteredAt: Date | null
  /** Set when an open one is expected to close on another day than before. */
  expectedAt: Date | null
}

const STAYS = { enteredAt: null, expectedAt: null }

/**
 * An opportunity after what a CRM says of it. What the write leaves out stays; its status is the CRM's, or else what its
 * stage stands for; a closing time is kept while it is closed and let go when it is reopened.
 */
export function applyWrite(
  before: OpportunityState | null,
  write: EntityWrite,
  facts: WriteFacts,
  now: Date,
): Settled {
  const changedAt = write.modifiedAt ?? now
  if (write.deleted && before !== null) {
    if (before.deletedAt !== null)
      return {
        before,
        after: before,
        written: { localId: before.id, outcome: 'unchanged' },
        ...STAYS,
      }
    const after = { ...before, deletedAt: changedAt, updatedAt: now, version: before.version + 1 }
    return { before, after, written: { localId: before.id, outcome: 'deleted' }, ...STAYS }
  }
  const after = stateAfter(before, write, facts, changedAt, now)
  if (before !== null && isSame(before, after)) {
    return {
      before,
      after: before,
      written: { localId: before.id, outcome: 'unchanged' },
      ...STAYS,
    }
  }
  const isExpectedAnew = after.status === 'open' && after.closesOn !== (before?.closesOn ?? null)
  const entersStage = after.stageId !== null && after.stageId !== before?.stageId
  const stageTime =
    timeOf(write.values, 'stageEnteredAt') ?? (before === null ? after.openedAt : changedAt)
  return {
    before,
    after,
    written: {
      localId: after.id,
      outcome: write.deleted ? 'deleted' : before === null ? 'created' : 'updated',
    },
    enteredAt: entersStage ? stageTime : null,
    expectedAt: isExpectedAnew ? changedAt : null,
  }
}

function stateAfter(
  before: OpportunityState | null,
  write: EntityWrite,
  { outcomeOfStage, personOfLead, currency }: WriteFacts,
  changedAt: Date,
  now: Date,
): OpportunityState {
  const { values } = write
  const stageId = referenceOf(write, 'stage', before?.stageId ?? null)
  const said = OpportunityStatus.safeParse(values['status'])
  const meant = stageId === null ? undefined : outcomeOfStage.get(stageId)
  // A write that names neither leaves the status as it was.
  const isStageTold = before === null || write.references['stage'] !== undefined
  const told = said.success ? said.data : isStageTold ? meant : undefined
  const status = told ?? before?.status ?? meant ?? 'open'
  const amount =
    'amountMinor' in values ? numberOf(values, 'amountMinor') : (before?.amountMinor ?? null)
  const code = CurrencyCode.safeParse(values['currency'])
  const people = peopleAfter(before, write, personOfLead)
  return {
    id: before?.id ?? newId('opp'),
    name: textOf(values, 'name') ?? before?.name ?? write.externalId,
    amountMinor: amount !== null && Number.isSafeInteger(amount) ? amount : null,
    currency: code.success ? code.data : (before?.currency ?? currency),
    status,
    pipelineId: referenceOf(write, 'pipeline', before?.pipelineId ?? null),
    stageId,
    ownerId: referenceOf(write, 'owner', before?.ownerId ?? null),
    openedAt: timeOf(values, 'openedAt') ?? before?.openedAt ?? changedAt,
    closedAt:
      status === 'open' ? null : (timeOf(values, 'closedAt') ?? before?.closedAt ?? changedAt),
    closesOn: 'closesOn' in values ? dayOf(values, 'closesOn') : (before?.closesOn ?? null),
    deletedAt: write.deleted ? changedAt : null,
    updatedAt: now,
    version: (before?.version ?? 0) + 1,
    ...people,
  }
}

type People = Pick<OpportunityState, 'personIds' | 'roles' | 'primaryPersonId'>

/** Where the CRM keeps no roles, those that are known stay. The main person is one of them all. */
function peopleAfter(
  before: OpportunityState | null,
  { references: { leads, primaryLead } }: EntityWrite,
  personOfLead: ReadonlyMap<string, string>,
): People {
  const held: People = before ?? { personIds: [], roles: {}, primaryPersonId: null }
  const named = leads?.flatMap(({ localId, role }) => {
    const personId = localId === null ? undefined : personOfLead.get(localId)
    return personId === undefined ? [] : [{ personId, role }]
  })
  const roles = named
    ? named.flatMap(({ personId, role }) => {
        const known = role === undefined ? held.roles[personId] : role?.slice(0, 100)
        return known ? [[personId, known] as const] : []
      })
    : Object.entries(held.roles)
  const personIds = named?.map(({ personId }) => personId) ?? held.personIds
  const [main] = primaryLead ?? []
  const told = main?.localId ? (personOfLead.get(main.localId) ?? null) : null
  const primary = primaryLead === undefined || (main && told === null) ? held.primaryPersonId : told
  return {
    personIds: [...new Set(personIds)].sort(),
    roles: Object.fromEntries(roles.toSorted(([a], [b]) => (a < b ? -1 : 1))),
    primaryPersonId: primary !== null && personIds.includes(primary) ? primary : null,
  }
}

function isSame(a: OpportunityState, b: OpportunityState): boolean {
  const told = ({ updatedAt: _at, version: _version, ...state }: OpportunityState) =>
    JSON.stringify(Object.entries(state).toSorted(([x], [y]) => (x < y ? -1 : 1)))
  return told(a) === told(b)
}

/** What other modules are told of a change. Ids and figures only. */
export function opportunityEvents({ before, after, written }: Settled): EventDraft[] {
  if (written.outcome === 'unchanged') return []
  const { id, status, amountMinor, currency, personIds } = after
  const tell = (event: string): EventDraft => ({
    event: `opportunity.${event}`,
    subjectId: id,
    data: { status, amountMinor, currency, personIds },
  })
  if (written.outcome === 'deleted') return [tell('deleted')]
  const first = tell(before === null ? 'created' : 'updated')
  const from = before === null || before.deletedAt !== null ? 'open' : before.status
  if (from === status) return [first]
  return [first, tell(status === 'open' ? 'reopened' : status)]
}

/** A lead with an opportunity has been qualified by sales; one that was turned down stays so. */
export function statusWithOpportunity(status: LeadStatus): LeadStatus {
  return status === 'new' || status === 'working' ? 'qualified' : status
}
