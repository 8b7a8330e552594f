import { Problem } from '#core/problem.ts'
import type { OperationContext, Settled } from '#gateway/operation.ts'
import { jobTitlesOf } from './capture-leads.ts'
import { isChanged, type LeadDraft, type LeadState } from './lead.rules.ts'
import type { DecidedLead } from './lead.schema.ts'
import { findLeads, findPersonals, lockLeads } from './lead.store.ts'
import { progressLeads } from './progress.ts'
import { findSettings } from './score.store.ts'

/** A lead that a decision of many is about, as it was and as it is. */
interface Decided<Input> extends LeadDraft {
  input: Input
  before: LeadState
}

/**
 * Changes many leads and takes them through all that follows, with so many statements as for one. A lead that cannot be changed
 * so refuses its own item and no other; each that differs has an audit entry with before and after.
 *
 * @param change  the lead as it is to be; the same object when there is nothing to do. It may throw a Problem.
 * @param after  what else follows for those that differ.
 */
export async function decideLeads<Input extends { leadId: string }>(
  inputs: readonly Input[],
  context: OperationContext,
  action: string,
  change: (lead: LeadState, input: Input) => LeadState,
  after: (decided: readonly Decided<Input>[]) => Promise<void> | void,
): Promise<Settled<DecidedLead>[]> {
  const { tx, now } = context
  await lockLeads(tx)
  const held = await findLeads(tx, { ids: [...new Set(inputs.map(({ leadId }) => leadId))] })
  const left = new Map<string, LeadState>(held.map((lead) => [lead.id, lead]))
  const known = new Set(left.keys())
  const planned = inputs.map((input): Problem | LeadDraft => {
    const before = left.get(input.leadId)
    left.delete(input.leadId)
    if (before === undefined) return absent(known.has(input.leadId))
    try {
      return { before, after: change(before, input) }
    } catch (thrown) {
      if (thrown instanceof Problem) return thrown
      throw thrown
    }
  })
  const drafts = planned.filter((one): one is LeadDraft => !(one instanceof Problem))
  const people = await findPersonals(
    tx,
    drafts.map((draft) => draft.after.personId),
  )
  const progressed = await progressLeads(tx, drafts, {
    settings: await findSettings(tx),
    jobTitles: jobTitlesOf(tx, people),
    cause: 'change',
    now,
  })
  const settled = new Map(progressed.drafts.map((draft) => [draft.after.id as string, draft]))
  const differ: Decided<Input>[] = []
  const outcomes = planned.map((one, i): Settled<DecidedLead> => {
    if (one instanceof Problem) return { kind: 'refused', problem: one }
    const draft = settled.get(one.after.id)!
    const { before } = draft
    if (before !== null && before !== draft.after)
      differ.push({ ...draft, before, input: inputs[i]! })
    return { kind: 'done', output: toDecided(draft.after) }
  })
  for (const draft of differ) {
    const { id, personId } = draft.after
    if (isChanged(draft)) context.emit({ event: 'lead.updated', subjectId: id, data: { personId } })
    context.audit({ action, subjectId: id, detail: { changed: changesOf(draft) } })
  }
  for (const event of progressed.events) context.emit(event)
  await after(differ)
  return outcomes
}

function absent(isRepeated: boolean): Problem {
  return isRepeated
    ? new Problem('request.invalid', 'The lead is named twice: leave the second out.')
    : new Problem('resource.not_found', 'There is no lead with this id, or it went into another.')
}

function toDecided({ id, status, ownerId, disposition, version }: LeadState): DecidedLead {
  return { id, status, ownerId, disposition, version }
}

const TOLD = ['status', 'disposition', 'ownerId'] as const

function changesOf({ before, after }: { before: LeadState; after: LeadState }) {
  return Object.fromEntries(
    TOLD.filter((name) => before[name] !== after[name]).map((name) => [
      name,
      [before[name], after[name]],
    ]),
  )
}
