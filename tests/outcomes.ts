import { sql } from 'kysely'
import { createSignInLink, createUser } from '#access/bootstrap.ts'
import type { Store } from '#store/store.ts'
import type { TestAnswer, TestHub, TestWorkspace } from '#tests/hub.ts'

/** A number in [0, 1) that only the row and the name decide. */
const luck = (name: string) => sql.raw(`((hashtextextended(i || '${name}', 3) & 65535) / 65536.0)`)

/**
 * Leads of the last 500 days with what they did and what came of them, one statement a table: referrals and busy leads
 * are won far more often than others. Deals are open for some weeks; the latest are still open.
 *
 * @param made  how many were planted before, so that the next ones are others.
 */
export async function plantOutcomes(
  store: Store,
  workspaceId: string,
  leads: number,
  now: Date,
  made = 0,
): Promise<void> {
  await store.transaction(workspaceId, async (tx) => {
    const id = (prefix: string) =>
      sql.raw(`('${prefix}_${tx.workspaceId.slice(-12)}' || lpad(i::text, 7, '0'))`)
    const at = sql`${now}::timestamptz`
    await tx.execute(sql`
      insert into people (id, workspace_id, identified, personal, created_at, updated_at)
      select ${id('per')}, ${tx.workspaceId}, true, null, ${at}, ${at} from generate_series(${made + 1}::int, ${made + leads}::int) i`)
    await tx.execute(sql`
      insert into leads (id, workspace_id, person_id, status, channel, attributes, fit_score, engagement_score, score,
        score_parts, score_version, scored_at, captured_at, created_at, updated_at)
      select ${id('lead')}, ${tx.workspaceId}, ${id('per')}, 'new',
        case when ${luck('channel')} < 0.3 then 'referral' when ${luck('channel')} < 0.7 then 'paid_search' else 'email' end,
        jsonb_build_object('employees', round(10 ^ (1 + 3 * ${luck('size')})), 'country', case when ${luck('country')} < 0.5 then 'DE' else 'FR' end),
        10, 10, 10, '[]', 0, ${at} - interval '1 hour', ${at} - make_interval(secs => 86400 * (1 + 499 * ${luck('when')})),
        ${at} - interval '2 hours', ${at} - interval '2 hours'
      from generate_series(${made + 1}::int, ${made + leads}::int) i`)
    await tx.execute(sql`
      insert into touchpoints (id, workspace_id, person_id, kind, channel, occurred_at, received_at, source)
      select ${id('tch')} || '_' || n, ${tx.workspaceId}, ${id('per')},
        case when n % 4 = 0 then 'form_submission' else 'page_view' end, l.channel,
        l.captured_at + make_interval(secs => 86400 * (n - 2)), ${at}, 'test'
      from generate_series(${made + 1}::int, ${made + leads}::int) i join leads l on l.id = ${id('lead')}
      cross join lateral generate_series(1, 1 + floor(6 * ${luck('busy')})::int) n`)
    const chance = sql`(case when l.channel = 'referral' then 0.55 when l.channel = 'email' then 0.3 else 0.1 end
      + 0.35 * ${luck('busy')})`
    await tx.execute(sql`
      insert into opportunities (id, workspace_id, name, amount_minor, currency, status, opened_at, closed_at, updated_at)
      select ${id('opp')}, ${tx.workspaceId}, ''::bytea, (100000 * (1 + 9 * ${luck('amount')}))::bigint, 'EUR',
        case when c.closes >= ${at} then 'open' when ${luck('won')} < case when l.channel = 'referral' then 0.8 else 0.35 end
          then 'won' else 'lost' end,
        c.opens, case when c.closes < ${at} then c.closes end, ${at} - interval '2 hours'
      from generate_series(${made + 1}::int, ${made + leads}::int) i join leads l on l.id = ${id('lead')}
      cross join lateral (
        select l.captured_at + make_interval(secs => 86400 * (10 + 40 * ${luck('opens')})) as opens,
          l.captured_at + make_interval(secs => 86400 * (60 + 60 * ${luck('closes')})) as closes
      ) c
      where c.opens < ${at} and ${luck('deal')} < ${chance}`)
    await tx.execute(sql`
      insert into opportunity_people (workspace_id, opportunity_id, person_id)
      select ${tx.workspaceId}, o.id, 'per' || substr(o.id, 4) from opportunities o where o.workspace_id = ${tx.workspaceId}
      on conflict do nothing`)
  })
}

/** The workspace as a person of these roles sees it who signed in. */
export async function signedIn(hub: TestHub, workspace: TestWorkspace, roles: string[]) {
  const { store, clock } = hub.app
  const userId = await createUser(store, workspace.id, { name: 'Grace', roles }, clock.now())
  const link = await createSignInLink(store, workspace.id, userId, hub.url, clock.now())
  const headers = { 'content-type': 'application/json', origin: hub.url }
  const answer = await fetch(`${hub.url}/api/v1/session`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ token: new URL(link).hash.slice(1) }),
  })
  const cookie = answer.headers.get('set-cookie')?.split(';')[0]
  if (cookie === undefined) throw new Error(`the sign-in was refused with ${answer.status}`)
  return {
    userId,
    async post(path: string, body: unknown = {}): Promise<TestAnswer> {
      const sent = await fetch(hub.url + path, {
        method: 'POST',
        headers: { ...headers, cookie },
        body: JSON.stringify(body),
      })
      const text = await sent.text()
      return {
        status: sent.status,
        headers: sent.headers,
        text,
        body: text === '' ? null : JSON.parse(text),
      }
    },
  }
}
