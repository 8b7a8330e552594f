import { isIPv6 } from 'node:net'
import { sql } from 'kysely'
import { plainAddress } from '#core/network.ts'
import { Problem } from '#core/problem.ts'
import { HOUR_MS, MINUTE_MS } from '#core/time.ts'
import type { Store } from '#store/store.ts'
import type { Sealer } from '#store/vault.ts'

/** One thing that failures are counted for, and how many it may have in a window. */
export interface Counter {
  kind: 'pair' | 'source' | 'account' | 'device' | 'second_factor'
  value: string
}

/**
 * How many wrong tries each counter takes. A source is slowed for one account soon, and stopped for all later. The account
 * itself is stopped only for browsers it never signed in from, so that nobody can shut its owner out (OWASP: device cookies);
 * passkeys and open sessions are not counted at all.
 */
const LIMITS: Readonly<Record<Counter['kind'], { failures: number; windowMs: number }>> = {
  pair: { failures: 10, windowMs: 15 * MINUTE_MS },
  source: { failures: 100, windowMs: HOUR_MS },
  account: { failures: 100, windowMs: HOUR_MS },
  device: { failures: 10, windowMs: 15 * MINUTE_MS },
  second_factor: { failures: 8, windowMs: 15 * MINUTE_MS },
}

/** What is counted for a password: with a known browser only that browser, else the source, the account, and both together. */
export function passwordCounters(
  account: string,
  remoteAddress: string,
  device: string | null,
): Counter[] {
  if (device !== null) return [{ kind: 'device', value: device }]
  const source = sourceOf(remoteAddress)
  return [
    { kind: 'pair', value: `${source} ${account}` },
    { kind: 'source', value: source },
    { kind: 'account', value: account },
  ]
}

/** An IPv6 host has a whole /64 to itself; IPv4 in IPv6 is IPv4. */
export function sourceOf(remoteAddress: string): string {
  const plain = plainAddress(remoteAddress)
  if (!isIPv6(plain)) return plain
  const [head = '', tail = ''] = plain.split('::')
  const left = head.split(':').filter(Boolean)
  const right = tail.split(':').filter(Boolean)
  const zeros = plain.includes('::') ? 8 - left.length - right.length : 0
  return [...left, ...Array<string>(zeros).fill('0'), ...right].slice(0, 4).join(':')
}

/**
 * Counts a try before it is made, so that many at once cannot slip through.
 * @returns what undoes the count after a success.
 * @throws Problem `auth.sign_in_throttled` when one of the counters is used up
 */
export async function countTry(
  store: Store,
  sealer: Sealer,
  counters: readonly Counter[],
  now: Date,
): Promise<() => Promise<void>> {
  const keys = counters.map(({ kind, value }) => ({
    kind,
    key: sealer.index(`sign_in.${kind}`, value).toString('hex'),
    endsAt: new Date(now.getTime() + LIMITS[kind].windowMs),
  }))
  const rows = await store.system((tx) =>
    tx.query(sql<{ key: Buffer; failures: number; windowEndsAt: Date }>`
      insert into sign_in_failures as f (key, window_ends_at, failures)
      select decode(r.key, 'hex'), r."endsAt", 1
      from jsonb_to_recordset(${JSON.stringify(keys)}::jsonb) as r(key text, "endsAt" timestamptz) order by r.key
      on conflict (key) do update set
        failures = case when f.window_ends_at <= ${now} then 1 else f.failures + 1 end,
        window_ends_at = case when f.window_ends_at <= ${now} then excluded.window_ends_at else f.window_ends_at end
      returning f.key, f.failures, f.window_ends_at`),
  )
  const kindOf = new Map(keys.map(({ key, kind }) => [key, kind]))
  const full = rows.filter(
    (row) => row.failures > LIMITS[kindOf.get(row.key.toString('hex'))!].failures,
  )
  if (full.length > 0) {
    const waitMs = Math.max(...full.map((row) => row.windowEndsAt.getTime() - now.getTime()))
    const waitS = Math.max(1, Math.ceil(waitMs / 1000))
    throw new Problem(
      'auth.sign_in_throttled',
      `Too many failed tries: wait ${Math.ceil(waitS / 60)} min, or sign in with a passkey.`,
      { headers: { 'retry-after': String(waitS) } },
    )
  }
  return async () => {
    const used = keys.map(({ key }) => key)
    await store.system((tx) =>
      tx.execute(sql`
        update sign_in_failures set failures = greatest(failures - 1, 0)
        where key in (select decode(k, 'hex') from unnest(${used}::text[]) as k)`),
    )
  }
}
