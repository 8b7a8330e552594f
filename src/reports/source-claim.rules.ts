/** A channel as people may name it. */
export interface NamedChannel {
  key: string
  label: string
}

/** Words by which people name a channel that goes by this key in most workspaces. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  paid_search: ['google ad', 'google ads', 'adwords', 'search ad', 'bing ad', 'sponsored result'],
  organic_search: ['google', 'search engine', 'googled', 'bing', 'searched', 'seo'],
  paid_social: ['linkedin ad', 'facebook ad', 'instagram ad', 'sponsored post'],
  organic_social: ['linkedin', 'twitter', 'facebook', 'instagram', 'youtube', 'social media'],
  email: ['newsletter', 'e-mail', 'email', 'mailing'],
  webinar: ['webinar', 'online event'],
  events: ['conference', 'trade show', 'fair', 'booth', 'event', 'meetup'],
  referral: ['friend', 'colleague', 'recommended', 'recommendation', 'word of mouth', 'referred'],
  direct: ['already knew', 'website', 'typed'],
}

/**
 * The channel that an answer in words names: by the name of the channel, else by the longest phrase people use for it.
 * @returns null when it names none of the workspace's channels.
 */
export function channelOfAnswer(answer: string, channels: readonly NamedChannel[]): string | null {
  const text = ` ${answer.toLowerCase().replaceAll(/[^\p{L}\p{N}-]+/gu, ' ')} `
  const phrases = channels.flatMap(({ key, label }) =>
    [label.toLowerCase(), key.replaceAll('_', ' '), ...(WORDS[key] ?? [])].map((phrase) => ({
      key,
      phrase,
    })),
  )
  const found = phrases
    .filter(({ phrase }) => text.includes(` ${phrase} `) || text.includes(` ${phrase}s `))
    .sort((a, b) => b.phrase.length - a.phrase.length || a.key.localeCompare(b.key))
  return found[0]?.key ?? null
}
