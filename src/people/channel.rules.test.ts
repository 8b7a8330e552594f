import { expect, test } from 'vitest'
import fc from 'fast-check'
import {
  channelKey,
  classifyChannel,
  slugOf,
  wellKnownChannels,
  type ChannelEvidence,
} from '#people/channel.rules.ts'

const nothing: ChannelEvidence = {
  channel: null,
  kind: 'page_view',
  utm: {},
  clickIds: {},
  referrer: null,
  pageHost: 'acme.example',
}

test.each<[string, Partial<ChannelEvidence>, string]>([
  [
    'what the source says settles it',
    { channel: 'Paid Search', utm: { medium: 'email' } },
    'paid_search',
  ],
  ['a channel of its own is kept as it is', { channel: 'Podcast Ads' }, 'podcast_ads'],
  ['an empty channel says nothing', { channel: ' ', utm: { medium: 'email' } }, 'email'],
  ['cpc on a search engine', { utm: { source: 'google', medium: 'cpc' } }, 'paid_search'],
  ['cpc on a social site', { utm: { source: 'LinkedIn', medium: 'CPC' } }, 'paid_social'],
  ['paid on a social host', { utm: { source: 'l.facebook.com', medium: 'paid' } }, 'paid_social'],
  ['paid_social by name', { utm: { source: 'meta-ads-eu', medium: 'paid_social' } }, 'paid_social'],
  ['paid without a known site', { utm: { source: 'capterra', medium: 'cpc' } }, 'other'],
  ['banner', { utm: { source: 'techsite', medium: 'banner' } }, 'display'],
  ['cpm counts as display', { utm: { source: 'google', medium: 'cpm' } }, 'display'],
  ['paid video', { utm: { source: 'youtube', medium: 'cpc' } }, 'video'],
  ['organic medium', { utm: { source: 'bing', medium: 'organic' } }, 'organic_search'],
  ['social medium', { utm: { source: 'buffer', medium: 'social-media' } }, 'organic_social'],
  ['newsletter', { utm: { source: 'newsletter' } }, 'email'],
  ['e-mail with a blank', { utm: { source: 'hs', medium: 'e mail' } }, 'email'],
  ['affiliates', { utm: { source: 'impact', medium: 'affiliates' } }, 'affiliate'],
  ['partner', { utm: { source: 'acme', medium: 'partner' } }, 'partner'],
  ['webinar', { utm: { source: 'zoom', medium: 'webinar' } }, 'webinar'],
  ['sms', { utm: { source: 'sms' } }, 'sms'],
  ['a google ads click without tags', { clickIds: { gclid: 'x' } }, 'paid_search'],
  [
    'a google ads click beats an unpaid tag',
    { clickIds: { gclid: 'x' }, utm: { medium: 'organic', source: 'google' } },
    'paid_search',
  ],
  [
    'a display tag beats a google ads click',
    { clickIds: { gclid: 'x' }, utm: { medium: 'display' } },
    'display',
  ],
  [
    'a linkedin ads click',
    { clickIds: { li_fat_id: 'x' }, referrer: 'https://www.linkedin.com/' },
    'paid_social',
  ],
  ['fbclid alone is unpaid', { clickIds: { fbclid: 'x' } }, 'organic_social'],
  [
    'fbclid on a paid tag',
    { clickIds: { fbclid: 'x' }, utm: { source: 'fb', medium: 'paid' } },
    'paid_social',
  ],
  ['a search engine referred', { referrer: 'https://www.google.co.uk/' }, 'organic_search'],
  [
    'a search engine elsewhere',
    { referrer: 'https://search.yahoo.co.jp/search?p=x' },
    'organic_search',
  ],
  ['x referred through its shortener', { referrer: 'https://t.co/abc' }, 'organic_social'],
  ['a host that only ends alike', { referrer: 'https://t.example/abc' }, 'referral'],
  ['a video site referred', { referrer: 'https://m.youtube.com/watch?v=1' }, 'video'],
  ['web mail referred', { referrer: 'https://mail.google.com/' }, 'email'],
  ['a shared document referred', { referrer: 'https://docs.google.com/' }, 'referral'],
  ['another site referred', { referrer: 'https://news.site.example/a' }, 'referral'],
  ['no referrer', {}, 'direct'],
  ['inside the site', { referrer: 'https://www.acme.example/pricing' }, 'unknown'],
  ['nothing said of no page', { pageHost: null }, 'unknown'],
  ['a webinar by its kind', { pageHost: null, kind: 'webinar_attended' }, 'webinar'],
  ['an e-mail click by its kind', { kind: 'email_click' }, 'email'],
  ['a product event that only sounds alike', { pageHost: null, kind: 'email_changed' }, 'unknown'],
  ['a referrer that is no address', { referrer: 'about:blank' }, 'direct'],
])('%s', (_, evidence, expected) => {
  expect(classifyChannel({ ...nothing, ...evidence })).toBe(expected)
})

test('every well-known channel is its own key, by name and by label', () => {
  for (const [key, label] of Object.entries(wellKnownChannels)) {
    expect(channelKey(key)).toBe(key)
    expect(channelKey(label)).toBe(key)
  }
})

test('whatever the text, a slug fits the check of the channels table and is stable', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
      const slug = slugOf(text)
      expect(slug).toMatch(/^[a-z0-9_]{0,60}$/)
      expect(slugOf(slug)).toBe(slug)
      const channel = classifyChannel({
        ...nothing,
        channel: text,
        utm: { medium: text, source: text },
      })
      expect(channel).toMatch(/^[a-z0-9_]{1,60}$/)
    }),
  )
})
