import { sql } from 'kysely'
import { insertMeasures, insertThreats } from '#access/threats/threat.store.ts'
import { insertHold } from '#compliance/hold.store.ts'
import { insertRequest } from '#compliance/privacy.store.ts'
import { addressIndex } from '#compliance/suppressed.ts'
import { endRun, insertRun, noteRemoved } from '#compliance/retention.store.ts'
import { newId } from '#core/id.ts'
import { DAY_MS, HOUR_MS } from '#core/time.ts'
import { addUsage, saveQuota } from '#levels/quota.store.ts'
import type { Store, Transaction } from '#store/store.ts'

/** What the tests of the privacy pages look for. */
export interface TrustHistory {
  /** An erasure that somebody else took and nobody has approved. */
  erasureId: string
  threatId: string
}

/** Requests of people, a hold, two runs of retention; a quota near its end, and a key in quarantine. */
export async function seedTrust(
  store: Store,
  workspaceId: string,
  connectionId: string,
  now: Date,
): Promise<TrustHistory> {
  const ago = (ms: number) => new Date(now.getTime() - ms)
  const erasureId = await store.transaction(workspaceId, async (tx) => {
    const id = await seedRequests(tx, connectionId, ago)
    await seedRetention(tx, ago)
    await saveQuota(tx, 'workspace', { perDay: 20_000, perMonth: 500_000 }, now)
    await tx.execute(sql`
      insert into quota_periods (workspace_id, subject, period, starts_on, taken, used)
      select ${workspaceId}, 'workspace', 'day', (${now}::timestamptz at time zone 'UTC')::date, 17200, 17200
      on conflict do nothing`)
    return id
  })
  const threatId = await seedThreat(store, workspaceId, now)
  return { erasureId, threatId }
}

async function seedRequests(
  tx: Transaction,
  connectionId: string,
  ago: (ms: number) => Date,
): Promise<string> {
  const people = await tx.query(
    sql<{ id: `per_${string}` }>`select id from people order by id limit 3`,
  )
  const ids = people.map(() => newId('prq'))
  for (const [i, { id: personId }] of people.entries()) {
    const requestedAt = ago((i === 1 ? 33 : 4 + i) * DAY_MS)
    await insertRequest(tx, {
      id: ids[i] ?? newId('prq'),
      kind: i === 2 ? 'access' : 'erasure',
      personId,
      note: 'By e-mail to the data protection officer; identity proved by a call back.',
      requestedBy: 'usr_grace',
      requestedAt,
      dueAt: new Date(requestedAt.getTime() + 30 * DAY_MS),
      changes: null,
    })
  }
  const erased = { touchpoints: 14, leads: 1, person_identities: 2 }
  await tx.execute(sql`
    update privacy_requests set state = 'approved', decided_by = 'usr_ada', decided_at = ${ago(31 * DAY_MS)},
      erased = ${JSON.stringify(erased)}::jsonb where id = ${ids[1]}`)
  await tx.execute(sql`
    insert into sync_erasures (connection_id, entity, external_id, workspace_id, request_id, state, attempts, next_attempt_at,
      detail, asked_at, done_at)
    values (${connectionId}, 'lead', '90400', ${tx.workspaceId}, ${ids[1]}, 'done', 1, ${ago(31 * DAY_MS)}, null,
        ${ago(31 * DAY_MS)}, ${ago(31 * DAY_MS)}),
      (${connectionId}, 'contact', '90401', ${tx.workspaceId}, ${ids[1]}, 'by_hand', 5, ${ago(30 * DAY_MS)},
        'The key may not delete contacts.', ${ago(31 * DAY_MS)}, null)`)
  await tx.execute(sql`
    insert into suppressed_addresses (workspace_id, address_index, request_id, suppressed_at)
    values (${tx.workspaceId}, ${addressIndex(tx, 'gone@erased.example')}, ${ids[1]}, ${ago(31 * DAY_MS)})`)
  return ids[0] ?? ''
}

async function seedRetention(tx: Transaction, ago: (ms: number) => Date): Promise<void> {
  await insertHold(tx, {
    id: newId('hld'),
    target: 'kind',
    subject: 'lead_scores',
    reason: 'Proceedings about the invoice of May.',
    placedBy: 'usr_grace',
    placedAt: ago(12 * DAY_MS),
    liftedBy: null,
    liftedAt: null,
    liftReason: null,
  })
  for (const days of [2, 1]) {
    const id = newId('rtr')
    const before = ago((400 + days) * DAY_MS)
    await insertRun(
      tx,
      id,
      [
        { kind: 'import_files', before },
        { kind: 'lead_scores', before },
      ],
      ago(days * DAY_MS),
    )
    const at = ago(days * DAY_MS - 40_000)
    const removed = { count: 12 * days, oldest: ago(410 * DAY_MS), newest: before }
    await noteRemoved(tx, id, 'import_files', removed, { at, held: 0 })
    await noteRemoved(
      tx,
      id,
      'lead_scores',
      { count: 0, oldest: null, newest: null },
      { at, held: 31 },
    )
    await endRun(tx, id, at)
  }
}

async function seedThreat(store: Store, workspaceId: string, now: Date): Promise<string> {
  const threatId = newId('thr')
  const subject = newId('key')
  await store.system(async (tx) => {
    const day = now.toISOString().slice(0, 10)
    await addUsage(tx, [
      { workspaceId, day, subject: 'workspace', requests: 17_200, refused: 0 },
      { workspaceId, day, subject, requests: 9400, refused: 3 },
    ])
    const about = { subjectKind: 'key' as const, subject }
    await insertThreats(
      tx,
      [
        {
          id: threatId,
          workspaceId,
          kind: 'mass_export',
          family: 'mass_export',
          ...about,
          firstSeenAt: new Date(now.getTime() - 2 * HOUR_MS),
          evidence: { rows: 48_200, usual: 1900 },
          place: null,
          heldBack: null,
        },
      ],
      now,
    )
    await insertMeasures(
      tx,
      [
        {
          workspaceId,
          threatId,
          kind: 'quarantine',
          ...about,
          perMinute: null,
          endsAt: new Date(now.getTime() + 20 * HOUR_MS),
        },
      ],
      now,
    )
  })
  return threatId
}
