import { getDomain } from 'tldts'

// RFC 2142 and what is common on imprints: mailboxes that belong to a function, not to a person.
const ROLE_NAMES = new Set(
  (
    'abuse accounting accounts admin administrator billing bookkeeping buero careers compliance contact customerservice ' +
    'datenschutz dpo einkauf enquiries events everyone feedback finance ftp hallo hello help helpdesk hostmaster hr info ' +
    'information inquiries invoice invoices it jobs kontakt kundenservice legal mail mailer-daemon marketing media ' +
    'moderator newsletter no-reply nobody noc noreply office operations orders post postmaster press presse privacy ' +
    'purchasing recruiting registrar reply reservations root sales security service service-desk servicedesk shop spam ' +
    'staff subscribe support sysadmin team tech undisclosed-recipients unsubscribe usenet uucp vertrieb web webmaster www'
  ).split(' '),
)

/** The part behind the at sign, in lower case. */
export function emailDomain(email: string): string {
  return email
    .slice(email.lastIndexOf('@') + 1)
    .trim()
    .toLowerCase()
}

/** Whether the address belongs to a function such as info@ or sales@; a tag behind a plus is left aside. */
export function isRoleAddress(email: string): boolean {
  const local = email
    .slice(0, Math.max(0, email.lastIndexOf('@')))
    .trim()
    .toLowerCase()
  return ROLE_NAMES.has(local.split('+', 1)[0] ?? '')
}

/**
 * The domain of a company from a host, URL or address: `www.shop.acme.co.uk` and `https://acme.co.uk/x` are `acme.co.uk`
 * (public suffix list).
 * @returns null when it holds no registrable domain.
 */
export function companyDomain(text: string): string | null {
  return getDomain(text.trim().toLowerCase(), { validHosts: [] })
}
