/** Each pattern stands before those that its browser also claims to be. */
const BROWSERS = [
  ['Edge', /\bEdg(?:e|A|iOS)?\//],
  ['Opera', /\b(?:OPR|OPT)\//],
  ['Samsung Internet', /\bSamsungBrowser\//],
  ['Firefox', /\b(?:Firefox|FxiOS)\//],
  ['Chrome', /\b(?:Chrome|CriOS|HeadlessChrome)\//],
  ['Safari', /\bSafari\//],
] as const

const SYSTEMS = [
  ['iPhone', /\biPhone\b/],
  ['iPad', /\biPad\b/],
  ['Android', /\bAndroid\b/],
  ['ChromeOS', /\bCrOS\b/],
  ['Windows', /\bWindows\b/],
  ['macOS', /\b(?:Mac OS X|Macintosh)\b/],
  ['Linux', /\bLinux\b/],
] as const

const MAX_AGENT = 400

/** The browser and the system of a user agent in plain words, of a closed list: what a stranger wrote there is never repeated. */
export function browserName(agent: string): string {
  const read = agent.slice(0, MAX_AGENT)
  const browser = BROWSERS.find(([, pattern]) => pattern.test(read))?.[0] ?? 'Unknown browser'
  const system = SYSTEMS.find(([, pattern]) => pattern.test(read))?.[0]
  return system === undefined ? browser : `${browser} on ${system}`
}
