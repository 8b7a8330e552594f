import {
  companyFirstWords,
  countries,
  firstNames,
  industries,
  jobTitles,
  lastNames,
  territories,
} from './names.ts'
import type { TerritoryKey } from './names.ts'
import { seededRandom } from '#core/random.ts'
import type { Random } from '#core/random.ts'

export interface WorldCompany {
  id: string
  name: string
  /** Under `.example`, which RFC 2606 reserves: no mail ever reaches anybody. */
  domain: string
  industry: string
  /** ISO 3166-1 alpha-2. */
  country: string
  territory: TerritoryKey
  employees: number
}

export interface WorldPerson {
  id: string
  companyId: string
  firstName: string
  lastName: string
  email: string
  jobTitle: string
  /** What the person's browser is known by before it fills in a form. */
  anonymousId: string
}

export interface WorldOwner {
  id: string
  firstName: string
  lastName: string
  email: string
  territory: TerritoryKey
}

/** What nobody in the company can see, and what drives both touches and deals. */
export interface HiddenTraits {
  /** Per company: lasting part of intent, and the weeks in which it is in the market. */
  lastingIntent: Float64Array
  marketFromWeek: Float64Array
  marketToWeek: Float64Array
  /** Per company: log factor of the hazard from size and industry (visible) and luck (not). */
  fit: Float64Array
  /** Per company: the chance that an opened deal is won, and what it would then bring, EUR minor units. */
  winProbability: Float64Array
  amountMinor: Float64Array
  /** Per person: how much it is about; mean 1. */
  activity: Float64Array
  /** Per person: whether it agrees to be written to when it fills in a form. */
  agrees: Uint8Array
}

export interface Population {
  companies: WorldCompany[]
  people: WorldPerson[]
  owners: WorldOwner[]
  /** Per person, the position of its company; people of a company stand together. */
  companyOfPerson: Uint32Array
  /** Per company, the position of its first person; and one more, the number of people. */
  firstPerson: Uint32Array
  hidden: HiddenTraits
}

/** Makes companies of one to six people each until there are `peopleCount`, and the sales team. O(people). */
export function createPopulation(seed: number, peopleCount: number, weeks: number): Population {
  const random = seededRandom(seed, 1)
  const companies: WorldCompany[] = []
  const people: WorldPerson[] = []
  const companyOfPerson = new Uint32Array(peopleCount)
  const firstPerson = [0]
  const domains = new Set<string>()
  const emails = new Set<string>()
  while (people.length < peopleCount) {
    const company = createCompany(random, companies.length, domains)
    const size = Math.min(1 + random.weighted([45, 27, 14, 8, 4, 2]), peopleCount - people.length)
    for (let i = 0; i < size; i++) {
      companyOfPerson[people.length] = companies.length
      people.push(createPerson(random, people.length, company, emails))
    }
    companies.push(company)
    firstPerson.push(people.length)
  }
  return {
    companies,
    people,
    owners: createOwners(seededRandom(seed, 3)),
    companyOfPerson,
    firstPerson: Uint32Array.from(firstPerson),
    hidden: drawHidden(seededRandom(seed, 2), companies, peopleCount, weeks),
  }
}

function createCompany(random: Random, index: number, domains: Set<string>): WorldCompany {
  const industry = industries[random.weighted(industries.map(({ weight }) => weight))]!
  const country = countries[random.weighted(countries.map(({ weight }) => weight))]!
  const name = freeName(
    `${random.pick(companyFirstWords)} ${random.pick(industry.words)}`,
    random,
    domains,
  )
  return {
    id: `company-${ordinal(index)}`,
    name,
    domain: domainOf(name),
    industry: industry.name,
    country: country.code,
    territory: country.territory,
    employees: Math.round(Math.min(20_000, Math.max(3, Math.exp(4.8 + 1.3 * random.normal())))),
  }
}

/** The name, with further words before it until no other company has its domain. */
function freeName(wish: string, random: Random, domains: Set<string>): string {
  let name = wish
  while (domains.has(domainOf(name))) name = `${random.pick(companyFirstWords)} ${name}`
  domains.add(domainOf(name))
  return name
}

function domainOf(name: string): string {
  return `${name.toLowerCase().replaceAll(' ', '-')}.example`
}

function createPerson(
  random: Random,
  index: number,
  company: WorldCompany,
  emails: Set<string>,
): WorldPerson {
  const firstName = random.pick(firstNames)
  const lastName = random.pick(lastNames)
  const local = `${firstName}.${lastName}`.toLowerCase()
  let email = `${local}@${company.domain}`
  for (let i = 2; emails.has(email); i++) email = `${local}${i}@${company.domain}`
  emails.add(email)
  return {
    id: `person-${ordinal(index)}`,
    companyId: company.id,
    firstName,
    lastName,
    email,
    jobTitle: jobTitles[random.weighted(jobTitles.map(({ weight }) => weight))]!.title,
    anonymousId: `anonymous-${ordinal(random.integer(2 ** 32), 10)}-${ordinal(index)}`,
  }
}

function createOwners(random: Random): WorldOwner[] {
  return territories.flatMap(({ key, reps }, territory) =>
    Array.from({ length: reps }, (_, i) => {
      const firstName = random.pick(firstNames)
      const lastName = random.pick(lastNames)
      const email = `${firstName}.${lastName}.${key}${i + 1}@throughline-demo.example`.toLowerCase()
      return { id: `owner-${territory + 1}-${i + 1}`, firstName, lastName, email, territory: key }
    }),
  )
}

function drawHidden(
  random: Random,
  companies: readonly WorldCompany[],
  peopleCount: number,
  weeks: number,
): HiddenTraits {
  const count = companies.length
  const hidden: HiddenTraits = {
    lastingIntent: Float64Array.from({ length: count }, () => 0.5 * random.normal()),
    marketFromWeek: new Float64Array(count),
    marketToWeek: new Float64Array(count),
    fit: new Float64Array(count),
    winProbability: new Float64Array(count),
    amountMinor: new Float64Array(count),
    // Log-normal with mean 1: a few people account for many touches.
    activity: Float64Array.from({ length: peopleCount }, () =>
      Math.exp(0.8 * random.normal() - 0.32),
    ),
    agrees: Uint8Array.from({ length: peopleCount }, () => (random.uniform() < 0.8 ? 1 : 0)),
  }
  companies.forEach((company, i) => {
    // A third of the companies looks for a solution at some time of a year, for six to twelve weeks.
    const isInMarket = random.uniform() < Math.min(1, weeks / 156)
    const from = random.uniform() * (weeks + 12) - 12
    hidden.marketFromWeek[i] = isInMarket ? from : Infinity
    hidden.marketToWeek[i] = isInMarket ? from + 6 + 6 * random.uniform() : Infinity
    const size = Math.log(company.employees / 120)
    const visible = -0.12 * size ** 2 + (company.industry === 'Software' ? 0.4 : 0)
    hidden.fit[i] = visible + 0.3 * random.normal()
    hidden.winProbability[i] =
      1 / (1 + Math.exp(0.3 - 0.6 * visible - 0.4 * hidden.lastingIntent[i]!))
    const euros = 12_000 * (company.employees / 120) ** 0.45 * Math.exp(0.5 * random.normal())
    hidden.amountMinor[i] = Math.max(1, Math.round(euros / 100)) * 10_000
  })
  return hidden
}

/** The position as an ordinal with leading zeros, so that ids sort as they were made. */
export function ordinal(index: number, digits = 6): string {
  return String(index + 1).padStart(digits, '0')
}
