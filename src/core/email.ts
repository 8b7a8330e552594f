import { domainToASCII } from 'node:url'

/**
 * The one spelling of an e-mail address under which it is compared: trimmed, Unicode NFC, lower
 * case, the domain in ASCII (UTS #46).
 *
 * RFC 5321 §2.4 lets a host tell `Ada` from `ada`; no large provider does, so case is dropped.
 * Dots and plus tags stay: which addresses are aliases of one another is the provider's secret,
 * and a wrong guess would merge two humans.
 */
export function normaliseEmail(email: string): string {
  const text = email.trim().normalize('NFC').toLowerCase()
  const at = text.lastIndexOf('@')
  if (at < 0) return text
  const domain = text.slice(at + 1)
  const plain = domain.endsWith('.') ? domain.slice(0, -1) : domain
  return `${text.slice(0, at)}@${domainToASCII(plain) || plain}`
}
