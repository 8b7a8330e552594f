import { freeMailDomains } from '#analytics/scoring/default-rules.ts'
import { countryCode } from './country.ts'
import { emailDomain, isRoleAddress } from './email-address.ts'
import type { LeadWarning, NewLead } from './lead.schema.ts'

const freeMail: ReadonlySet<string> = new Set(freeMailDomains)

/** What is known of a submission once it is captured and routed. */
export interface WarningFacts {
  hasConflict: boolean
  isCampaignKnown: boolean
  hasConsent: boolean
  isCustomer: boolean
  hasOwner: boolean
  /** Null when it was not routed, as it has an owner already. */
  isTerritoryMatched: boolean | null
}

/** What the sender and sales should know of a submission that was accepted all the same. */
export function warningsOf(input: NewLead, facts: WarningFacts): LeadWarning[] {
  const warnings: LeadWarning[] = []
  const warn = (code: LeadWarning['code'], detail: string) => warnings.push({ code, detail })
  if (input.email !== undefined) {
    if (freeMail.has(emailDomain(input.email))) {
      warn(
        'free_mail_domain',
        'The address is of a free mail provider: it says nothing about a company.',
      )
    }
    if (isRoleAddress(input.email)) {
      warn('role_address', 'The address belongs to a function, not to a person.')
    }
  }
  if (!facts.hasConsent) {
    warn('no_consent', 'No consent is on record: the person must not be addressed by marketing.')
  }
  if (facts.hasConflict) {
    warn(
      'identity_conflict',
      'The identifiers belong to two known people. Nothing was merged; decide under Identity.',
    )
  }
  if (input.campaign !== undefined && !facts.isCampaignKnown) {
    warn(
      'unknown_campaign',
      'There is no campaign with this id or key; the touch stays without one.',
    )
  }
  if (input.country !== undefined && countryCode(input.country) === null) {
    warn(
      'unknown_country',
      'The country was not recognised and not used: send its ISO 3166-1 alpha-2 code.',
    )
  }
  if (facts.isCustomer) warn('customer_already', 'The person belongs to a won opportunity.')
  if (facts.isTerritoryMatched === false) {
    warn('unmatched_territory', 'No routing rule matches this lead.')
  }
  if (!facts.hasOwner) {
    warn(
      'no_owner',
      'Nobody is available for this lead. Add a fallback owner under Routing; it is routed again soon.',
    )
  }
  return warnings
}
