/** Every event that other systems may be told of, with what it means. Their data hold ids and figures, never personal values. */
export const webhookEvents = {
  'person.created': 'A person became known',
  'person.merged': 'Two records of a person became one; data.into names the one that stays',
  'person.unmerged':
    'A merge of two people was undone; data.from names the one that stood for both',
  'consent.changed': 'A person gave or withdrew consent',
  'touchpoint.recorded': 'A marketing interaction was recorded',
  'campaign.created': 'A campaign was made',
  'campaign.updated': 'A campaign was changed',
  'campaign.deleted': 'A campaign was deleted',
  'campaign_member.created': 'A lead was put into a campaign',
  'campaign_member.updated': 'A member of a campaign has another status, or is another lead now',
  'campaign_member.deleted': 'A lead was taken out of a campaign',
  'lead.created': 'Marketing captured a lead',
  'lead.captured': 'A lead came in again',
  'lead.updated': 'A lead was changed',
  'lead.merged': 'A lead went into another',
  'lead.scored': 'A lead has another score',
  'lead.qualified': 'A lead crossed the threshold to be a marketing-qualified lead, once',
  'lead.assigned': 'A lead has an owner',
  'lead.unrouted': 'No rule gave a lead an owner',
  'task.created': 'A follow-up task is due',
  'task.closed': 'A follow-up task was closed',
  'task.escalated': 'A follow-up task was not done in time',
  'opportunity.created': 'A deal came in',
  'opportunity.updated': 'A deal was changed',
  'opportunity.deleted': 'A deal is gone',
  'connection.login_needed': 'A connected system does not accept the credentials any more',
  'sync.run_ended': 'A sync run ended; data.state tells how',
  'import.finished': 'A file was imported to its end',
  'quota.warning': 'Four fifths of a quota are used up; told once a day or month',
  'quota.exceeded': 'A quota refused a request; told once a day or month',
  'threat.detected': 'Signs of an attack; data.kind tells which',
  'threat.escalated': 'An open threat turned out to be more; data.kind tells what',
  'threat.undone': 'Somebody took back what was done about a threat',
  'webhook.disabled': 'An endpoint was switched off because nothing reached it any more',
  'webhook.test': 'Sent on request, to try an endpoint',
} as const

export type WebhookEvent = keyof typeof webhookEvents

export const webhookEventNames = Object.keys(webhookEvents) as WebhookEvent[]

/** Whether a subscription such as `lead.*` or `lead.created` covers an event. */
export function covers(subscription: string, event: string): boolean {
  return subscription === '*' || subscription === event
    ? true
    : subscription.endsWith('.*') && event.startsWith(subscription.slice(0, -1))
}

/** Whether there is any event that the subscription covers. */
export function isSubscription(subscription: string): boolean {
  return webhookEventNames.some((event) => covers(subscription, event))
}
