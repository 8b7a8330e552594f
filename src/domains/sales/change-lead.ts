import { nearestFlip } from '#analytics/scoring/nearest-flip.ts'
import { Problem } from '#core/problem.ts'
import type { OperationContext } from '#gateway/operation.ts'
import { openPersonal } from '#people/person.store.ts'
import type { Transaction } from '#store/store.ts'
import { jobTitlesOf } from './capture-leads.ts'
import { activeOverride, isChanged, type LeadState } from './lead.rules.ts'
import { findLeadWithPerson, listReceipts, toLead } from './lead-list.store.ts'
import type { LeadDetail, LeadFlip } from './lead.schema.ts'
import { lockLeads } from './lead.store.ts'
import { modelOf, progressLeads } from './progress.ts'
import { scoredFacts, type ScoreCause } from './progress.rules.ts'
import { refuseOldVersion } from './routing.operations.ts'
import { findSettings, listTouches } from './score.store.ts'
import { findTaskOfLead } from './task.store.ts'

const RECEIPTS_SHOWN = 100

/**
 * The lead with everything that explains it.
 * @throws Problem `resource.not_found`; `resource.gone` for a lead that another one took in.
 */
export async function readLead(tx: Transaction, leadId: string, now: Date): Promise<LeadDetail> {
  const { lead, personal } = await getLead(tx, leadId)
  const task = await findTaskOfLead(tx, leadId)
  const { region, industry, employees, domain } = lead.attributes
  const { score, scoreVersion, scoredAt, scoreParts, routing, custom } = lead
  return {
    ...toLead(tx, lead, personal, now),
    phone: openPersonal(tx, lead.personId, personal).phone ?? null,
    region,
    industry,
    employees,
    companyDomain: domain,
    custom: custom ?? {},
    scoring: {
      computed: score,
      modelVersion: scoreVersion,
      scoredAt,
      contributions: scoreParts,
      override: activeOverride(lead, now),
    },
    routing,
    task:
      task === null
        ? null
        : { id: task.id, state: task.state, dueAt: task.dueAt, escalatedAt: task.escalatedAt },
    captures: await listReceipts(tx, leadId, RECEIPTS_SHOWN),
  }
}

/** What a lead is by nature: nobody can change it to get another score. */
const NOT_PROPOSED = new Set(['isCustomer', 'channel'])

/**
 * The smallest change that would put the lead on the other side of the threshold, by the rules in use; overrides aside.
 * @throws Problem as `readLead`.
 */
export async function findFlip(tx: Transaction, leadId: string, now: Date): Promise<LeadFlip> {
  const { lead, personal } = await getLead(tx, leadId)
  const { personId } = lead
  const [settings, touches] = await Promise.all([findSettings(tx), listTouches(tx, [personId])])
  const { rules, version } = modelOf(settings)
  const facts = scoredFacts(lead, {
    jobTitle: jobTitlesOf(tx, [{ personId, personal }]).get(personId) ?? null,
    touches: touches.get(personId) ?? [],
  })
  const isAllowed = (attribute: string) => !NOT_PROPOSED.has(attribute)
  const flip = nearestFlip(facts, rules, now.getTime(), isAllowed)
  return { id: lead.id, ownerId: lead.ownerId, modelVersion: version, ...flip }
}

async function getLead(
  tx: Transaction,
  leadId: string,
): Promise<{ lead: LeadState; personal: Buffer | null }> {
  const found = await findLeadWithPerson(tx, leadId)
  if (found === null) throw new Problem('resource.not_found', 'There is no lead with this id.')
  if (found.mergedInto !== null) {
    throw new Problem(
      'resource.gone',
      `The lead was merged into ${found.mergedInto}: use that one.`,
    )
  }
  return found
}

/**
 * Changes a lead and takes it through all that follows: score, owner, tasks. Writes nothing when nothing differs.
 *
 * @param change  the lead as it is to be; the same object when there is nothing to do.
 * @throws Problem as `readLead`, and `resource.version_mismatch` under an If-Match that is not met.
 */
export async function changeLead(
  {
    tx,
    now,
    emit,
    expectedVersion,
  }: Pick<OperationContext, 'tx' | 'now' | 'emit' | 'expectedVersion'>,
  leadId: string,
  cause: ScoreCause,
  change: (lead: LeadState) => LeadState,
): Promise<{ before: LeadState; after: LeadState }> {
  await lockLeads(tx)
  const { lead: before, personal } = await getLead(tx, leadId)
  refuseOldVersion(expectedVersion, before.version)
  const changed = change(before)
  const settings = await findSettings(tx)
  const jobTitles = jobTitlesOf(tx, [{ personId: before.personId, personal }])
  const progressed = await progressLeads(tx, [{ before, after: changed }], {
    settings,
    jobTitles,
    cause,
    now,
  })
  const [draft] = progressed.drafts
  const after = draft?.after ?? changed
  if (isChanged({ before, after })) {
    emit({ event: 'lead.updated', subjectId: leadId, data: { personId: after.personId } })
  }
  for (const event of progressed.events) emit(event)
  return { before, after }
}
