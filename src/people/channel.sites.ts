/** What kind of site sends visitors, by the name of a `utm_source` or the registrable label of a host. */
export type SiteKind = 'search' | 'social' | 'video' | 'mail'

const namesByKind: Record<SiteKind, readonly string[]> = {
  search: [
    'google', 'bing', 'yahoo', 'duckduckgo', 'ecosia', 'baidu', 'yandex', 'naver', 'daum', 'seznam',
    'qwant', 'startpage', 'brave', 'sogou', 'ask', 'aol', 'kagi', 'presearch', 'so', 'coccoc',
    'adwords', 'googleads', 'google_ads', 'google-ads', 'bingads', 'bing_ads', 'microsoft_ads',
  ],
  social: [
    'facebook', 'fb', 'instagram', 'ig', 'meta', 'linkedin', 'lnkd', 'twitter', 'x', 't', 'reddit',
    'pinterest', 'tiktok', 'snapchat', 'threads', 'bsky', 'bluesky', 'mastodon', 'quora', 'tumblr',
    'vk', 'weibo', 'wechat', 'xing', 'discord', 'slack', 'telegram', 'whatsapp', 'facebook_ads',
    'linkedin_ads', 'linkedin-ads', 'facebook-ads', 'ycombinator', 'messenger',
  ],
  video: ['youtube', 'youtu', 'vimeo', 'twitch', 'dailymotion', 'wistia', 'bilibili'],
  mail: ['email', 'e-mail', 'e_mail', 'newsletter', 'gmail', 'outlook', 'mailchimp', 'klaviyo'],
} // prettier-ignore

const kindByName: ReadonlyMap<string, SiteKind> = new Map(
  Object.entries(namesByKind).flatMap(([kind, names]) =>
    names.map((name) => [name, kind as SiteKind] as const),
  ),
)

// Hosts whose registrable label would mislead.
const kindByHost: ReadonlyMap<string, SiteKind | 'none'> = new Map([
  ['mail.google.com', 'mail'],
  ['inbox.google.com', 'mail'],
  ['mail.yahoo.com', 'mail'],
  ['outlook.live.com', 'mail'],
  ['outlook.office.com', 'mail'],
  ['outlook.office365.com', 'mail'],
  ['search.brave.com', 'search'],
  ['docs.google.com', 'none'],
  ['drive.google.com', 'none'],
  ['sites.google.com', 'none'],
  ['meet.google.com', 'none'],
  ['calendar.google.com', 'none'],
  ['accounts.google.com', 'none'],
  ['groups.google.com', 'none'],
])

// Short labels that are a known site only under this host.
const exactHosts: ReadonlyMap<string, string> = new Map([
  ['t', 't.co'],
  ['x', 'x.com'],
  ['so', 'so.com'],
  ['fb', 'fb.com'],
  ['vk', 'vk.com'],
  ['ask', 'ask.com'],
  ['brave', 'search.brave.com'],
  ['meta', 'meta.com'],
  ['lnkd', 'lnkd.in'],
  ['youtu', 'youtu.be'],
])

/** The kind of site that a `utm_source` names, such as `google` or `l.facebook.com`; null for others. */
export function findSourceKind(source: string): SiteKind | null {
  const name = source.trim().toLowerCase()
  return kindByName.get(name) ?? (name.includes('.') ? findHostKind(name) : null)
}

/** The kind of site behind a referrer's host, subdomains and country domains included; null for others. */
export function findHostKind(host: string): SiteKind | null {
  const exact = kindByHost.get(host)
  if (exact !== undefined) return exact === 'none' ? null : exact
  const labels = host.split('.')
  // The registrable label stands before `com`, `de` or `co.uk`: the last or the second to last but one.
  for (const label of labels.slice(-3, -1).toReversed()) {
    const kind = kindByName.get(label)
    if (kind === undefined || kind === 'mail') continue
    const only = exactHosts.get(label)
    if (only === undefined || host === only || host.endsWith(`.${only}`)) return kind
  }
  return null
}
