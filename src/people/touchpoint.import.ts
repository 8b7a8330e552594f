import { names, personFields, pick, utmFields, utmOf } from '#imports/names.ts'
import type { ImportTarget, MappedRow, TargetContext } from '#imports/target.ts'
import { recordTouchpoint } from './touchpoint.operations.ts'

const campaignNames = names(
  'campaign, campaign name, kampagne, campana, campagne, campagna, campanha',
)

/** Touchpoints from a file: each row is one interaction of one person. */
export const touchpointImport: ImportTarget = {
  name: 'touchpoints',
  label: 'Touchpoints',
  operation: recordTouchpoint,
  maxCustom: 50,
  requiresOneOf: ['email', 'externalId', 'userId', 'anonymousId'],
  fields: [
    ...personFields,
    {
      field: 'anonymousId',
      label: 'Anonymous id',
      kind: 'id',
      aliases: names('anonymous id, visitor id, cookie, cookie id, client id, device id'),
    },
    {
      field: 'occurredAt',
      label: 'When it happened',
      kind: 'date',
      required: true,
      aliases: names(
        'occurred at, timestamp, ts, time, date, event time, event date, touch date, touched at, activity date, created at, ' +
          'datum, zeitpunkt, fecha, horodatage, data, tijdstip',
      ),
    },
    {
      field: 'kind',
      label: 'Kind',
      kind: 'text',
      aliases: names(
        'type, event, event type, activity, activity type, interaction, action, touch type, art, tipo, aktion',
      ),
    },
    {
      field: 'channel',
      label: 'Channel',
      kind: 'text',
      aliases: names('marketing channel, origin, traffic source, kanal, canal, canale, kanaal'),
    },
    {
      // One that the hub must know; a campaign's name in a file is as likely none of ours, and is kept as a tag.
      field: 'knownCampaign',
      label: 'Id or key of a campaign',
      kind: 'text',
      aliases: names('campaign id, campaign key'),
    },
    ...utmFields.map((field) =>
      field.field === 'utmCampaign'
        ? { ...field, aliases: [...field.aliases, ...campaignNames] }
        : field,
    ),
    {
      field: 'messageId',
      label: 'Message id',
      kind: 'id',
      aliases: names('message id, event id, touch id, touchpoint id, activity id'),
    },
    {
      field: 'pageUrl',
      label: 'Page',
      kind: 'url',
      aliases: names('page url, url, page, landing page, landing page url, link'),
    },
    {
      field: 'referrer',
      label: 'Referrer',
      kind: 'url',
      aliases: names('referer, referring url, http referrer'),
    },
  ],
  toInput,
}

const PLAIN = names('email, externalId, userId, anonymousId, channel, messageId, pageUrl, referrer')

function toInput({ values, custom }: MappedRow, { source }: TargetContext) {
  const { occurredAt, kind, knownCampaign } = values
  const utm = utmOf(values)
  return {
    source,
    kind: kind ?? 'import',
    ...pick(values, PLAIN),
    ...(knownCampaign !== undefined && { campaign: knownCampaign }),
    ...(utm !== null && { utm }),
    ...(occurredAt instanceof Date && { occurredAt: occurredAt.toISOString() }),
    ...(Object.keys(custom).length > 0 && { properties: custom }),
  }
}
