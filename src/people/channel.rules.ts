import type { Utm } from '#people/capture.ts'
import { findHostKind, findSourceKind, type SiteKind } from '#people/channel.sites.ts'
import { readHost, type ClickIds } from '#people/landing.rules.ts'

/** The channels that every workspace starts with, in the order in which lists show them. */
export const wellKnownChannels = {
  paid_search: 'Paid search',
  organic_search: 'Organic search',
  paid_social: 'Paid social',
  organic_social: 'Organic social',
  display: 'Display',
  video: 'Video',
  email: 'E-mail',
  affiliate: 'Affiliate',
  partner: 'Partner',
  referral: 'Referral',
  webinar: 'Webinar',
  event: 'Event',
  sms: 'SMS',
  direct: 'Direct',
  other: 'Other',
  unknown: 'Unknown',
} as const

export type WellKnownChannel = keyof typeof wellKnownChannels

export function isWellKnownChannel(key: string): key is WellKnownChannel {
  return Object.hasOwn(wellKnownChannels, key)
}

const aliases: ReadonlyMap<string, WellKnownChannel> = new Map([
  ['ppc', 'paid_search'], ['cpc', 'paid_search'], ['sem', 'paid_search'],
  ['search_ads', 'paid_search'], ['google_ads', 'paid_search'], ['seo', 'organic_search'],
  ['organic', 'organic_search'], ['natural_search', 'organic_search'],
  ['social_ads', 'paid_social'], ['social', 'organic_social'],
  ['social_media', 'organic_social'], ['banner', 'display'], ['display_ads', 'display'],
  ['paid_display', 'display'], ['paid_video', 'video'], ['organic_video', 'video'],
  ['e_mail', 'email'], ['newsletter', 'email'], ['email_marketing', 'email'],
  ['affiliates', 'affiliate'], ['partners', 'partner'], ['partner_marketing', 'partner'],
  ['referrals', 'referral'], ['webinars', 'webinar'], ['events', 'event'],
  ['trade_show', 'event'], ['tradeshow', 'event'], ['conference', 'event'], ['text', 'sms'],
  ['text_message', 'sms'], ['none', 'direct'], ['not_set', 'unknown'], ['', 'unknown'],
]) // prettier-ignore

/** Any text as a channel key: `Paid Search` and `PPC` are `paid_search`, `Podcast ads` is `podcast_ads`. */
export function channelKey(text: string): string {
  const slug = slugOf(text)
  return aliases.get(slug) ?? slug
}

/** Lower-case letters, digits and single underscores, at most 60 characters. O(length). */
export function slugOf(text: string): string {
  return text
    .slice(0, 200)
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .split(/[^a-z0-9]/)
    .filter((word) => word !== '')
    .join('_')
    .slice(0, 60)
    .replace(/_$/, '')
}

export interface ChannelEvidence {
  /** The channel that the source itself gave; it settles the question unless it is empty. */
  channel: string | null
  /** The touch's kind: `webinar_attended`, `email_click` … say a channel when nothing else does. */
  kind: string
  utm: Utm
  clickIds: ClickIds
  referrer: string | null
  /** Host of the page itself, null when the touch is not of a web page. */
  pageHost: string | null
}

/**
 * Through which channel a touch came. In this order: what the source says; paid and tagged traffic
 * by utm medium and source; click ids of ad systems; the touch's own kind; the referrer; the rest
 * is `direct` for a page opened without a referrer and `unknown` where nothing was said.
 *
 * Own method after Google Analytics 4, "Default channel group" (Analytics Help, article 9756891),
 * with the B2B channels it lacks (webinar, event, partner). Navigation inside a site (referrer and
 * page share a host) says nothing of how its visitor came, hence `unknown`.
 */
export function classifyChannel(evidence: ChannelEvidence): string {
  const given = evidence.channel === null ? 'unknown' : channelKey(evidence.channel)
  if (given !== 'unknown') return given
  const tagged = channelOfUtm(evidence.utm)
  if (tagged !== null && paidChannels.has(tagged)) return tagged
  return (
    channelOfClick(evidence.clickIds, channelByClickId) ??
    tagged ??
    channelOfKind(evidence.kind) ??
    channelOfClick(evidence.clickIds, channelByWeakClickId) ??
    channelOfReferrer(evidence.referrer, evidence.pageHost)
  )
}

const paidChannels: ReadonlySet<string> = new Set([
  'paid_search',
  'paid_social',
  'display',
  'video',
])

const channelByMedium: ReadonlyMap<string, WellKnownChannel> = new Map([
  ['display', 'display'], ['banner', 'display'], ['expandable', 'display'],
  ['interstitial', 'display'], ['cpm', 'display'], ['organic', 'organic_search'],
  ['social', 'organic_social'], ['social_network', 'organic_social'],
  ['social_media', 'organic_social'], ['sm', 'organic_social'], ['email', 'email'],
  ['e_mail', 'email'], ['newsletter', 'email'], ['affiliate', 'affiliate'],
  ['affiliates', 'affiliate'], ['partner', 'partner'], ['referral', 'referral'],
  ['link', 'referral'], ['app', 'referral'], ['sms', 'sms'], ['webinar', 'webinar'],
  ['event', 'event'], ['video', 'video'], ['paid_search', 'paid_search'],
  ['paid_social', 'paid_social'],
]) // prettier-ignore

function channelOfUtm(utm: Utm): WellKnownChannel | null {
  const medium = slugOf(utm.medium ?? '')
  const source = (utm.source ?? '').trim().toLowerCase()
  if (source === '(direct)' || source === 'direct') return 'direct'
  const exact = channelByMedium.get(medium)
  if (exact === 'paid_search' || exact === 'paid_social' || exact === 'display') return exact
  const site = source === '' ? null : findSourceKind(source)
  if (isPaidMedium(medium)) {
    if (site === 'search') return 'paid_search'
    if (site === 'social') return 'paid_social'
    return site === 'video' ? 'video' : medium.startsWith('retargeting') ? 'display' : 'other'
  }
  if (exact !== undefined) return exact
  if (medium.includes('video')) return 'video'
  if (site !== null) return channelBySite[site]
  if (source === 'sms') return 'sms'
  return medium === '' && source === '' ? null : 'other'
}

const channelBySite: Record<SiteKind, WellKnownChannel> = {
  search: 'organic_search',
  social: 'organic_social',
  video: 'video',
  mail: 'email',
}

/** GA4's `^(.*cp.*|ppc|retargeting|paid.*)$`. */
function isPaidMedium(medium: string): boolean {
  return (
    medium.includes('cp') ||
    medium === 'ppc' ||
    medium.startsWith('retargeting') ||
    medium.startsWith('paid')
  )
}

const channelByClickId: readonly (readonly [string, WellKnownChannel])[] = [
  ['gclid', 'paid_search'],
  ['gbraid', 'paid_search'],
  ['wbraid', 'paid_search'],
  ['msclkid', 'paid_search'],
  ['yclid', 'paid_search'],
  ['dclid', 'display'],
  ['li_fat_id', 'paid_social'],
  ['ttclid', 'paid_social'],
  ['twclid', 'paid_social'],
  ['rdt_cid', 'paid_social'],
  ['sccid', 'paid_social'],
  ['irclickid', 'affiliate'],
]

// Appended to unpaid links as well, so they say less than a utm tag.
const channelByWeakClickId: readonly (readonly [string, WellKnownChannel])[] = [
  ['fbclid', 'organic_social'],
  ['epik', 'organic_social'],
  ['mc_cid', 'email'],
  ['mc_eid', 'email'],
]

function channelOfClick(
  clickIds: ClickIds,
  table: typeof channelByClickId,
): WellKnownChannel | null {
  return table.find(([name]) => clickIds[name] !== undefined)?.[1] ?? null
}

const marketingVerbs: ReadonlySet<string> = new Set([
  'open', 'opened', 'click', 'clicked', 'reply', 'replied', 'register', 'registered',
  'registration', 'attend', 'attended', 'attendance', 'no', 'visit', 'visited',
]) // prettier-ignore

/** `webinar_attended` and `email_click` tell their channel; a product's own `email_changed` does not. */
function channelOfKind(kind: string): WellKnownChannel | null {
  const [noun, verb] = slugOf(kind).split('_')
  if (verb === undefined || !marketingVerbs.has(verb)) return null
  return noun === 'email' || noun === 'webinar' || noun === 'sms' || noun === 'event' ? noun : null
}

function channelOfReferrer(referrer: string | null, pageHost: string | null): WellKnownChannel {
  const host = referrer === null ? null : readHost(referrer)
  if (host === null) return pageHost === null ? 'unknown' : 'direct'
  if (host === pageHost) return 'unknown'
  const site = findHostKind(host)
  return site === null ? 'referral' : channelBySite[site]
}
