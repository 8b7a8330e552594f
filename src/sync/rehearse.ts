import type { Transaction } from '#store/store.ts'
import { listFieldChanges, type ChangeRow } from './change.store.ts'
import type { FieldValue } from './entity.ts'
import { decideField, isSame, type FieldRule, type Verdict } from './merge.ts'
import type { FieldChange } from './merge-record.ts'

const PAGE = 1000
/** Changes looked at in one rehearsal; more than that is told as cut off. */
const MAX_CHANGES = 200_000
const MAX_EXAMPLES = 50

export interface Rehearsal {
  changes: number
  records: number
  isCutOff: boolean
  /** Decisions that would have come out otherwise, by what was and what would have been. */
  moved: { from: Outcome; to: Outcome; count: number }[]
  /** Of them: records whose field would hold another value in the hub, or in the CRM. */
  hubDiffers: number
  crmDiffers: number
  asked: { before: number; after: number }
  examples: RehearsedChange[]
}

export type Outcome = 'hub' | 'crm' | 'ask' | 'unsynced'

export interface RehearsedChange {
  at: Date
  localId: string
  externalId: string
  from: Outcome
  to: Outcome
  hub: FieldValue
  crm: FieldValue
}

/**
 * Decides the recorded changes of a field once more under another policy. Nothing is written. Each decision is judged with
 * the values that met then: what a different outcome would have led to later is not played on.
 */
export async function rehearsePolicy(
  tx: Transaction,
  place: { connectionId: string; entity: string; field: string; from: Date },
  rule: FieldRule,
): Promise<Rehearsal> {
  const records = new Set<string>()
  const moved = new Map<string, Rehearsal['moved'][number]>()
  const result: Rehearsal = {
    changes: 0,
    records: 0,
    isCutOff: false,
    moved: [],
    hubDiffers: 0,
    crmDiffers: 0,
    asked: { before: 0, after: 0 },
    examples: [],
  }
  let after = ''
  for (let rows: ChangeRow[] = []; ;) {
    rows = await listFieldChanges(tx, place, after, PAGE)
    const last = rows.at(-1)
    if (!last) break
    after = last.id
    for (const row of rows) {
      for (const change of row.changes) {
        if (change.field !== place.field || !isDecision(change)) continue
        result.changes += 1
        records.add(row.localId)
        weigh(result, moved, row, change, rule)
      }
    }
    if (result.changes >= MAX_CHANGES) {
      result.isCutOff = true
      break
    }
  }
  return { ...result, records: records.size, moved: [...moved.values()] }
}

/** A contested `send` is followed by its `sent`: only the first is a decision. */
function isDecision({ verdict, contested }: FieldChange): boolean {
  return (
    verdict === 'take' ||
    verdict === 'ask' ||
    verdict === 'send' ||
    (verdict === 'sent' && !contested)
  )
}

function weigh(
  result: Rehearsal,
  moved: Map<string, Rehearsal['moved'][number]>,
  { at, localId, externalId }: ChangeRow,
  change: FieldChange,
  rule: FieldRule,
): void {
  const from = outcomeOf(change.verdict)
  const to = rehearse(change, rule)
  if (from === 'ask') result.asked.before += 1
  if (to === 'ask') result.asked.after += 1
  if (from === to) return
  const key = `${from}:${to}`
  const known = moved.get(key) ?? { from, to, count: 0 }
  known.count += 1
  moved.set(key, known)
  const isOther = !isSame(change.ours, change.theirs)
  if (isOther && (from === 'crm') !== (to === 'crm')) result.hubDiffers += 1
  if (isOther && (from === 'hub') !== (to === 'hub')) result.crmDiffers += 1
  if (result.examples.length < MAX_EXAMPLES) {
    result.examples.push({
      at,
      localId,
      externalId,
      from,
      to,
      hub: change.ours,
      crm: change.theirs,
    })
  }
}

/** What the rule makes of the values that met then. Pure. */
export function rehearse(change: FieldChange, rule: FieldRule): Outcome {
  const { verdict, contested, base, ours, theirs } = change
  const isHubOnly = verdict === 'sent'
  const sides = {
    base: {
      ours: base,
      // Of an uncontested change one side had not moved: its base is what it had.
      theirs: isHubOnly ? theirs : base,
    },
    ours: !contested && verdict === 'take' ? base : ours,
    theirs,
    oursAt: change.oursAt === null ? null : new Date(change.oursAt),
    theirsAt: change.theirsAt === null ? null : new Date(change.theirsAt),
  }
  return outcomeOf(decideField(rule, sides).verdict)
}

function outcomeOf(verdict: Verdict | FieldChange['verdict']): Outcome {
  switch (verdict) {
    case 'take':
      return 'crm'
    case 'send':
    case 'sent':
      return 'hub'
    case 'ask':
      return 'ask'
    case 'same':
    case 'agree':
    case 'covered':
    case 'chosen':
    case 'undone':
      return 'unsynced'
  }
}
