import type { SandboxClock } from '#sandbox/clock.ts'
import type { Fault } from '#sandbox/faults.ts'
import type { Quota } from './limits.ts'
import { DEFAULT_STAGES } from './objects.ts'
import type { StageSeed } from './objects.ts'
import type { Change, OrgState } from './state.ts'
import type { BulkJobs } from './bulk-jobs.ts'
import type { Found } from './soql-run.ts'

/** How the org behaves; everything may be changed while it runs. */
export interface OrgSettings {
  /** The newest version; versions from 31 on are answered as well. */
  apiVersion: string
  name: string
  /** Sessions end after so long without a call. Salesforce docs: session settings, 15 min to 24 h. */
  sessionTimeoutMs: number
  /** How far the org's clock is ahead of the sandbox's; below 0 when it is behind. */
  clockSkewMs: number
  /** Bulk jobs are done so long after they were closed. */
  bulkDelayMs: number
  /** Every next job fails after so many rows, and the rest stays unprocessed; null for no failure. */
  bulkFailsAfterRows: number | null
  /** Who new leads go to unless the call says `Sforce-Auto-Assign: FALSE`; null without a rule. */
  leadAssignmentOwnerId: string | null
  /** False: the user may not make fields. */
  mayCustomize: boolean
  /** Salesforce docs: query cursors a user may hold open; the oldest goes first. */
  maxOpenCursors: number
}

export const DEFAULT_SETTINGS: OrgSettings = {
  apiVersion: '67.0',
  name: 'Sandbox Org',
  sessionTimeoutMs: 2 * 3_600_000,
  clockSkewMs: 0,
  bulkDelayMs: 0,
  bulkFailsAfterRows: null,
  leadAssignmentOwnerId: null,
  mayCustomize: true,
  maxOpenCursors: 10,
}

/** The External Client App that the hub is to the org. Salesforce docs: external client apps. */
export interface OauthApp {
  /** The consumer key. */
  clientId: string
  clientSecret: string
  redirectUris: string[]
  scopes: string[]
  /** PEM; proves assertions of the JWT bearer flow. Null: the app has no certificate. */
  publicKey: string | null
  /** Each refresh gives a new refresh token, and the old one is dead. */
  rotatesRefreshTokens: boolean
  /** Whom the client credentials flow runs as; null: not set up. */
  runAsUserId: string | null
}

/** A rule of the customer's own that refuses rows. Salesforce docs: validation rules. */
export interface ValidationRule {
  object: string
  name: string
  /** Refused is what fits this condition of SOQL (a formula in the real product). */
  refuses: string
  message: string
  /** The field the message stands beside; none: at the top of the page. */
  field?: string
}

/** Salesforce docs: duplicate rules, matching rules. */
export interface DuplicateRule {
  object: string
  name: string
  /** All of these are equal in both rows, in any case, and none is empty. */
  matchesOn: string[]
  /** `block` refuses; `alert` lets through calls that say `allowSave=true`. */
  action: 'block' | 'alert'
}

/** Everything the routes of one org share. */
export interface Org {
  state: OrgState
  clock: SandboxClock
  settings: OrgSettings
  quota: Quota
  oauthApp: OauthApp
  /** Sessions that never time out, for tests. */
  staticTokens: Map<string, { userId: string }>
  validationRules: ValidationRule[]
  duplicateRules: DuplicateRule[]
  /** Open query cursors by id, oldest first. */
  cursors: Map<string, { found: Found; pageSize: number }>
  /** Stages that a record type shows, by its id; all when it is not named. */
  stagesByType: Map<string, string[]>
  jobs: BulkJobs
  /** What a long transaction will commit, and when. */
  late: { visibleAtMs: number; changes: Change[] }[]
  /** Counts rows for faults that hit every nth; goes on from call to call. */
  rowCounters: Map<string, number>
  organizationId: string
  adminId: string
  /** `/services/data/v67.0` */
  basePath: string
  /** The org's time, whole seconds, epoch milliseconds. */
  now(): number
}

/** Who a call is from. */
export interface Caller {
  userId: string
  token: string
}

/** The first user, the stages and the row of the org itself. */
export function furnish(org: Org): void {
  const { state } = org
  const atMs = org.now()
  const system = {
    createdAtMs: atMs,
    modifiedAtMs: atMs,
    stampMs: atMs,
    createdBy: org.adminId,
    modifiedBy: org.adminId,
    isDeleted: false,
  }
  state.put('User', {
    ...system,
    id: state.nextId('User'),
    values: {
      LastName: 'Integration',
      FirstName: 'Hub',
      Name: 'Hub Integration',
      Username: 'hub@example.com.sandbox',
      Email: 'hub@example.com',
      IsActive: true,
      UserType: 'Standard',
      TimeZoneSidKey: 'Europe/Berlin',
    },
  })
  state.put('Organization', {
    ...system,
    id: state.nextId('Organization'),
    values: {
      Name: org.settings.name,
      InstanceName: 'SBX1',
      OrganizationType: 'Enterprise Edition',
      IsSandbox: true,
      TimeZoneSidKey: 'Europe/Berlin',
    },
  })
  putStages(org, DEFAULT_STAGES)
}

/** Puts these stages in the place of all there were; the others become inactive. */
export function putStages(org: Org, stages: readonly StageSeed[]): void {
  const { state } = org
  const atMs = org.now()
  const table = state.table('OpportunityStage')
  const before = [...table.all()]
  const names = new Set(stages.map((stage) => stage.name))
  for (const row of before) {
    if (names.has(String(row.values['ApiName']))) continue
    const values = { ...row.values, IsActive: false }
    state.put('OpportunityStage', { ...row, values, stampMs: atMs, modifiedAtMs: atMs })
  }
  for (const [i, stage] of stages.entries()) {
    const known = table.findBy('ApiName', stage.name)?.[0]
    state.put('OpportunityStage', {
      id: known?.id ?? state.nextId('OpportunityStage'),
      createdAtMs: known?.createdAtMs ?? atMs,
      modifiedAtMs: atMs,
      stampMs: atMs,
      createdBy: org.adminId,
      modifiedBy: org.adminId,
      isDeleted: false,
      values: {
        ApiName: stage.name,
        MasterLabel: stage.name,
        IsActive: true,
        IsClosed: stage.isClosed ?? false,
        IsWon: stage.isWon ?? false,
        DefaultProbability: stage.probability,
        ForecastCategoryName: stage.forecast,
        SortOrder: i + 1,
      },
    })
  }
  const field = state.object('Opportunity').fields.get('StageName')
  if (!field) return
  const picklist = [...table.all()].map(({ values }) => ({
    value: String(values['ApiName']),
    isActive: values['IsActive'] === true,
  }))
  state.commit([{ do: 'field', object: 'Opportunity', field: { ...field, picklist } }])
}

/** True for every nth row that meets this fault, counted over all calls. */
export function hitsRow(org: Org, fault: Extract<Fault, { everyNth: number }>): boolean {
  const key = `${fault.kind} ${fault.everyNth}`
  const n = (org.rowCounters.get(key) ?? 0) + 1
  org.rowCounters.set(key, n)
  return n % fault.everyNth === 0
}

/** Commits what other people's long transactions have written by now. */
export function commitLate(org: Org): void {
  const nowMs = org.clock.now()
  const due = org.late.filter((each) => each.visibleAtMs <= nowMs)
  if (due.length === 0) return
  org.late = org.late.filter((each) => each.visibleAtMs > nowMs)
  for (const { changes } of due) org.state.commit(changes)
}
