import { newId } from '#core/id.ts'
import type { Capture, TouchCapture, Utm } from '#people/capture.ts'
import { channelKey, classifyChannel, isWellKnownChannel } from '#people/channel.rules.ts'
import { readLanding, type Landing } from '#people/landing.rules.ts'
import {
  findByMessages,
  findCampaigns,
  insertTouchpoints,
  type KnownCampaign,
  type NewChannel,
  type NewTouchpoint,
} from '#people/touchpoint.store.ts'
import type { Transaction } from '#store/store.ts'

/** The touchpoint of one capture, new or the one that the same message made before. */
export interface RecordedTouch {
  id: string
  isNew: boolean
  channel: string
  campaignId: string | null
}

/**
 * Writes the touches of captures whose people are known. A message that its source sent before
 * writes nothing and answers the touchpoint that it made the first time.
 *
 * @param personIds  the person of each capture.
 * @param homes  whom each capture names, when that one was merged into the person by hand.
 * @returns for each capture its touchpoint, null where it has no touch.
 */
export async function recordTouches(
  tx: Transaction,
  captures: readonly Capture[],
  personIds: readonly string[],
  homes: readonly (string | null)[],
  now: Date,
): Promise<(RecordedTouch | null)[]> {
  const read = captures.map(({ touch }) => (touch === null ? null : readTouch(touch)))
  const campaigns = await findTouchedCampaigns(tx, captures, read)
  const byMessage = new Map<string, NewTouchpoint>()
  const touches = captures.map((capture, i) => {
    const evidence = read[i]
    if (capture.touch === null || evidence == null) return null
    const owner = { personId: personIds[i]!, capturedAs: homes[i] ?? null }
    const draft = draftTouch(capture.source, capture.touch, evidence, campaigns, owner)
    if (draft.messageId === null) return { draft, isFirst: true }
    const message = messageKey(draft.source, draft.messageId)
    const first = byMessage.get(message)
    if (first === undefined) byMessage.set(message, draft)
    return { draft: first ?? draft, isFirst: first === undefined }
  })
  const drafts = touches.flatMap((touch) => (touch?.isFirst === true ? [touch.draft] : []))
  if (drafts.length === 0) return touches.map(() => null)
  const inserted = await insertTouchpoints(tx, drafts, newChannels(captures, drafts), now)
  const seen = await findSeen(
    tx,
    drafts.filter((draft) => !inserted.has(draft.id)),
  )
  return touches.map((touch) => {
    if (touch === null) return null
    const { draft, isFirst } = touch
    if (inserted.has(draft.id)) {
      const { id, channel, campaignId } = draft
      return { id, isNew: isFirst, channel, campaignId }
    }
    const earlier = seen.get(messageKey(draft.source, draft.messageId!))
    if (earlier === undefined) throw new Error('A touchpoint that was not inserted exists already.')
    return {
      id: earlier.id,
      isNew: false,
      channel: earlier.channel,
      campaignId: earlier.campaignId,
    }
  })
}

/** What a touch says of where it came from: its own utm, or what its page's address holds. */
function readTouch(touch: TouchCapture): Landing & { referrer: string | null } {
  const url = textOf(touch.detail, 'url')
  const landing = url === null ? { utm: {}, clickIds: {}, host: null } : readLanding(url)
  const given = touch.detail?.['clickIds']
  const clickIds = isRecord(given) ? { ...landing.clickIds, ...textsOf(given) } : landing.clickIds
  const utm = touch.utm === undefined ? landing.utm : { ...landing.utm, ...touch.utm }
  return {
    utm: cleanUtm(utm),
    clickIds,
    host: landing.host,
    referrer: textOf(touch.detail, 'referrer'),
  }
}

interface TouchedCampaigns {
  byId: ReadonlyMap<string, KnownCampaign>
  byKey: ReadonlyMap<string, KnownCampaign>
}

async function findTouchedCampaigns(
  tx: Transaction,
  captures: readonly Capture[],
  read: readonly ({ utm: Utm } | null)[],
): Promise<TouchedCampaigns> {
  const ids = new Set(captures.flatMap(({ touch }) => touch?.campaignId ?? []))
  const keys = new Set(read.flatMap((evidence) => campaignKey(evidence?.utm.campaign) ?? []))
  if (ids.size === 0 && keys.size === 0) return { byId: new Map(), byKey: new Map() }
  const campaigns = await findCampaigns(tx, [...ids], [...keys])
  return {
    byId: new Map(campaigns.map((campaign) => [campaign.id, campaign])),
    byKey: new Map(campaigns.map((campaign) => [campaign.key, campaign])),
  }
}

function draftTouch(
  source: string,
  touch: TouchCapture,
  evidence: Landing & { referrer: string | null },
  campaigns: TouchedCampaigns,
  owner: Pick<NewTouchpoint, 'personId' | 'capturedAs'>,
): NewTouchpoint {
  const { utm, clickIds, referrer, host: pageHost } = evidence
  const campaign =
    campaigns.byId.get(touch.campaignId ?? '') ??
    campaigns.byKey.get(campaignKey(utm.campaign) ?? '')
  const { channel: given, kind, occurredAt } = touch
  const channel = classifyChannel({ channel: given, kind, utm, clickIds, referrer, pageHost })
  const isVague = channel === 'unknown' || channel === 'direct' || channel === 'other'
  return {
    id: newId('tch'),
    ...owner,
    kind: cleanText(kind, 100),
    // The campaign knows its channel; how the visitor really came speaks first.
    channel: isVague && campaign !== undefined ? campaign.channel : channel,
    campaignId: campaign?.id ?? null,
    occurredAt,
    source,
    messageId: touch.messageId === undefined ? null : cleanText(touch.messageId, 255),
    utm,
    detail: touch.detail ?? null,
  }
}

/** A utm_campaign as campaigns are keyed. */
function campaignKey(utmCampaign: string | undefined): string | null {
  return utmCampaign === undefined ? null : utmCampaign.trim().toLowerCase()
}

async function findSeen(tx: Transaction, repeated: readonly NewTouchpoint[]) {
  if (repeated.length === 0) return new Map<string, never>()
  const messages = repeated.map(({ source, messageId }) => ({ source, messageId: messageId! }))
  const rows = await findByMessages(tx, messages)
  return new Map(rows.map((row) => [messageKey(row.source, row.messageId), row]))
}

/** Channels that a source named and that are none of the well-known ones, with the source's words. */
function newChannels(captures: readonly Capture[], drafts: readonly NewTouchpoint[]): NewChannel[] {
  const used = new Set(
    drafts.map((draft) => draft.channel).filter((key) => !isWellKnownChannel(key)),
  )
  const labels = new Map<string, string>()
  for (const { touch } of captures) {
    if (touch?.channel == null) continue
    const key = channelKey(touch.channel)
    if (used.has(key) && !labels.has(key)) labels.set(key, cleanText(touch.channel, 100))
  }
  return [...labels].map(([key, label]) => ({ key, label }))
}

function messageKey(source: string, messageId: string): string {
  return `${source}\0${messageId}`
}

function cleanUtm(utm: Utm): Utm {
  const clean: Utm = {}
  for (const name of ['source', 'medium', 'campaign', 'term', 'content'] as const) {
    const text = utm[name] === undefined ? '' : cleanText(utm[name], 500)
    if (text !== '') clean[name] = text
  }
  return clean
}

/** PostgreSQL text holds neither NUL nor half a surrogate pair; outside input may. */
function cleanText(text: string, maxLength: number): string {
  return text.slice(0, maxLength).toWellFormed().replaceAll('\0', '').trim()
}

function textOf(detail: Record<string, unknown> | undefined, name: string): string | null {
  const value = detail?.[name]
  return typeof value === 'string' && value !== '' ? value : null
}

function textsOf(record: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(record).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string',
    ),
  )
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
