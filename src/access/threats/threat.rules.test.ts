import { describe, expect, test } from 'vitest'
import { agentOf, networkOf } from '#access/threats/network.rules.ts'
import { measureFor, settle, type Standing } from '#access/threats/response.rules.ts'
import { detect, type Observed, type Subject, type Use } from '#access/threats/threat.rules.ts'
import { ThreatPolicy, threatKinds } from '#access/threats/threat.schema.ts'
import { DAY_MS, HOUR_MS } from '#core/time.ts'

const policy = ThreatPolicy.parse({})
const now = new Date('2026-11-23T09:00:00Z')
const ago = (ms: number) => new Date(now.getTime() - ms)

type Counts = Record<string, Record<string, number>>

function observed(kind: Subject['kind'], counts: Counts, more: Partial<Observed> = {}): Observed {
  const tallies = Object.entries(counts).map(([signal, byDetail]) => [
    signal,
    {
      n: Object.values(byDetail).reduce((sum, n) => sum + n, 0),
      byDetail: new Map(Object.entries(byDetail)),
    },
  ])
  const subject = { kind, id: 'x' }
  const rows = { recent: 0, usual: 0 }
  return { subject, counts: Object.fromEntries(tallies), rows, uses: [], ...more }
}

const kindsOf = (one: Observed) => detect(one, policy, now).map(({ kind }) => kind)
const use = (network: string, agent: string, first: number, last: number, requests = 1): Use => ({
  network,
  agent,
  requests,
  known: false,
  firstSeenAt: ago(first),
  lastSeenAt: ago(last),
})
const spread = (networks: number, each: number) =>
  Object.fromEntries(Array.from({ length: networks }, (_, i) => [`n${i}`, each]))

describe('a threshold is met by what reaches it and by nothing less', () => {
  const rows = (recent: number, usual: number, since: number | null) => ({
    rows: { recent, usual },
    uses: since === null ? [] : [use('home', 'job', since, 0)],
  })
  const cases: [string, string[], Observed][] = [
    ['29 tries', [], observed('address', { wrong_secret: { '': 29 } })],
    ['30 tries', ['brute_force'], observed('address', { wrong_secret: { '': 20, usr_1: 10 } })],
    [
      'slips of people who then got in',
      [],
      observed('address', { wrong_secret: spread(20, 3), right_secret: spread(20, 1) }),
    ],
    [
      'a guess that hit after six tries is no slip',
      ['brute_force'],
      observed('address', { wrong_secret: { '': 24, a: 6 }, right_secret: { a: 1 } }),
    ],
    ['one network is no spread', [], observed('user', { wrong_password: spread(4, 20) })],
    ['five networks', ['distributed_guessing'], observed('user', { wrong_password: spread(5, 6) })],
    ['39 records', [], observed('key', { not_found: { '': 39 }, record_request: { '': 39 } })],
    [
      '40 records',
      ['enumeration'],
      observed('key', { not_found: { '': 40 }, record_request: { '': 80 } }),
    ],
    ['40 among 81', [], observed('key', { not_found: { '': 40 }, record_request: { '': 81 } })],
    ['11 operations', [], observed('grant', { forbidden: { '': 11 } })],
    ['12 operations', ['probing'], observed('client', { forbidden: { '': 12 } })],
    ['9999 rows', [], observed('user', {}, rows(9999, 0, null))],
    ['10000 rows', ['mass_export'], observed('user', {}, rows(10_000, 2000, null))],
    ['less than five times the usual', [], observed('key', {}, rows(10_000, 2001, 30 * DAY_MS))],
    ['a key in its first days', [], observed('key', {}, rows(99_999, 0, DAY_MS))],
    ['all at once even then', ['mass_export'], observed('key', {}, rows(100_000, 0, DAY_MS))],
    ['seven returns', [], observed('session', { return: { '': 7 } })],
    ['eight returns', ['impossible_travel'], observed('session', { return: { '': 8 } })],
    ['two uses of a dead key', [], observed('key', { dead_use: { far: 2 } })],
    ['three', ['dead_key'], observed('key', { dead_use: { far: 2, away: 1 } })],
    [
      'from where it always was',
      [],
      observed('key', { dead_use: { home: 99 } }, { uses: [use('home', 'job', DAY_MS, HOUR_MS)] }),
    ],
    ['a token twice', ['token_replay'], observed('grant', { token_replay: { '': 1 } })],
  ]
  test.each(cases)('%s → %j', (_name, kinds, one) => {
    expect(kindsOf(one)).toEqual(kinds)
  })
})

describe('places of a credential', () => {
  const key = (...uses: Use[]) => kindsOf(observed('key', {}, { uses }))
  const home = (days: number, last = 0) => use('home', 'job', days * DAY_MS, last)

  test('a new network with other software counts after fourteen days of history, and not before', () => {
    expect(key(home(14), use('new', 'curl', 0, 0))).toEqual(['new_network'])
    expect(key(home(13.9), use('new', 'curl', 0, 0))).toEqual([])
    expect(key(home(14), { ...use('new', 'curl', 0, 0), known: true })).toEqual([])
  })

  test('with the same software it counts once both go on beyond the overlap', () => {
    const moved = (hours: number) => use('new', 'job', hours * HOUR_MS, 0)
    expect(key(home(20), moved(49))).toEqual(['new_network'])
    expect(key(home(20), moved(48))).toEqual([])
    expect(key(home(20, 48 * HOUR_MS), moved(72))).toEqual([])
  })

  test('five new networks in an hour are a leak, unless the key roams anyway or is a day old', () => {
    const fresh = Array.from({ length: 5 }, (_, i) => use(`new${i}`, 'job', 60_000, 0))
    const roaming = Array.from({ length: 11 }, (_, i) => use(`old${i}`, 'job', 3 * DAY_MS, 0))
    expect(key(home(3), ...fresh)).toEqual(['leaked_key'])
    expect(key(home(3), ...fresh.slice(1))).toEqual([])
    expect(key(home(0.9), ...fresh)).toEqual([])
    expect(key(...roaming, ...fresh)).toEqual([])
  })

  test('a session in another browser is replayed, whatever its networks say', () => {
    const session = (...uses: Use[]) =>
      kindsOf(observed('session', { return: { '': 20 } }, { uses }))
    const own = use('home', 'firefox', HOUR_MS, 0, 50)
    expect(session(own, use('far', 'chrome', 60_000, 0, 3))).toEqual(['session_replay'])
    expect(session(own, use('far', 'chrome', 60_000, 0, 2))).toEqual(['impossible_travel'])
  })
})

describe('what is done', () => {
  test('nobody’s account is ever shut: what is held back is an address, a key, a client or a session', () => {
    for (const kind of threatKinds)
      for (const subject of ['user', 'session'] as const) {
        const rule = policy[kind]
        const wanted = { ...policy, [kind]: { ...rule, action: 'quarantine' } }
        const measure = measureFor(kind, { kind: subject, id: 'x' }, wanted)
        expect(measure).toMatchObject({ kind: 'sign_out', forMinutes: 0 })
      }
  })

  test('one attack is one threat, and what a person decided is quiet for a while', () => {
    const standing = (state: Standing['state'], hours: number): Standing[] => [
      {
        id: 'thr_1',
        kind: 'new_network',
        state,
        decidedAt: state === 'open' ? null : ago(hours * HOUR_MS),
      },
    ]
    const at = (state: Standing['state'], hours: number) =>
      settle('new_network', standing(state, hours), now)
    expect(settle('new_network', [], now)).toEqual({ kind: 'new' })
    expect(at('open', 0)).toEqual({ kind: 'same', id: 'thr_1', to: null })
    expect(at('confirmed', 0.9)).toEqual({ kind: 'quiet' })
    expect(at('confirmed', 1)).toEqual({ kind: 'new' })
    expect(at('dismissed', 23)).toEqual({ kind: 'quiet' })
    expect(at('dismissed', 24)).toEqual({ kind: 'new' })
    const more = settle('leaked_key', standing('open', 0), now)
    expect(more).toEqual({ kind: 'same', id: 'thr_1', to: 'leaked_key' })
  })
})

test('a network is a /24 or a /48, and software is known without its versions', () => {
  expect(networkOf('203.0.113.9')).toBe('203.0.113.0/24')
  expect(networkOf('::ffff:203.0.113.77')).toBe('203.0.113.0/24')
  expect(networkOf('2001:db8:7:1::5')).toBe('2001:db8:7::/48')
  expect(agentOf('python-requests/2.31.0')).toBe(agentOf('python-requests/2.32'))
  expect(agentOf('curl/8.5')).not.toBe(agentOf('acme-job/8.5'))
  expect(agentOf(undefined)).toBe('')
})
