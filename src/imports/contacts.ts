import { fault, isBlank, type Reading } from '#imports/values.ts'

/**
 * Reads an e-mail address: `Ada <ada@example.com>` and `mailto:` are unwrapped, the domain becomes
 * lower-case, the local part stays as written. At most 254 characters (RFC 5321).
 */
export function readEmail(text: string): Reading<string> {
  if (isBlank(text)) return { kind: 'empty' }
  if (text.length > 400) return fault(text, 'is too long for an e-mail address')
  let address = text.trim()
  const bracket = /<([^<>]*)>$/.exec(address)
  if (bracket) address = (bracket[1] ?? '').trim()
  if (address.toLowerCase().startsWith('mailto:')) address = address.slice(7)
  const at = address.lastIndexOf('@')
  if (address.indexOf('@') !== at) return fault(text, 'holds two addresses: keep one')
  const local = address.slice(0, at)
  const domain = address.slice(at + 1).toLowerCase()
  const labels = domain.split('.')
  const isDomain = labels.length > 1 && labels.every((label) => LABEL.test(label))
  const isLocal = local.length <= 64 && LOCAL.test(local) && !`.${local}.`.includes('..')
  if (at < 1 || !isDomain || !isLocal || address.length > 254) {
    return fault(text, 'is not an e-mail address: write it like name@example.com')
  }
  return { kind: 'value', value: `${local}@${domain}` }
}

const LABEL = /^[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?$/u
const LOCAL = /^[\p{L}\p{N}.!#$%&'*+/=?^_`{|}~-]+$/u

/**
 * Reads a telephone number into E.164, such as +31612345678, an extension after it as `;ext=12`
 * (RFC 3966). A number without its country code keeps its digits alone unless `countryCode` is given.
 *
 * @param countryCode  digits of the calling code of numbers that do not state one, such as `31`.
 */
export function readPhone(text: string, countryCode?: string): Reading<string> {
  if (isBlank(text)) return { kind: 'empty' }
  if (text.length > 60) return fault(text, 'is too long for a telephone number')
  const trimmed = text.trim().replace(/^tel:/i, '')
  if (/^\d[.,]\d+e\+?\d+$/i.test(trimmed)) {
    return fault(text, 'was rounded by a spreadsheet: format the column as text and export again')
  }
  const match = /^([+\d().\s/-]+?)(?: ?(?:ext|x|;ext=|#)[. :]*(\d{1,8}))?$/i.exec(trimmed)
  const extension = match?.[2] === undefined ? '' : `;ext=${match[2]}`
  // The 0 in +44 (0)20 is for calls within the country.
  const written = (match?.[1] ?? '').replace(/^(\+\d{1,3}\s*)\(0\)/, '$1').trim()
  const isInternational = written.startsWith('+') || written.startsWith('00')
  const digits = written.replaceAll(/\D/g, '')
  if (match === null || written.lastIndexOf('+') > 0 || digits.length < 5 || digits.length > 17) {
    return fault(text, 'is not a telephone number: write it like +31 6 12345678')
  }
  const international = isInternational
    ? digits.replace(/^00/, '')
    : countryCode === undefined
      ? null
      : countryCode + digits.replace(/^0/, '')
  if (international === null) return { kind: 'value', value: digits + extension }
  if (!/^[1-9]\d{5,14}$/.test(international)) {
    return fault(text, 'is not a telephone number: check its country code')
  }
  return { kind: 'value', value: `+${international}${extension}` }
}

/** Reads a web address; one without its scheme is taken as https. Only http and https are. */
export function readUrl(text: string): Reading<string> {
  if (isBlank(text)) return { kind: 'empty' }
  const trimmed = text.trim()
  const full = /^[a-z][a-z\d+.-]*:\/\//i.test(trimmed) ? trimmed : `https://${trimmed}`
  const url = trimmed.length > 2000 || /\s/u.test(trimmed) ? null : URL.parse(full)
  // A bare 12.5 would be an address of the Internet's, too.
  const lastLabel = url?.hostname.slice(url.hostname.lastIndexOf('.') + 1) ?? ''
  const hasName = url !== null && (full === trimmed || /[a-z]/.test(lastLabel))
  const isWeb = url !== null && /^https?:$/.test(url.protocol) && url.hostname.includes('.')
  if (!hasName || !isWeb)
    return fault(text, 'is not a web address: write it like https://example.com')
  if (url.username !== '' || url.password !== '') {
    return fault(text, 'holds a user name or password: take it out')
  }
  return { kind: 'value', value: url.href }
}

/** Reads an identifier as it stands, but for one that a spreadsheet has rounded. */
export function readId(text: string): Reading<string> {
  const id = text.trim()
  if (isBlank(id)) return { kind: 'empty' }
  if (/^\d[.,]\d+E\+\d+$/i.test(id)) {
    return fault(text, 'was rounded by a spreadsheet: format the column as text and export again')
  }
  if (id.length > 200) return fault(text, 'is too long for an identifier: 200 characters at most')
  return { kind: 'value', value: id }
}

/** Reads text: spaces around it are left out, letters are composed (Unicode NFC). */
export function readText(text: string, maxChars = 10_000): Reading<string> {
  const clean = text.trim().normalize('NFC')
  if (clean === '') return { kind: 'empty' }
  if (clean.length > maxChars)
    return fault(text, `is longer than ${maxChars} characters: shorten it`)
  return { kind: 'value', value: clean }
}
