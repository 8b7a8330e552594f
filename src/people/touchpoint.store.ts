import { sql } from 'kysely'
import type { Utm } from '#people/capture.ts'
import type { Transaction } from '#store/store.ts'

export interface NewTouchpoint {
  id: string
  personId: string
  /** For whom it came, when that one was merged into the person by hand. */
  capturedAs: string | null
  kind: string
  channel: string
  campaignId: string | null
  occurredAt: Date
  source: string
  messageId: string | null
  utm: Utm
  detail: Record<string, unknown> | null
}

export interface NewChannel {
  key: string
  label: string
}

/**
 * Adds touchpoints, and the channels they name if new, in one statement. Answers the ids that were
 * added; the others are redeliveries of a message that the source had sent before.
 */
export async function insertTouchpoints(
  tx: Transaction,
  touchpoints: readonly NewTouchpoint[],
  channels: readonly NewChannel[],
  now: Date,
): Promise<Set<string>> {
  const rows = touchpoints.map((touch) => ({
    id: touch.id,
    person_id: touch.personId,
    captured_as: touch.capturedAs,
    kind: touch.kind,
    channel: touch.channel,
    campaign_id: touch.campaignId,
    occurred_at: touch.occurredAt,
    source: touch.source,
    message_id: touch.messageId,
    utm_source: touch.utm.source,
    utm_medium: touch.utm.medium,
    utm_campaign: touch.utm.campaign,
    utm_term: touch.utm.term,
    utm_content: touch.utm.content,
    detail:
      touch.detail === null
        ? null
        : tx.sealer.seal(touch.detail, touchpointDetailContext(touch.id)).toString('base64'),
  }))
  const inserted = await tx.query(sql<{ id: string }>`
    with new_channels as (
      insert into channels (workspace_id, key, label, created_at)
      select ${tx.workspaceId}, r.key, r.label, ${now}::timestamptz
      from jsonb_to_recordset(${JSON.stringify(channels)}::jsonb) as r(key text, label text)
      order by r.key
      on conflict do nothing
    )
    insert into touchpoints (id, workspace_id, person_id, captured_as, kind, channel, campaign_id, occurred_at,
      received_at, source, message_id, utm_source, utm_medium, utm_campaign, utm_term, utm_content,
      detail)
    select r.id, ${tx.workspaceId}, r.person_id, r.captured_as, r.kind, r.channel, r.campaign_id, r.occurred_at,
      ${now}::timestamptz, r.source, r.message_id, r.utm_source, r.utm_medium, r.utm_campaign,
      r.utm_term, r.utm_content, decode(r.detail, 'base64')
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(id text, person_id text, captured_as text, kind text,
      channel text, campaign_id text, occurred_at timestamptz, source text, message_id text,
      utm_source text, utm_medium text, utm_campaign text, utm_term text, utm_content text,
      detail text)
    order by r.source, r.message_id
    on conflict (workspace_id, source, message_id) where message_id is not null do nothing
    returning id`)
  return new Set(inserted.map((row) => row.id))
}

export interface SeenTouchpoint {
  id: string
  source: string
  messageId: string
  channel: string
  campaignId: string | null
}

/** The touchpoints that these messages made when they first came. */
export async function findByMessages(
  tx: Transaction,
  messages: readonly { source: string; messageId: string }[],
): Promise<SeenTouchpoint[]> {
  const rows = messages.map(({ source, messageId }) => ({ source, message_id: messageId }))
  const sources = [...new Set(messages.map(({ source }) => source))]
  return tx.query(sql<SeenTouchpoint>`
    select t.id, t.source, t.message_id, t.channel, t.campaign_id
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(source text, message_id text)
    join touchpoints t on t.workspace_id = ${tx.workspaceId} and t.source = r.source
      and t.message_id = r.message_id
    where r.source = any(${sources}::text[]) -- few rows, for the planner: see wanted()`)
}

export interface KnownCampaign {
  id: string
  key: string
  channel: string
}

/** Campaigns that are not deleted, by id or by key. */
export async function findCampaigns(
  tx: Transaction,
  ids: readonly string[],
  keys: readonly string[],
): Promise<KnownCampaign[]> {
  return tx.query(sql<KnownCampaign>`
    select c.id, c.key, c.channel
    from campaigns c
    where c.deleted_at is null and (c.id = any(${ids}::text[]) or c.key = any(${keys}::text[]))`)
}

/** What a touchpoint's sealed detail is bound to. */
export function touchpointDetailContext(id: string): string {
  return `touchpoints.detail:${id}`
}
