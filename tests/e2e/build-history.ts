import { issueKey } from '#access/bootstrap.ts'
import { linkAudit } from '#access/audit-chain.ts'
import { auditFiles, type App } from '#app.ts'
import { newId } from '#core/id.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '#core/time.ts'
import { newWebhookSecret } from '#egress/signature.ts'
import type { Transaction } from '#store/store.ts'
import { insertMessages, settleClaims, type Settlement } from '#webhooks/delivery.store.ts'
import { insertEndpoint, updateEndpoint } from '#webhooks/endpoint.store.ts'

/** What the tests of the pages of Build and Trust look for. */
export interface BuildHistory {
  endpointId: string
  /** A delivery that was given up. */
  messageId: string
  /** An audit entry with before and after. */
  auditId: string
  /** Uploaded, not started. */
  importId: string
  /** A key with a denial. */
  keyId: string
}

const CSV = [
  'Lead ID;E-Mail;Vorname;Firma;Angelegt am;Schuhgröße',
  'a1;ada@northwind.example;Ada;Northwind;03.04.2026;38',
  'a2;bob@northwind.example;Bob;Northwind;05.04.2026;44',
  'a3;not an address;Cleo;Contoso;06.04.2026;40',
].join('\n')

/** Two endpoints with deliveries; roles, grants, teams, rules, keys and a client made through the API; a file to import. */
export async function seedBuild(app: App, workspaceId: string, now: Date): Promise<BuildHistory> {
  const { store } = app
  const { endpointId, messageId } = await store.transaction(workspaceId, (tx) =>
    seedWebhooks(tx, now),
  )
  const seeder = { name: 'Seeder', roles: ['admin'], rateLimitPerMinute: 100_000 }
  const { token } = await issueKey(store, workspaceId, seeder, now)
  const call = async (method: string, path: string, body: unknown): Promise<{ id: string }> => {
    const isFile = typeof body === 'string'
    const answer = await fetch(app.url + path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': isFile ? 'text/csv' : 'application/json',
      },
      body: isFile ? body : JSON.stringify(body),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${text}`)
    return JSON.parse(text) as { id: string }
  }
  const keyId = await seedRights(call)
  const { id: importId } = await call(
    'POST',
    '/api/v1/imports?target=leads&fileName=fair-2026.csv',
    CSV,
  )
  await call('PATCH', `/api/v1/imports/${importId}`, { source: 'fair' })
  const listed = await fetch(`${app.url}/api/v1/audit?action=changeImport`, {
    headers: { authorization: `Bearer ${token}` },
  })
  const { data } = (await listed.json()) as { data: { id: string }[] }
  await linkAudit(store, auditFiles(app.config), now)
  return { endpointId, messageId, auditId: data[0]?.id ?? '', importId, keyId }
}

async function seedRights(
  call: (method: string, path: string, body: unknown) => Promise<{ id: string }>,
): Promise<string> {
  await call('PUT', '/api/v1/access/roles/route-planner', {
    label: 'Route planner',
    scopes: ['routing:write', 'leads:read', 'owners:read'],
  })
  const key = await call('POST', '/api/v1/keys', { name: 'Website form', roles: ['sales'] })
  await call('POST', '/api/v1/keys', {
    name: 'Reseller portal',
    scopes: ['performance:read'],
    tenants: ['acme-emea'],
    expiresAt: '2030-01-01T00:00:00Z',
  })
  await call('POST', '/api/v1/oauth/clients', {
    name: 'Warehouse export',
    kind: 'service',
    scopes: ['leads:read'],
  })
  await call('PUT', '/api/v1/access/teams/emea', {
    ownerIds: ['own_00000000000000000000000000000000'],
  })
  const grants = [
    { subject: key.id, effect: 'deny', scope: 'leads:*', node: 'team:emea' },
    { subject: 'role:finance', effect: 'allow', scope: 'owners:read', node: 'domain:sales' },
    { subject: key.id, effect: 'allow', scope: 'alerts:read', node: 'org' },
  ]
  for (const grant of grants) await call('POST', '/api/v1/access/grants', grant)
  // About nobody who signs in here: a rule holds for every call of whom it is about.
  await call('POST', '/api/v1/access/rules', {
    name: 'Holds from the office only',
    effect: 'step_up',
    scopes: ['holds:write'],
    roles: ['privacy'],
    dataClass: 'personal',
    networks: ['10.0.0.0/8'],
    hours: { days: [1, 2, 3, 4, 5], from: '08:00', to: '18:00', timeZone: 'Europe/Berlin' },
    purposes: ['dispute'],
  })
  return key.id
}

async function seedWebhooks(
  tx: Transaction,
  now: Date,
): Promise<{ endpointId: string; messageId: string }> {
  const endpointId = newId('whe')
  const off = newId('whe')
  const made = new Date(now.getTime() - 20 * DAY_MS)
  const whole = { format: 'standard' as const, url: 'https://warehouse.example.com/throughline' }
  await insertEndpoint(
    tx,
    {
      id: endpointId,
      ...whole,
      description: 'The warehouse',
      events: ['lead.*', 'sync.run_ended'],
    },
    newWebhookSecret(),
    made,
  )
  const url = 'https://chat.example.com/hooks/revenue'
  await insertEndpoint(
    tx,
    { id: off, url, description: '', format: 'slack', events: ['lead.qualified'] },
    newWebhookSecret(),
    made,
  )
  const reason = 'Nothing reached it for five days.'
  await updateEndpoint(tx, off, { state: 'disabled', reason }, now)
  const events = [
    'lead.created',
    'lead.qualified',
    'sync.run_ended',
    'lead.scored',
    'lead.assigned',
  ]
  const messages = events.map((event, i) => {
    const occurredAt = new Date(now.getTime() - (events.length - i) * HOUR_MS)
    const payload = JSON.stringify({ type: event, timestamp: occurredAt, data: { id: 'lead_0' } })
    return { id: newId('msg'), event, occurredAt, payload }
  })
  await insertMessages(tx, messages)
  const settled = messages.slice(0, 4).map(({ id }, i): Settlement => {
    const isGivenUp = i === 1
    const isDelivered = i === 0 || i === 2
    return {
      messageId: id,
      attemptId: newId('att'),
      state: isGivenUp ? 'failed' : isDelivered ? 'delivered' : 'pending',
      at: new Date(now.getTime() - MINUTE_MS),
      nextAttemptAt: isGivenUp || isDelivered ? null : new Date(now.getTime() + HOUR_MS),
      status: isDelivered ? 204 : isGivenUp ? 500 : null,
      error: isDelivered ? null : isGivenUp ? 'It answered 500.' : 'No answer within 15 s.',
      durationMs: isDelivered ? 84 : 15_000,
    }
  })
  await settleClaims(tx, endpointId, settled, now)
  return { endpointId, messageId: messages[1]?.id ?? '' }
}
