// What a hub that has nothing to do holds of memory, its embedded PostgreSQL included. Linux only. Flag: --seconds 20.
import { parseArgs } from 'node:util'
import { figure, report } from '#bench/figures.ts'
import { startHub } from '#bench/hub.ts'
import { offspringBytes, residentBytes } from '#bench/processes.ts'

const MIB = 2 ** 20
const BAR_MIB = 400

const { values: flags } = parseArgs({ options: { seconds: { type: 'string', default: '20' } } })
const hub = await startHub()
await new Promise((resolve) => setTimeout(resolve, Number(flags.seconds) * 1000))
const server = await residentBytes(hub.pid)
const database = await offspringBytes(hub.pid)
await hub.stop()
process.stdout.write(
  `an empty hub, ${flags.seconds} s after it was ready; buffers that the database's processes share count once\n`,
)
report('memory', [
  figure('hub and database at rest', (server + database) / MIB, 'MiB', { atMost: BAR_MIB }),
  figure('of which the hub process (RSS)', server / MIB, 'MiB'),
  figure('of which the database (PSS)', database / MIB, 'MiB'),
])
