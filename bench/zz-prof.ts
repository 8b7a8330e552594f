import { Client } from 'pg'
import { createKey, databaseUrlOf, startHub } from '#bench/hub.ts'
import { leadShots, setUpSales } from '#bench/leads.ts'
import { closedLoad, LoadClient } from '#bench/load.ts'
import { rmSync } from 'node:fs'
const [kind='batch', seconds='6', jobs='false', cons] = process.argv.slice(2)
const dataDir='/tmp/prof-data'; rmSync(dataDir,{recursive:true,force:true}); rmSync('/tmp/prof-cpu',{recursive:true,force:true})
let hub = await startHub({dataDir, environment:{THROUGHLINE_RUN_JOBS:'false'}})
let c = new Client({connectionString: await databaseUrlOf(hub)}); await c.connect()
await c.query(`alter system set shared_preload_libraries = 'pg_stat_statements'`)
for (const x of (process.env.SET ?? '').split(';').filter(Boolean)) await c.query('alter system set '+x)
await c.end(); await hub.stop()
hub = await startHub({dataDir, environment:{THROUGHLINE_RUN_JOBS:jobs, ...(process.env.CPU ? {NODE_OPTIONS:'--cpu-prof --cpu-prof-dir=/tmp/prof-cpu'}:{})}})
c = new Client({connectionString: await databaseUrlOf(hub)}); await c.connect()
await c.query('create extension if not exists pg_stat_statements')
const key = await createKey(hub); await setUpSales(hub.url, key)
const client = new LoadClient(hub.url, key, 64)
if(process.env.WARM!=='0') await closedLoad(client, 64, 2000, leadShots('w').next)
await c.query('select pg_stat_statements_reset()')
const shots = kind==='batch'? leadShots('p',500): leadShots('p')
const t=performance.now()
const r = await closedLoad(client, Number(cons ?? (kind==='batch'?4:64)), Number(seconds)*1000, shots.next)
const ms = performance.now()-t
console.log(r, 'leads', shots.sent(), 'leads/s', shots.sent()*1000/ms)
const {rows} = await c.query(`select calls, round(total_exec_time::numeric) as total_ms, round(mean_exec_time::numeric,2) as mean_ms, round(total_plan_time::numeric) plan, rows, regexp_replace(left(query,150),'\\s+',' ','g') as q from pg_stat_statements order by total_exec_time desc limit 28`)
for (const x of rows) console.log(String(x.calls).padStart(6), String(x.total_ms).padStart(8), String(x.mean_ms).padStart(9), String(x.rows).padStart(8), x.q)
await c.end(); await client.close(); await hub.stop()
