import type { Shot } from '#bench/load.ts'

export const LEADS_PATH = '/api/v1/integrations/sales/leads'

const COUNTRIES = ['DE', 'FR', 'US', 'GB', 'SE', 'PL', 'ES', 'BR', 'IN', 'JP']
const INDUSTRIES = ['software', 'manufacturing', 'retail', 'healthcare', 'logistics']
const TITLES = ['Head of Marketing', 'Chief Technology Officer', 'Buyer', 'Analyst', 'Founder']
const SOURCES = ['google', 'linkedin', 'newsletter', 'bing', 'partner']

/** The `i`-th lead as a website's form sends it: a person nobody knew, with consent and the visit that brought them. */
export function newLead(i: number, series: string): Record<string, unknown> {
  const company = `company-${i % 5000}`
  return {
    email: `person.${series}.${i}@${company}.example`,
    submissionId: `${series}-${i}`,
    source: 'website',
    form: 'Contact us',
    firstName: 'Robin',
    lastName: `Walker ${i}`,
    jobTitle: TITLES[i % TITLES.length],
    company,
    companyDomain: `${company}.example`,
    country: COUNTRIES[i % COUNTRIES.length],
    industry: INDUSTRIES[i % INDUSTRIES.length],
    employees: 10 + (i % 2000),
    utm: { source: SOURCES[i % SOURCES.length], medium: i % 2 === 0 ? 'cpc' : 'email' },
    pageUrl: `https://www.example.com/contact?ref=${i}`,
    referrer: 'https://www.google.com/',
    consents: [{ purpose: 'marketing', channel: 'email', status: 'granted' }],
  }
}

/** Makes shots of new leads, each once: one a request, or `size` a request. */
export function leadShots(series: string, size = 1): { next: () => Shot; sent: () => number } {
  let i = 0
  const shot = (body: unknown): Shot => ({
    method: 'POST',
    path: LEADS_PATH,
    body: JSON.stringify(body),
  })
  return {
    next() {
      if (size === 1) return shot(newLead(i++, series))
      return shot({ leads: Array.from({ length: size }, () => newLead(i++, series)) })
    },
    sent: () => i,
  }
}

/** Gives an empty workspace what a sales team has: owners, a rule for some countries, follow-up for every lead. */
export async function setUpSales(url: string, key: string): Promise<void> {
  const ownerIds: string[] = []
  for (let i = 1; i <= 8; i += 1) {
    const owner = { name: `Owner ${i}`, email: `owner${i}@example.com` }
    const { id } = await callHub<{ id: string }>(url, key, 'POST', '/api/v1/owners', owner)
    ownerIds.push(id)
  }
  const assignment = { strategy: 'round_robin', followUp: 'always' }
  const near = { countries: ['DE', 'FR', 'GB', 'SE', 'PL', 'ES'] }
  await callHub(url, key, 'PUT', '/api/v1/routing', {
    rules: [
      { id: 'near', name: 'Near', when: near, ownerIds: ownerIds.slice(0, 4), ...assignment },
    ],
    fallback: { ownerIds: ownerIds.slice(4), ...assignment },
  })
}

/** One call with a JSON answer. @throws Error when it is refused. */
export async function callHub<T>(
  url: string,
  key: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<T> {
  const answer = await fetch(url + path, {
    method,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  if (!answer.ok)
    throw new Error(`${method} ${path} answered ${answer.status}: ${text.slice(0, 300)}`)
  return JSON.parse(text) as T
}
