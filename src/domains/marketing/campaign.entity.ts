import { newId } from '#core/id.ts'
import type { EventDraft } from '#jobs/job.ts'
import type { Transaction } from '#store/store.ts'
import type { Entity, EntityField, EntityRecord, EntityWritten, FieldValue } from '#sync/entity.ts'
import { keysFor, labelOf, syncedCampaign } from './campaign.rules.ts'
import type { Campaign } from './campaign.schema.ts'
import {
  findKeysLike,
  findLivingCampaigns,
  insertChannels,
  listCampaignIds,
  matchCampaigns,
  saveCampaigns,
} from './campaign.store.ts'

const fields: readonly EntityField[] = [
  { name: 'name', label: 'Name', type: 'text' },
  // Touches find their campaign by it: it stays, whatever a CRM does to its own.
  { name: 'key', label: 'Key', type: 'text', fixed: true },
  { name: 'channel', label: 'Channel', type: 'choice' },
  { name: 'status', label: 'Status', type: 'choice', usual: 'planned' },
  { name: 'startsOn', label: 'First day', type: 'date' },
  { name: 'endsOn', label: 'Last day', type: 'date' },
  { name: 'budgetMinor', label: 'Budget', type: 'money', critical: true },
  { name: 'currency', label: 'Currency', type: 'choice' },
]

/**
 * Campaigns as CRMs have them. One that is deleted there stays here without its link: touches, budgets and credits stand on it.
 * One that is deleted here stays there: it would take its members and their history along.
 */
export const campaignEntity: Entity = {
  name: 'campaign',
  fields,
  pushAfter: ['campaign.created', 'campaign.updated'],
  listIds: listCampaignIds,
  async load(tx, localIds) {
    return (await findLivingCampaigns(tx, localIds, 'read')).map(toRecord)
  },
  /** The same key, else the same name and first day: names alone come again every year. */
  match: (tx, candidates) =>
    matchCampaigns(
      tx,
      candidates.map(({ values }) => ({
        key: textOf(values['key']),
        name: textOf(values['name']),
        startsOn: textOf(values['startsOn']),
      })),
    ),
  async write(tx, writes, now) {
    const known = writes.flatMap(({ localId }) => localId ?? [])
    const held = new Map<string, Campaign>(
      (await findLivingCampaigns(tx, known, 'lock')).map((one) => [one.id, one]),
    )
    const made = writes.filter(({ localId }) => localId === null)
    const keys = keysFor(made, await findKeysLike(tx, keysFor(made, new Set())))
    const changed = new Map<string, Campaign>()
    const written = writes.map((write): EntityWritten => {
      const before = write.localId === null ? null : (held.get(write.localId) ?? null)
      if (write.deleted && write.localId !== null)
        return { localId: write.localId, outcome: 'deleted' }
      const key = before?.key ?? keys.shift() ?? write.externalId
      const after = syncedCampaign(before, write, { id: newId('cmp'), key }, now)
      held.set(after.id, after)
      changed.set(after.id, after)
      return { localId: after.id, outcome: before === null ? 'created' : 'updated' }
    })
    await save(tx, [...changed.values()], now)
    const events = written.flatMap(({ localId, outcome }): EventDraft[] =>
      outcome === 'deleted' ? [] : [{ event: `campaign.${outcome}`, subjectId: localId }],
    )
    return { written, events }
  },
}

function textOf(value: FieldValue | undefined): string | null {
  return typeof value === 'string' ? value : null
}

function toRecord(campaign: Campaign): EntityRecord {
  const { id, key, name, channel, status, startsOn, endsOn, budgetMinor, currency } = campaign
  return {
    localId: id,
    values: { name, key, channel, status, startsOn, endsOn, budgetMinor, currency },
    changedAt: campaign.updatedAt,
  }
}

async function save(tx: Transaction, campaigns: readonly Campaign[], now: Date): Promise<void> {
  if (campaigns.length === 0) return
  const channels = campaigns.map(({ channel }) => [channel, labelOf(channel)] as const)
  await insertChannels(tx, Object.fromEntries(channels), now)
  await saveCampaigns(tx, campaigns)
}
