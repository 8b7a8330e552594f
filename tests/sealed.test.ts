import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { useHub } from '#tests/hub.ts'

const hub = useHub()

test('no personal value and no usable key stands in the clear in any table', async () => {
  const workspace = await hub.freshWorkspace()
  const canaries = {
    email: 'canary.mail@acme.example',
    firstName: 'Canaryfirst',
    lastName: 'Canarylast',
    phone: '+49 30 5550199',
    jobTitle: 'Canary of Titles',
    pageUrl: 'https://acme.example/?email=canary.page@acme.example',
    externalId: 'canary-external-77',
    custom: { note: 'canary-custom-note' },
  }
  const lead = { ...canaries, consents: [{ purpose: 'marketing', text: 'canary-consent-wording' }] }
  const answer = await workspace.post('/api/v1/integrations/sales/leads', lead, {
    'idempotency-key': 'sealed',
  })
  expect(answer.status).toBe(201)
  await workspace.post('/api/v1/owners', {
    name: 'Canary Owner',
    email: 'canary.owner@acme.example',
  })
  const touched = await workspace.post('/api/v1/touchpoints', {
    touchpoints: [
      {
        userId: 'canary-user-9',
        kind: 'page_view',
        pageUrl: 'https://acme.example/canary-path',
        properties: { note: 'canary-property' },
        occurredAt: new Date().toISOString(),
      },
    ],
  })
  expect(touched.body.summary).toMatchObject({ done: 1 })
  await hub.settle()
  const dump = await hub.app.store.system(async (tx) => {
    const tables = await tx.query(sql<{ name: string }>`
      select quote_ident(n.nspname) || '.' || quote_ident(c.relname) as name
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind = 'r' and n.nspname in ('public', 'pgboss')`)
    const texts: string[] = []
    for (const { name } of tables) {
      const rows = await tx.query(
        sql<{
          text: string
        }>`select t::text as text from ${sql.raw(name)} t where t::text like ${`%${workspace.id}%`} limit 10000`,
      )
      texts.push(...rows.map((row) => row.text))
    }
    return texts.join('\n')
  })
  expect(dump).toContain(answer.body.id) // the dump does hold what was written
  const planted = [
    /canary/i,
    /5550199/,
    // The secret of a key may hold underscores itself.
    new RegExp(workspace.key.split('_').slice(2).join('_').replaceAll('-', '\\-')),
  ]
  const hex = (text: string) => Buffer.from(text).toString('hex')
  for (const pattern of planted) expect(dump).not.toMatch(pattern)
  for (const text of ['canary', 'Canary', '5550199']) expect(dump).not.toContain(hex(text))
})
