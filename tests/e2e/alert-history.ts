import { sql } from 'kysely'
import { newId } from '#core/id.ts'
import { DAY_MS, HOUR_MS } from '#core/time.ts'
import type { Store } from '#store/store.ts'

/** Two alerts that are open, one of them not delivered, one that is over, and two channels. */
export async function seedAlerts(
  store: Store,
  workspaceId: string,
  connectionId: string,
  now: Date,
): Promise<void> {
  const ago = (ms: number) => new Date(now.getTime() - ms)
  const rows = [
    {
      id: newId('alr'),
      watch: 'sync.stream_late',
      title: 'Data is older than promised',
      severity: 'warning',
      summary: 'HubSpot: deals is late, the oldest by now 31 hours old.',
      state: 'resolved',
      firedAt: ago(9 * DAY_MS),
      resolvedAt: ago(8 * DAY_MS),
      openings: 1,
    },
    {
      id: newId('alr'),
      watch: 'sync.errors_open',
      title: 'Records are refused',
      severity: 'warning',
      summary:
        'HubSpot, contacts: 4 records are refused. The e-mail address is not valid (INVALID_EMAIL).',
      state: 'firing',
      firedAt: ago(4 * HOUR_MS),
      resolvedAt: null,
      openings: 3,
    },
    {
      id: newId('alr'),
      watch: 'sync.login_needed',
      title: 'A connection needs a new sign-in',
      severity: 'critical',
      summary: 'HubSpot Iberia does not accept the credentials any more.',
      state: 'firing',
      firedAt: ago(3 * DAY_MS),
      resolvedAt: null,
      openings: 1,
    },
  ]
  const channelId = newId('alc')
  await store.transaction(workspaceId, async (tx) => {
    await tx.execute(sql`
      insert into alerts (id, watch, key, title, severity, owner_role, summary, link, state, since, fired_at, resolved_at,
        last_seen_at, openings)
      select id, watch, ${connectionId}, title, severity, 'integrator', summary, ${`/sync#${connectionId}`}, state, "firedAt",
        "firedAt", "resolvedAt", ${now}, openings
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(id text, watch text, title text, severity text, summary text,
        state text, "firedAt" timestamptz, "resolvedAt" timestamptz, openings integer)`)
    const targets = [
      {
        id: channelId,
        name: 'Pager',
        kind: 'webhook',
        url: 'https://pager.example/in',
        secret: '',
      },
      { id: newId('alc'), name: 'Operations', kind: 'email', to: ['ops@northwind.example'] },
    ]
    for (const { id, name, kind, ...target } of targets) {
      const sealed = tx.sealer.seal({ kind, ...target }, `alert_channels.target:${id}`)
      const failingSince = kind === 'webhook' ? ago(2 * DAY_MS) : null
      await tx.execute(sql`
        insert into alert_channels (id, name, kind, target, min_severity, watches, quiet_from, quiet_to, failing_since,
          created_at, updated_at)
        values (${id}, ${name}, ${kind}, ${sealed}, 'warning', '{*}', '22:00', '07:00', ${failingSince}, ${now}, ${now})`)
    }
    await tx.execute(sql`
      insert into alert_messages (id, channel_id, alert_id, kind, notice, state, attempts, last_error, created_at)
      values (${newId('msg')}, ${channelId}, ${rows[2]?.id}, 'fired', '{}', 'failed', 10, 'It answered 500.', ${now})`)
  })
}
