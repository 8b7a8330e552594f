import { openStore } from '#store/connect.ts'
import { migrate } from '#store/migrate.ts'
import { silentLog } from '#core/log.ts'
import { newId } from '#core/id.ts'
import { sql } from 'kysely'
import { fillLargeWorkspace } from '#bench/fixtures.ts'
import { refreshLedger } from '#reports/refresh.ts'
import { markAllDirty } from '#reports/dirty.store.ts'
import { seedReports } from '#reports/index.ts'
const connectionString = 'postgres://postgres@127.0.0.1:5432/throughline_reports_dev'
await migrate({ connectionString, folder: process.cwd() + '/migrations', log: silentLog })
const store = await openStore({
  connectionString,
  keyFile: '/tmp/reports-dev-keys.json',
  log: silentLog,
  poolSize: 5,
})
const id = newId('wsp')
const now = new Date('2026-11-23T12:00:00Z')
await store.system(async (tx) => {
  await tx.execute(
    sql`insert into workspaces (id, name, time_zone, currency, created_at) values (${id}, 'Large', 'UTC', 'EUR', ${now})`,
  )
  await store.createKeys(tx, id)
})
await store.transaction(id, (tx) => seedReports(tx))
let t = performance.now()
const lap = (name: string) => {
  console.log(name, Math.round(performance.now() - t), 'ms')
  t = performance.now()
}
await fillLargeWorkspace(
  connectionString,
  id,
  {
    people: Number(process.argv[2]),
    touchpoints: Number(process.argv[3]),
    deals: Number(process.argv[4]),
    now,
  },
  await store.sealerOf(id),
)
lap('fill')
await store.transaction(id, (tx) => markAllDirty(tx, now))
lap('mark')
await refreshLedger(store, id, () => now)
lap('refresh')
console.log(id, process.memoryUsage().rss / 1e6)
await store.close()
