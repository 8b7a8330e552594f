import { countryCode } from './country.ts'
import type { RoutingCondition } from './routing.schema.ts'

/** What routing looks at in a lead. */
export interface RoutedLead {
  id: string
  country: string | null
  region: string | null
  industry: string | null
  employees: number | null
  domain: string | null
  channel: string
  score: number
  isCustomer: boolean
}

/** Turns a condition into a function that answers why it holds, or null. Texts compare without case and outer blanks. */
export function compileCondition(when: RoutingCondition): (lead: RoutedLead) => string | null {
  const tests: ((lead: RoutedLead) => string | null)[] = []
  const oneOf = (
    name: string,
    values: readonly string[] | undefined,
    read: (lead: RoutedLead) => string | null,
  ) => {
    if (values === undefined) return
    const wanted = new Set(values.map(plain))
    tests.push((lead) => {
      const value = read(lead)
      return value !== null && wanted.has(plain(value)) ? `${name} ${value}` : null
    })
  }
  oneOf(
    'country',
    when.countries?.map((country) => countryCode(country) ?? country),
    (lead) => lead.country,
  )
  oneOf('region', when.regions, (lead) => lead.region)
  oneOf('industry', when.industries, (lead) => lead.industry)
  oneOf('channel', when.channels, (lead) => lead.channel)
  const { domains, employeesMin, employeesMax, scoreMin, isCustomer } = when
  if (domains !== undefined) {
    const named = new Set(domains.map(plain))
    tests.push(({ domain }) => {
      const account =
        domain === null ? undefined : selfAndParents(plain(domain)).find((one) => named.has(one))
      return account === undefined ? null : `named account ${account}`
    })
  }
  if (employeesMin !== undefined || employeesMax !== undefined) {
    tests.push(({ employees }) => {
      const isWithin =
        employees !== null &&
        employees >= (employeesMin ?? 0) &&
        employees <= (employeesMax ?? Infinity)
      return isWithin ? `${employees} employees` : null
    })
  }
  if (scoreMin !== undefined)
    tests.push(({ score }) => (score >= scoreMin ? `score ${score}` : null))
  if (isCustomer !== undefined) {
    tests.push((lead) =>
      lead.isCustomer === isCustomer ? (isCustomer ? 'is a customer' : 'is no customer') : null,
    )
  }
  return (lead) => {
    const reasons = tests.map((test) => test(lead))
    if (reasons.includes(null)) return null
    return reasons.length === 0 ? 'takes every lead' : reasons.join(', ')
  }
}

/** `a.b.example.com` and what it lies under: `b.example.com`, `example.com`. */
function selfAndParents(domain: string): string[] {
  const labels = domain.split('.')
  return labels.slice(0, -1).map((_, i) => labels.slice(i).join('.'))
}

function plain(text: string): string {
  return text.trim().toLowerCase()
}
