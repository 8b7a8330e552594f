import { SECOND_MS } from '#core/time.ts'
import { VendorFault, type PushChange, type PushResult } from '#sync/connector.ts'
import type { HubspotRecord } from './answers.ts'
import { CampaignFinder, findOf } from './campaign-finder.ts'
import { campaignToCandidate } from './campaign-mapping.ts'
import { MOST_CAMPAIGNS, type HubspotClient } from './client.ts'
import { codeOf, propertiesOf, type RowError } from './errors.ts'
import { textsOf } from './mapping.ts'

/** How long the list may lag behind a write. */
const LAG_MS = 5 * SECOND_MS

/** What became of each change. */
type Results = Map<PushChange, PushResult>

/**
 * Writes campaigns, 50 a call. HubSpot has no key to write them under: before one is made it is looked for by its UTM value, which is
 * the key here, and one that is there is given back as it is. After a call without an answer the list is looked at once more when it
 * must show what the call made.
 *
 * A refused row of a batch is not named: those of which the answer does not tell are sent again by halves until one stands alone.
 */
export class CampaignPusher {
  readonly #client: HubspotClient
  readonly #finder: CampaignFinder
  readonly #wait: (durationMs: number, signal: AbortSignal) => Promise<void>
  /** Of campaigns, by our id, of which nobody knows whether they were made. */
  readonly #unanswered = new Set<string>()

  /** @param wait  the pause of the connection. */
  constructor(
    client: HubspotClient,
    wait: (durationMs: number, signal: AbortSignal) => Promise<void>,
  ) {
    this.#client = client
    this.#finder = new CampaignFinder(client)
    this.#wait = wait
  }

  /** @throws VendorFault for what is not the fault of single campaigns. */
  async push(changes: readonly PushChange[], signal: AbortSignal): Promise<PushResult[]> {
    const results: Results = new Map()
    const deleted = changes.filter((change) => change.deleted)
    if (deleted.length > 0) await this.#remove(deleted, results, signal)
    const linked = changes.filter(({ externalId, deleted }) => externalId !== null && !deleted)
    for (const part of partsOf(linked)) await this.#update(part, results, signal)
    const fresh = changes.filter(({ externalId }) => externalId === null)
    for (const part of partsOf(fresh)) await this.#make(part, results, signal)
    return changes.map((change) => results.get(change) ?? incomplete())
  }

  async #remove(
    changes: readonly PushChange[],
    results: Results,
    signal: AbortSignal,
  ): Promise<void> {
    for (const part of partsOf(changes)) {
      const ids = part.map(({ externalId }) => externalId ?? '')
      await this.#client.archiveCampaigns(ids, signal)
      for (const id of ids) this.#finder.forget(id)
      for (const change of part) results.set(change, written(change.externalId ?? '', false))
    }
  }

  async #update(
    changes: readonly PushChange[],
    results: Results,
    signal: AbortSignal,
  ): Promise<void> {
    const inputs = changes.map(({ externalId, properties }) => ({
      id: externalId ?? '',
      properties: textsOf(properties),
    }))
    const changeOf = new Map(changes.map((change) => [change.externalId, change]))
    await this.#write('update', changes, inputs, results, signal, (campaign) =>
      changeOf.get(campaign.id),
    )
  }

  /** Looks for campaigns, then makes those that are not there. */
  async #make(
    changes: readonly PushChange[],
    results: Results,
    signal: AbortSignal,
  ): Promise<void> {
    const find = async () => {
      await this.#finder.look(signal)
      return new Map(
        changes.flatMap((change) => {
          const isDoubtful = this.#unanswered.has(change.record.localId)
          const campaign = this.#finder.find(change, isDoubtful)
          return campaign ? [[change, campaign] as const] : []
        }),
      )
    }
    let found = await find()
    const isOpen = (change: PushChange) => !found.has(change)
    if (changes.some((one) => isOpen(one) && this.#unanswered.has(one.record.localId))) {
      await this.#wait(LAG_MS, signal)
      found = await find()
    }
    for (const [change, campaign] of found) {
      const { localId } = change.record
      this.#unanswered.delete(localId)
      const now = { ...campaignToCandidate(campaign, null), localId }
      results.set(change, { kind: 'exists', externalId: campaign.id, now })
    }
    const missing = changes.filter(isOpen)
    if (missing.length > 0) await this.#create(missing, results, signal)
  }

  async #create(
    changes: readonly PushChange[],
    results: Results,
    signal: AbortSignal,
  ): Promise<void> {
    const inputs = changes.map(({ properties }) => ({ properties: filledOf(properties) }))
    const ids = changes.map(({ record }) => record.localId)
    for (const id of ids) this.#unanswered.add(id)
    try {
      await this.#write('create', changes, inputs, results, signal, (campaign) =>
        findOf(
          campaign,
          changes.filter((change) => !results.has(change)),
        ),
      )
    } catch (error) {
      // What was refused as a whole has made nothing.
      const isLost = error instanceof VendorFault && error.kind === 'transient'
      if (!isLost) for (const id of ids) this.#unanswered.delete(id)
      throw error
    }
    for (const id of ids) this.#unanswered.delete(id)
  }

  /**
   * Sends a batch and takes down what became of its rows.
   * @param changeOf  the change that a campaign of the answer is of.
   */
  async #write(
    action: 'create' | 'update',
    changes: readonly PushChange[],
    inputs: readonly { id?: string; properties: Record<string, string> }[],
    results: Results,
    signal: AbortSignal,
    changeOf: (campaign: HubspotRecord) => PushChange | undefined,
  ): Promise<void> {
    const only = changes.length === 1 ? changes[0] : undefined
    const answer = await this.#client
      .writeCampaigns(action, inputs, signal)
      .catch((fault: unknown) => {
        if (isOfRows(fault)) return fault
        throw fault
      })
    if (answer instanceof VendorFault) {
      if (!only) return this.#again(changes, results, signal)
      const kind = answer.kind === 'gone' ? 'gone' : 'record'
      results.set(only, refused(kind, answer.code ?? 'UNKNOWN', answer.message))
      return
    }
    const { errors } = answer
    for (const campaign of answer.results) {
      if (action === 'create') this.#finder.note(campaign)
      const change = only ?? changeOf(campaign)
      const now = campaignToCandidate(campaign, null)
      if (change) results.set(change, { ...written(campaign.id, action === 'create'), now })
    }
    for (const error of errors) {
      const ids = error.context['ids'] ?? error.context['id'] ?? []
      for (const change of changes) {
        if (ids.includes(change.externalId ?? '')) results.set(change, refusedRow(error))
      }
    }
    const untold = changes.filter((change) => !results.has(change))
    const [error] = errors
    // More without an outcome than were refused: some of them may be there, and the next run looks.
    if (!error || (action === 'create' && untold.length > errors.length)) return
    if (untold.length === 0) return
    if (only) results.set(only, refusedRow(error))
    else await this.#again(untold, results, signal)
  }

  /** Sends by halves what may hold a row that is refused. */
  async #again(
    changes: readonly PushChange[],
    results: Results,
    signal: AbortSignal,
  ): Promise<void> {
    const middle = Math.max(1, changes.length >> 1)
    for (const part of [changes.slice(0, middle), changes.slice(middle)]) {
      if (part.length === 0) continue
      if (part[0]?.externalId === null) await this.#create(part, results, signal)
      else await this.#update(part, results, signal)
    }
  }
}

function partsOf(changes: readonly PushChange[]): PushChange[][] {
  const parts: PushChange[][] = []
  for (let from = 0; from < changes.length; from += MOST_CAMPAIGNS) {
    parts.push(changes.slice(from, from + MOST_CAMPAIGNS))
  }
  return parts
}

/** What a new campaign has; a blank of one that is not there yet empties nothing. */
function filledOf(properties: PushChange['properties']): Record<string, string> {
  return Object.fromEntries(Object.entries(textsOf(properties)).filter(([, text]) => text !== ''))
}

/** Whether a fault may be that of a single row. */
function isOfRows(fault: unknown): fault is VendorFault {
  if (!(fault instanceof VendorFault)) return false
  return ['mapping', 'conflict'].includes(fault.kind) || fault.code === 'OBJECT_NOT_FOUND'
}

function written(externalId: string, created: boolean) {
  return { kind: 'written', externalId, created } as const
}

function refusedRow(error: RowError): PushResult {
  const names = propertiesOf(error)
  const kind = error.category === 'OBJECT_NOT_FOUND' ? 'gone' : 'record'
  return refused(kind, codeOf(error), names.length > 0 ? `Properties: ${names.join(', ')}.` : '')
}

function incomplete(): PushResult {
  return refused('transient', 'ANSWER_INCOMPLETE', 'HubSpot gave no outcome for this campaign.')
}

function refused(fault: 'record' | 'gone' | 'transient', code: string, detail: string): PushResult {
  return { kind: 'refused', fault, code, detail }
}
