// A process that owns or attaches to the embedded database in the folder it is given, commits rows one by one, and says
// each one that was acknowledged. The tests kill it at the worst moments. With `hold` it only keeps the database running.
import { Client } from 'pg'
import { silentLog } from '#core/log.ts'
import { startEmbedded } from '#store/embedded.ts'

const [dataDir = '', mode = 'write'] = process.argv.slice(2)
const say = (line: string) => process.stdout.write(`${line}\n`)
const startedAtMs = performance.now()
const database = await startEmbedded({ dataDir, log: silentLog })
say(
  `ready ${database.attached ? 'attached' : 'owner'} ${Math.round(performance.now() - startedAtMs)}`,
)

process.on('SIGTERM', () => {
  void database.stop().then(() => process.exit(0))
})

if (mode === 'write') await write()
else setInterval(() => undefined, 1000)

async function write(): Promise<never> {
  for (let next = 0; ;) {
    const client = new Client({ connectionString: database.connectionString })
    client.on('error', () => undefined) // told again by the statement
    try {
      await client.connect()
      await client.query('create table if not exists acknowledged (id text primary key)')
      for (;;) {
        next += 1
        await client.query('insert into acknowledged values ($1)', [`${process.pid}-${next}`])
        say(`ack ${process.pid}-${next}`)
      }
    } catch {
      say('lost') // the database died under us: connect again
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}
