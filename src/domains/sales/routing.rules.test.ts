import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isPresent, route, type RouteCounter, type RoutedOwner } from './routing.rules.ts'
import type { RoutedLead } from './routing-condition.rules.ts'
import { routingFaults } from './routing-faults.rules.ts'
import type { RoutingRule, RoutingRules } from './routing.schema.ts'

const NOW = new Date('2026-11-02T12:00:00Z')

const owner = (id: string, more: Partial<RoutedOwner> = {}): RoutedOwner => ({
  id,
  active: true,
  dailyCapacity: null,
  absentFrom: null,
  absentUntil: null,
  ...more,
})

const lead = (id: string, more: Partial<RoutedLead> = {}): RoutedLead => ({
  id,
  country: null,
  region: null,
  industry: null,
  employees: null,
  domain: null,
  channel: 'direct',
  score: 0,
  isCustomer: false,
  ...more,
})

const rule = (id: string, more: Partial<RoutingRule>): RoutingRule => ({
  id,
  name: id,
  when: {},
  ownerIds: [],
  strategy: 'round_robin',
  slaMinutes: 60,
  followUp: 'mql',
  ...more,
})

const rules = (list: RoutingRule[], ownerIds: `own_${string}`[] = []): RoutingRules => ({
  rules: list,
  fallback: { ownerIds, strategy: 'round_robin', slaMinutes: 1440, followUp: 'mql' },
})

const leads = (count: number, more: Partial<RoutedLead> = {}) =>
  Array.from({ length: count }, (_, i) => lead(`lead_${i}`, more))

test('the first rule whose condition holds takes the lead, and says why', () => {
  const published = rules([
    rule('named', {
      name: 'Named',
      when: { domains: ['acme.example'] },
      ownerIds: ['own_a'],
      strategy: 'single',
    }),
    rule('dach', { name: 'DACH', when: { countries: ['Germany', 'AT'] }, ownerIds: ['own_b'] }),
  ])
  const { assignments } = route(
    [
      lead('lead_1', { country: 'DE', domain: 'mail.acme.example' }),
      lead('lead_2', { country: 'DE', domain: 'notacme.example' }),
      lead('lead_3', { country: 'FR' }),
    ],
    published,
    [owner('own_a'), owner('own_b')],
    [],
    NOW,
  )
  expect(assignments.map(({ ownerId, ruleId, why }) => [ownerId, ruleId, why])).toEqual([
    ['own_a', 'named', 'Rule “Named”: named account acme.example; the owner is its first choice.'],
    ['own_b', 'dach', 'Rule “DACH”: country DE; the owner is next in turn among 1.'],
    [null, null, 'No rule matches, and no fallback owner is present.'],
  ])
})

test.each([
  [{ employeesMin: 50, employeesMax: 200 }, { employees: 50 }, true],
  [{ employeesMin: 50, employeesMax: 200 }, { employees: 201 }, false],
  [{ employeesMin: 50 }, {}, false],
  [{ regions: ['Bavaria'] }, { region: ' bavaria ' }, true],
  [{ industries: ['Software'] }, { industry: 'Retail' }, false],
  [{ scoreMin: 60 }, { score: 60 }, true],
  [{ isCustomer: true }, { isCustomer: false }, false],
  [{ channels: ['webinar'] }, { channel: 'webinar' }, true],
  [{ countries: ['DE'], scoreMin: 60 }, { country: 'DE', score: 59 }, false],
  [{}, {}, true],
])('the condition %j on %j: %s', (when, facts, holds) => {
  const { assignments } = route(
    [lead('lead_1', facts)],
    rules([rule('one', { when, ownerIds: ['own_a'] })]),
    [owner('own_a')],
    [],
    NOW,
  )
  expect(assignments[0]?.ownerId).toBe(holds ? 'own_a' : null)
})

test('an owner back from an absence is next once, then in turn', () => {
  const published = rules([rule('one', { ownerIds: ['own_a', 'own_b'] })])
  const counters: RouteCounter[] = [
    { ruleId: 'one', ownerId: 'own_a', assigned: 40, assignedToday: 0, turn: 40 },
    { ruleId: 'one', ownerId: 'own_b', assigned: 1, assignedToday: 0, turn: 1 },
  ]
  const { assignments } = route(
    leads(4),
    published,
    [owner('own_a'), owner('own_b')],
    counters,
    NOW,
  )
  expect(assignments.map(({ ownerId }) => ownerId)).toEqual(['own_b', 'own_a', 'own_b', 'own_a'])
})

test('beyond every capacity the fallback overloads the owner with the fewest leads', () => {
  const published = rules([rule('one', { ownerIds: ['own_a'] })], ['own_b', 'own_c'])
  const { assignments } = route(
    leads(5),
    published,
    [
      owner('own_a', { dailyCapacity: 1 }),
      owner('own_b', { dailyCapacity: 1 }),
      owner('own_c', { dailyCapacity: 1 }),
    ],
    [],
    NOW,
  )
  expect(assignments.map(({ ownerId }) => ownerId)).toEqual([
    'own_a',
    'own_b',
    'own_c',
    'own_b',
    'own_c',
  ])
})

const absence = fc.record({
  active: fc.boolean(),
  dailyCapacity: fc.option(fc.integer({ min: 1, max: 5 })),
  absentFrom: fc.option(
    fc.date({ min: new Date('2026-10-01'), max: new Date('2026-12-01'), noInvalidDate: true }),
  ),
  absentUntil: fc.option(
    fc.date({ min: new Date('2026-10-01'), max: new Date('2026-12-01'), noInvalidDate: true }),
  ),
})

const worlds = fc.record({
  owners: fc.array(absence, { minLength: 1, maxLength: 6 }),
  picks: fc.array(
    fc.record({
      country: fc.constantFrom('DE', 'FR'),
      indexes: fc.uniqueArray(fc.nat(5), { minLength: 1, maxLength: 4 }),
    }),
    { maxLength: 3 },
  ),
  fallback: fc.uniqueArray(fc.nat(5), { maxLength: 4 }),
  countries: fc.array(fc.constantFrom('DE', 'FR', 'IT'), { minLength: 1, maxLength: 40 }),
})

test('no absent owner is assigned, capacity is honoured, and nothing is left while a fallback owner is present', () => {
  fc.assert(
    fc.property(worlds, (world) => {
      const owners = world.owners.map((more, i) => owner(`own_${i}`, more))
      const known = (indexes: number[]) =>
        indexes.filter((i) => i < owners.length).map((i) => `own_${i}` as const)
      const published = rules(
        world.picks.map(({ country, indexes }, i) =>
          rule(`rule_${i}`, { when: { countries: [country] }, ownerIds: known(indexes) }),
        ),
        known(world.fallback),
      )
      const { assignments, changed } = route(
        world.countries.map((country, i) => lead(`lead_${i}`, { country })),
        published,
        owners,
        [],
        NOW,
      )
      const byId = new Map(owners.map((one) => [one.id, one]))
      const isFallbackPresent = published.fallback.ownerIds.some((id) =>
        isPresent(byId.get(id)!, NOW),
      )
      const today = new Map<string, number>()
      for (const { ownerId, ruleId, why } of assignments) {
        if (ownerId === null) {
          expect(isFallbackPresent).toBe(false)
          continue
        }
        const chosen = byId.get(ownerId)!
        expect(isPresent(chosen, NOW)).toBe(true)
        today.set(ownerId, (today.get(ownerId) ?? 0) + 1)
        if (ruleId !== 'fallback')
          expect(today.get(ownerId)).toBeLessThanOrEqual(chosen.dailyCapacity ?? Infinity)
        expect(why.length).toBeGreaterThan(10)
      }
      expect(changed.reduce((sum, { assigned }) => sum + assigned, 0)).toBe(
        assignments.filter(({ ownerId }) => ownerId !== null).length,
      )
    }),
  )
})

test('present owners of a round robin differ by at most one lead, over batches of any sizes', () => {
  fc.assert(
    fc.property(
      fc.array(fc.boolean(), { minLength: 1, maxLength: 7 }),
      fc.array(fc.nat(9), { maxLength: 12 }),
      (present, sizes) => {
        const owners = present.map((active, i) => owner(`own_${i}`, { active }))
        const published = rules([rule('one', { ownerIds: owners.map(({ id }) => id as 'own_0') })])
        let counters: RouteCounter[] = []
        for (const size of sizes) {
          const { changed } = route(leads(size), published, owners, counters, NOW)
          const changedIds = new Set(changed.map(({ ownerId }) => ownerId))
          counters = [...counters.filter(({ ownerId }) => !changedIds.has(ownerId)), ...changed]
        }
        const counts = owners
          .filter(({ active }) => active)
          .map(({ id }) => counters.find(({ ownerId }) => ownerId === id)?.assigned ?? 0)
        if (counts.length > 0)
          expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)
      },
    ),
  )
})

test('50,000 leads: none unassigned, balanced within one, each with its reason', () => {
  const countries = ['DE', 'FR', 'US', 'GB', 'BR', null]
  const many = Array.from({ length: 50_000 }, (_, i) =>
    lead(`lead_${i}`, { country: countries[i % countries.length]!, employees: (i * 37) % 2000 }),
  )
  const teams = {
    emea: ['own_a', 'own_b', 'own_c'],
    us: ['own_d', 'own_e'],
    rest: ['own_f', 'own_g'],
  } as const
  const published = rules(
    [
      rule('emea', { when: { countries: ['DE', 'FR', 'GB'] }, ownerIds: [...teams.emea] }),
      rule('us', { when: { countries: ['US'], employeesMin: 100 }, ownerIds: [...teams.us] }),
    ],
    [...teams.rest],
  )
  const { assignments, changed } = route(
    many,
    published,
    Object.values(teams)
      .flat()
      .map((id) => owner(id)),
    [],
    NOW,
  )
  expect(assignments.filter(({ ownerId, why }) => ownerId === null || why === '')).toEqual([])
  for (const team of Object.values(teams)) {
    const counts = changed
      .filter(({ ownerId }) => team.some((id) => id === ownerId))
      .map(({ assigned }) => assigned)
    expect(counts).toHaveLength(team.length)
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)
  }
})

test('faults of rules are named with their places', () => {
  const draft = rules(
    [
      rule('one', {
        when: { countries: ['DE', 'Atlantis'], employeesMin: 10, employeesMax: 5 },
        ownerIds: ['own_a', 'own_x'],
      }),
      rule('one', { ownerIds: [] }),
    ],
    ['own_a', 'own_a'],
  )
  expect(routingFaults(draft, new Set(['own_a'])).map(({ pointer }) => pointer)).toEqual([
    '/rules/0/ownerIds/1',
    '/rules/0/when/countries/1',
    '/rules/0/when/employeesMax',
    '/rules/1/id',
    '/rules/1/ownerIds',
    '/fallback/ownerIds/1',
  ])
  expect(routingFaults(rules([], ['own_a']), new Set(['own_a']))).toEqual([])
})
